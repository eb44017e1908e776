using Hospes.Builder;
using System.Collections.Concurrent;
using Hospes.Hypervisor;
using Hospes.Machine;

namespace Hospes.Vmm.Tests;

/// <summary>A domain that runs on a thread of its own while a test manages it.</summary>
internal sealed class RunningDomain : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly BlockingCollection<DomainEvent> _events = [];
    private readonly Task<DomainEnd> _run;
    private readonly ManualResetEventSlim _started = new();

    public RunningDomain(VmmOptions options, IEngine engine, Action<DomainRunner>? prepare = null)
    {
        Runner = new DomainRunner(options, engine, Console);
        Runner.Control.Raised += _events.Add;
        prepare?.Invoke(Runner);
        Runner.StageReached = stage =>
        {
            if (stage == DomainStage.Running) _started.Set();
        };
        _run = Task.Factory.StartNew(
            () =>
            {
                VmmFailure? failure = Runner.Run(out DomainEnd end);
                failure.ShouldBeNull();
                return end;
            },
            CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        _started.Wait(s_patience).ShouldBeTrue();
    }

    /// <summary>A small machine that halts, with devices.</summary>
    public static VmmOptions Options(params DeviceOptions[] devices) => new()
    {
        Machine = new MachineConfig { Memory = 16 << 20 },
        Kernel = BootPayload.FromBytes(TestKernel.Make()),
        HostMemory = 1 << 30,
        Devices = devices,
    };

    public DomainRunner Runner { get; }

    public DomainControl Control => Runner.Control;

    public TextConsole Console { get; } = new();

    /// <summary>The next event.</summary>
    public DomainEvent Next()
    {
        _events.TryTake(out DomainEvent? happened, s_patience).ShouldBeTrue();
        return happened!;
    }

    /// <summary>Whether no event waits.</summary>
    public bool IsQuiet => _events.Count == 0;

    /// <summary>Waits for the end.</summary>
    public DomainEnd End() => _run.WaitAsync(s_patience).GetAwaiter().GetResult();

    public void Dispose()
    {
        Runner.Stop(DomainEndKind.Stopped);
        End();
        _events.Dispose();
        _started.Dispose();
    }
}
