using System.Text;
using Hospes.Builder;
using Hospes.Hypervisor;
using Hospes.Machine;
using static Hospes.Vmm.Tests.Guests;

namespace Hospes.Vmm.Tests;

public sealed class DomainRunnerTests
{
    private const ushort DebugExitPort = 0xF4;
    private const ushort PanicPort = 0x505;
    private const ushort SleepControl = 0x600;
    private const uint SoftOff = (5 << 2) | (1 << 5);

    private readonly TextConsole _console = new();
    private readonly List<DomainStage> _stages = [];

    private static Packet PowerOff => Out(SleepControl, SoftOff);

    private static VmmOptions Options => new()
    {
        Machine = new MachineConfig { Memory = 16 << 20, DebugExitPort = DebugExitPort },
        Kernel = BootPayload.FromBytes(TestKernel.Make()),
        HostMemory = 1 << 30,
    };

    [Fact]
    public void AGuestPrintsAndPowersOff()
    {
        DomainEnd end = Run(new FakeEngine(_ => [.. Print("hello\n"), PowerOff]), Options);
        end.ShouldBe(new DomainEnd(DomainEndKind.PowerOff));
        _console.Text.ShouldBe("hello\n");
        _stages.ShouldBe([DomainStage.Created, DomainStage.Built, DomainStage.Running, DomainStage.Ended]);
    }

    [Fact]
    public void TheGuestIsAnEmptyShellBeforeItIsBuilt()
    {
        var engine = new FakeEngine(_ => [PowerOff]);
        int rangesAtCreation = -1;
        var runner = new DomainRunner(Options, engine, _console)
        {
            StageReached = stage =>
            {
                if (stage == DomainStage.Created) rangesAtCreation = engine.Guests.Single().Memory.Ranges.Count;
            },
        };
        runner.Run(out _).ShouldBeNull();
        rangesAtCreation.ShouldBe(0);
    }

    [Fact]
    public void TheBootProcessorStandsAtTheKernelsEntry()
    {
        var engine = new FakeEngine(_ => [PowerOff]);
        Run(engine, Options);
        engine.Guests.Single().Vcpus[0].State.ShouldNotBeNull().Rip.ShouldBe(TestKernel.Entry);
    }

    [Fact]
    public void EverythingOfTheGuestIsDisposed()
    {
        var engine = new FakeEngine(_ => [PowerOff]);
        Run(engine, Options with { Machine = Options.Machine with { Vcpus = 3 } });
        FakeGuest guest = engine.Guests.Single();
        guest.Disposed.ShouldBeTrue();
        guest.Vcpus.Count.ShouldBe(3);
        guest.Vcpus.ShouldAllBe(vcpu => vcpu.Disposed);
    }

    [Fact]
    public void EveryProcessorRunsOnAThreadOfItsOwn()
    {
        var together = new Barrier(3);
        // No processor goes on before all three are inside their programs.
        Run(new FakeEngine(Meet), Options with { Machine = Options.Machine with { Vcpus = 3 } }).Kind.ShouldBe(DomainEndKind.PowerOff);

        IEnumerable<Packet> Meet(FakeVcpu processor)
        {
            together.SignalAndWait();
            if (processor.Id == 0) yield return PowerOff;
        }
    }

    [Theory]
    [InlineData(DomainEndKind.GuestPanic, PanicPort, 1u, 0u)]
    [InlineData(DomainEndKind.DebugExit, DebugExitPort, 0x2Au, 0x2Au)]
    [InlineData(DomainEndKind.PowerOff, SleepControl, SoftOff, 0u)]
    public void PortsEndTheRun(DomainEndKind expected, int port, uint value, uint number) =>
        Run(new FakeEngine(_ => [Out((ushort)port, value)]), Options).ShouldBe(new DomainEnd(expected, number));

    [Fact]
    public void ATripleFaultEndsTheRun() => Run(new FakeEngine(_ => [Shutdown]), Options).Kind.ShouldBe(DomainEndKind.TripleFault);

    [Fact]
    public void AResetStartsTheGuestAnew()
    {
        int boots = 0;
        var engine = new FakeEngine(_ => [.. Print("boot\n"), Interlocked.Increment(ref boots) < 3 ? Reset : PowerOff]);
        Run(engine, Options).Kind.ShouldBe(DomainEndKind.PowerOff);
        _console.Text.ShouldBe("boot\nboot\nboot\n");
        engine.Guests.Count.ShouldBe(3);
    }

