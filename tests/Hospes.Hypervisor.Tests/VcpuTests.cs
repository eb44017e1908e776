using Hospes.Hypervisor.Tests.Kit;

namespace Hospes.Hypervisor.Tests;

public sealed class VcpuTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public void ARunGivesTheEnginesPacketAndAnswer()
    {
        using Vcpu vcpu = FakeEngine.CreateVcpu(out FakeVcpu engine);
        engine.Script.Enqueue((Status.Ok, new Packet { Kind = PacketKind.Io, Address = 0x3F8, Size = 1, IsWrite = true, Data = 'h' }));
        engine.Script.Enqueue((Status.Internal, default));
        vcpu.Run(out Packet packet).ShouldBe(Status.Ok);
        (packet.Kind, packet.Address, packet.Data).ShouldBe((PacketKind.Io, 0x3F8ul, (ulong)'h'));
        vcpu.Run(out _).ShouldBe(Status.Internal);
    }

    [Fact]
    public void AReadIsAnsweredBeforeTheNextRun()
    {
        using Vcpu vcpu = FakeEngine.CreateVcpu(out FakeVcpu engine);
        engine.Script.Enqueue((Status.Ok, new Packet { Kind = PacketKind.Memory, Address = 0xFEC00000, Size = 4 }));
        vcpu.Run(out _).ShouldBe(Status.Ok);
        vcpu.CompleteRead(0x123).ShouldBe(Status.Ok);
        engine.Completed.ShouldBe([0x123u]);
    }

    [Fact]
    public void AProcessorRunsOnTheThreadThatItIsBoundTo()
    {
        using Vcpu vcpu = FakeEngine.CreateVcpu(out FakeVcpu engine);
        for (int i = 0; i < 4; i++) engine.Script.Enqueue((Status.Ok, default));
        vcpu.Run(out _).ShouldBe(Status.Ok);
        OnThread(() => vcpu.Run(out _)).ShouldBe(Status.BadState);
        OnThread(() =>
        {
            vcpu.Bind().ShouldBe(Status.Ok);
            return vcpu.Run(out _);
        }).ShouldBe(Status.Ok);
        vcpu.Run(out _).ShouldBe(Status.BadState, "it moved");
        vcpu.Bind().ShouldBe(Status.Ok);
        vcpu.Run(out _).ShouldBe(Status.Ok);
    }

    [Fact]
    public void AKickCancelsTheNextRunAndKicksCoalesce()
    {
        using Vcpu vcpu = FakeEngine.CreateVcpu(out FakeVcpu engine);
        engine.Script.Enqueue((Status.Ok, new Packet { Kind = PacketKind.Shutdown }));
        for (int i = 0; i < 5; i++) vcpu.Kick().ShouldBe(Status.Ok);
        vcpu.Run(out Packet packet).ShouldBe(Status.Canceled);
        packet.Kind.ShouldBe(PacketKind.None);
        vcpu.Run(out packet).ShouldBe(Status.Ok);
        packet.Kind.ShouldBe(PacketKind.Shutdown);
    }

    [Fact]
    public void AKickCancelsTheCurrentRunFromAnyThread()
    {
        using Vcpu vcpu = FakeEngine.CreateVcpu(out FakeVcpu engine);
        var kicker = new Thread(() =>
        {
            engine.Blocked.Wait();
            vcpu.Kick();
        });
        kicker.Start();
        vcpu.Run(out _).ShouldBe(Status.Canceled);
        kicker.Join();
    }

    [Fact]
    public void StateIsReadAndWrittenOnlyWhileItIsStopped()
    {
        using Vcpu vcpu = FakeEngine.CreateVcpu(out FakeVcpu engine);
        var state = new VcpuState { Rip = 0x1234 };
        vcpu.WriteState(state).ShouldBe(Status.Ok);
        var read = new VcpuState();
        vcpu.ReadState(read).ShouldBe(Status.Ok);
        read.Rip.ShouldBe(0x1234u);
        state.Cr0 = ulong.MaxValue;
        vcpu.WriteState(state).ShouldBe(Status.InvalidArgs);
        Status[] answers = [];
        var other = new Thread(() =>
        {
            engine.Blocked.Wait();
            answers = [vcpu.ReadState(read), vcpu.WriteState(read), vcpu.CompleteRead(1), vcpu.Bind()];
            vcpu.Kick();
        });
        other.Start();
        vcpu.Run(out _).ShouldBe(Status.Canceled);
        other.Join();
        answers.ShouldBe([Status.BadState, Status.BadState, Status.BadState, Status.BadState]);
        engine.Completed.ShouldBeEmpty();
        vcpu.ReadState(read).ShouldBe(Status.Ok);
    }

    [Fact]
    public void InterruptsReachTheEngineFromVector16On()
    {
        using Vcpu vcpu = FakeEngine.CreateVcpu(out FakeVcpu engine);
        for (int vector = 0; vector < 256; vector++) vcpu.Interrupt((byte)vector).ShouldBe(vector < 16 ? Status.OutOfRange : Status.Ok);
        engine.Interrupts.ShouldBe(Enumerable.Range(16, 240).Select(v => (byte)v));
        vcpu.InterruptNonMaskable().ShouldBe(Status.Ok);
        engine.NonMaskable.ShouldBe(1);
    }

    [Theory]
    [InlineData(Rights.Execute)]
    [InlineData(Rights.Signal)]
    [InlineData(Rights.Read)]
    [InlineData(Rights.Write)]
    public void EveryCallAsksForItsRight(Rights missing)
    {
        using Vcpu whole = FakeEngine.CreateVcpu(out FakeVcpu engine);
        whole.Duplicate(Rights.DefaultVcpu & ~missing, out Vcpu? vcpu).ShouldBe(Status.Ok);
        engine.Script.Enqueue((Status.Ok, default));
        Status For(Rights needed) => needed == missing ? Status.AccessDenied : Status.Ok;
        vcpu!.Bind().ShouldBe(For(Rights.Execute));
        vcpu.Run(out _).ShouldBe(For(Rights.Execute));
        vcpu.Kick().ShouldBe(For(Rights.Execute));
        vcpu.Interrupt(32).ShouldBe(For(Rights.Signal));
        vcpu.InterruptNonMaskable().ShouldBe(For(Rights.Signal));
        vcpu.ReadState(new VcpuState()).ShouldBe(For(Rights.Read));
        vcpu.WriteState(new VcpuState()).ShouldBe(For(Rights.Write));
        vcpu.CompleteRead(0).ShouldBe(For(Rights.Write));
        using var interrupt = new Interrupt();
        interrupt.Bind(vcpu, 32).ShouldBe(For(Rights.Write));
        vcpu.Dispose();
    }

    [Fact]
    public void ClosingTheLastHandleEndsTheRunBeforeTheProcessorEnds()
    {
        for (int i = 0; i < 200; i++)
        {
            Vcpu vcpu = FakeEngine.CreateVcpu(out FakeVcpu engine);
            int round = i;
            var closer = new Thread(() =>
            {
                if (round % 2 == 0) engine.Blocked.Wait();
                vcpu.Dispose();
            });
            closer.Start();
            // BadState when the close came before the run.
            vcpu.Run(out _).ShouldBeOneOf(Status.Canceled, Status.BadState);
            closer.Join(Patience).ShouldBeTrue();
            engine.Disposals.ShouldBe(1);
        }
    }

    [Fact]
    public void ABoundInterruptRaisesItsVectorThere()
    {
        using Vcpu vcpu = FakeEngine.CreateVcpu(out FakeVcpu engine);
        using var interrupt = new Interrupt();
        interrupt.Trigger().ShouldBe(Status.BadState);
        interrupt.Bind(vcpu, 15).ShouldBe(Status.OutOfRange);
        interrupt.Bind(vcpu, 0x40).ShouldBe(Status.Ok);
        interrupt.Bind(vcpu, 0x41).ShouldBe(Status.AlreadyBound);
        interrupt.Trigger().ShouldBe(Status.Ok);
        interrupt.Duplicate(Rights.Signal, out Interrupt? trigger).ShouldBe(Status.Ok);
        trigger!.Trigger().ShouldBe(Status.Ok);
        trigger.Bind(vcpu, 0x40).ShouldBe(Status.AccessDenied);
        engine.Interrupts.ShouldBe([0x40, 0x40]);
        interrupt.Duplicate(Rights.Read, out Interrupt? silent).ShouldBe(Status.Ok);
        silent!.Trigger().ShouldBe(Status.AccessDenied);
    }

    [Fact]
    public void AnInterruptToAClosedProcessorIsRefused()
    {
        Vcpu vcpu = FakeEngine.CreateVcpu(out _);
        using var bound = new Interrupt();
        using var late = new Interrupt();
        bound.Bind(vcpu, 0x40).ShouldBe(Status.Ok);
        vcpu.Dispose();
        bound.Trigger().ShouldBe(Status.BadState);
        late.Bind(vcpu, 0x40).ShouldBe(Status.BadState);
    }

    private static Status OnThread(Func<Status> action)
    {
        Status status = Status.Internal;
        var thread = new Thread(() => status = action());
        thread.Start();
        thread.Join();
        return status;
    }
}