    [Fact]
    public void AResetEndsTheRunWhereNoRebootIsWanted() =>
        Run(new FakeEngine(_ => [Reset]), Options with { Reboot = false }).Kind.ShouldBe(DomainEndKind.Reset);

    [Fact]
    public void AFaultOfTheEngineEndsTheDomainAndNotTheProcess()
    {
        DomainEnd end = Run(new FakeEngine(Fail), Options);
        end.Kind.ShouldBe(DomainEndKind.HostFault);
        end.Detail.ShouldNotBeNull().ShouldContain("the decoder slipped");

        static IEnumerable<Packet> Fail(FakeVcpu processor)
        {
            yield return In(0x80);
            throw new InvalidOperationException("the decoder slipped");
        }
    }

    [Fact]
    public void AnEngineThatGivesUpEndsTheDomain() =>
        Run(new FakeEngine(_ => [default]), Options).Detail.ShouldBe("processor 0 stopped with the status Internal");

    [Fact]
    public void AStopFromOutsideEndsAHaltedGuest()
    {
        var runner = new DomainRunner(Options, new FakeEngine(_ => []), _console);
        runner.StageReached = stage =>
        {
            if (stage == DomainStage.Running) runner.Stop(DomainEndKind.Stopped);
        };
        runner.Run(out DomainEnd end).ShouldBeNull();
        end.Kind.ShouldBe(DomainEndKind.Stopped);
    }

    [Fact]
    public void AStopBeforeTheRunHolds()
    {
        var runner = new DomainRunner(Options, new FakeEngine(_ => []), _console);
        runner.Stop(DomainEndKind.Stopped);
        runner.Stop(DomainEndKind.TimedOut);
        runner.Run(out DomainEnd end).ShouldBeNull();
        end.Kind.ShouldBe(DomainEndKind.Stopped);
    }

    [Fact]
    public void AStopEndsAGuestThatResetsForEver()
    {
        DomainRunner? runner = null;
        int boots = 0;
        runner = new DomainRunner(Options, new FakeEngine(_ =>
        {
            if (Interlocked.Increment(ref boots) == 5) runner!.Stop(DomainEndKind.Stopped);
            return [Reset];
        }), _console);
        runner.Run(out DomainEnd end).ShouldBeNull();
        end.Kind.ShouldBe(DomainEndKind.Stopped);
    }

    [Fact]
    public void TheTimeOutCountsFromTheFirstInstruction()
    {
        var clock = new ManualClock();
        var runner = new DomainRunner(Options with { Timeout = TimeSpan.FromSeconds(30), Time = clock }, new FakeEngine(_ => []), _console);
        runner.StageReached = stage =>
        {
            if (stage == DomainStage.Built) clock.Advance(TimeSpan.FromSeconds(100));
            if (stage == DomainStage.Running) clock.Advance(TimeSpan.FromSeconds(30));
        };
        runner.Run(out DomainEnd end).ShouldBeNull();
        end.Kind.ShouldBe(DomainEndKind.TimedOut);
    }

    [Fact]
    public void WhatIsTypedReachesTheGuestAlsoWhenItWasTypedEarly()
    {
        var lines = new List<string>();
        var runner = new DomainRunner(Options, new FakeEngine(Echo), _console);
        runner.Input.Type("early\n"u8);
        runner.StageReached = stage =>
        {
            if (stage == DomainStage.Running) runner.Input.Type("late\n"u8);
        };
        runner.Run(out _).ShouldBeNull();
        lines.ShouldBe(["early", "late"]);

        IEnumerable<Packet> Echo(FakeVcpu processor)
        {
            for (int i = 0; i < 2; i++)
            {
                var line = new List<byte>();
                foreach (Packet packet in ReadLine(processor, line)) yield return packet;
                lines.Add(Encoding.ASCII.GetString([.. line]));
            }

            yield return PowerOff;
        }
    }

    [Fact]
    public void MoreThanTheQueueHoldsIsTypedAtTheGuestsPace()
    {
        byte[] text = [.. Enumerable.Range(0, (2 * ConsoleInput.Capacity) + 123).Select(static i => (byte)('a' + (i % 26))), (byte)'\n'];
        var line = new List<byte>();
        var runner = new DomainRunner(Options, new FakeEngine(Read), _console);
        var typist = new Thread(() => runner.Input.Type(text));
        typist.Start();
        runner.Run(out _).ShouldBeNull();
        typist.Join();
        line.ShouldBe(text[..^1]);

        IEnumerable<Packet> Read(FakeVcpu processor)
        {
            foreach (Packet packet in ReadLine(processor, line)) yield return packet;
            yield return PowerOff;
        }
    }

    [Fact]
    public void TypingIntoAFullQueueCanBeCancelled()
    {
        var input = new ConsoleInput();
        input.Type(new byte[ConsoleInput.Capacity]);
        using var cancellation = new CancellationTokenSource();
        cancellation.Cancel();
        Should.Throw<OperationCanceledException>(() => input.Type("x"u8, cancellation.Token));
    }

    [Theory]
    [InlineData(Status.NotSupported, "choose another engine")]
    [InlineData(Status.NoMemory, "free memory on the host")]
    public void AnEngineThatMakesNoGuestIsNamed(Status status, string remedy)
    {
        VmmFailure failure = Fails(new FakeEngine(_ => []) { GuestStatus = status }, Options);
        failure.Error.ShouldBe(VmmError.EngineRefused);
        failure.Message.ShouldStartWith($"the engine fake made no guest ({status}); {remedy}");
    }

    [Fact]
    public void AnEngineThatMakesNoProcessorIsNamed()
    {
        Fails(new FakeEngine(_ => []) { VcpuStatus = Status.NoMemory }, Options).Cause.ShouldBe("the engine made no virtual processor (NoMemory)");
        Fails(new FakeEngine(_ => []) { StateStatus = Status.InvalidArgs }, Options).Cause.ShouldBe("the engine made no state of the kernel's entry (InvalidArgs)");
    }

    [Fact]
    public void AnImpossibleMachineIsNamed()
    {
        foreach (MachineConfig config in (MachineConfig[])
            [Options.Machine with { Memory = 0 }, Options.Machine with { Memory = 2UL << 30 }, Options.Machine with { Memory = 12345 }, Options.Machine with { Vcpus = 0 }, Options.Machine with { Vcpus = 256 }])
        {
            VmmFailure failure = Fails(new FakeEngine(_ => []), Options with { Machine = config });
            failure.Error.ShouldBe(VmmError.Machine);
            failure.Cause.ShouldNotBeNullOrWhiteSpace();
            failure.Remedy.ShouldNotBeNullOrWhiteSpace();
            failure.Message.ShouldNotContain("\n");
        }
    }

    [Fact]
    public void AKernelThatIsNoneIsNamed()
    {
        var engine = new FakeEngine(_ => []);
        VmmFailure failure = Fails(engine, Options with { Kernel = BootPayload.FromBytes("#!/bin/sh\n"u8.ToArray()) });
        failure.Error.ShouldBe(VmmError.Build);
        failure.Cause.ShouldContain("is in no known kernel format");
        engine.Guests.Single().Disposed.ShouldBeTrue();
    }

    [Fact]
    public void AnInitrdLargerThanMemoryIsNamed() =>
        Fails(new FakeEngine(_ => []), Options with { Initrd = BootPayload.FromBytes(new byte[32 << 20]) }).Cause.ShouldStartWith("the initrd does not fit into the guest's memory");

    [Fact]
    public void EnginesAreChosenByName()
    {
        foreach (string name in EngineChoice.Names.Except(["kvm"]))
        {
            EngineChoice.TryChoose(name, out IEngine? engine, out VmmFailure? none).ShouldBeTrue();
            engine.ShouldNotBeNull();
            none.ShouldBeNull();
        }

        DomainRunner.TryCreate(Options with { Engine = "steam" }, _console, out VmmFailure? failure).ShouldBeNull();
        failure.ShouldNotBeNull().Message.ShouldBe("there is no engine 'steam'; choose one of auto, soft, kvm");
    }

    private DomainEnd Run(FakeEngine engine, VmmOptions options)
    {
        var runner = new DomainRunner(options, engine, _console) { StageReached = _stages.Add };
        runner.Run(out DomainEnd end).ShouldBeNull();
        return end;
    }

    private VmmFailure Fails(FakeEngine engine, VmmOptions options) => new DomainRunner(options, engine, _console).Run(out _).ShouldNotBeNull();
}
