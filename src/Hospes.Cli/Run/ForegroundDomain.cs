using System.Runtime.InteropServices;
using Hospes.Cli.CommandLine;
using Hospes.Cli.Native;
using Hospes.Display;
using Hospes.Machine;
using Hospes.Vmm;
using Hospes.Vmm.Gdb;
using Hospes.Vmm.Qmp;
using Hospes.Vmm.Statistics;

namespace Hospes.Cli.Run;

/// <summary>Runs a domain in this process with its console where people or scripts see it, and gives the exit status of the process.</summary>
internal sealed class ForegroundDomain(Surroundings surroundings, VmmOptions options)
{
    /// <summary>Why the run was stopped from outside: the exit status that says so.</summary>
    private int _stoppedBy = ExitStatus.Interrupted;

    private DomainRunner? _runner;

    /// <summary>Whether standard input is typed into the guest.</summary>
    public bool Keyboard { get; init; } = true;

    /// <summary>Where others drive the domain over QMP; null for nowhere.</summary>
    public string? QmpPath { get; init; }

    /// <summary>Where debuggers connect to; null for nowhere.</summary>
    public string? GdbPlace { get; init; }

    /// <summary>Whether people are told at the end what the domain used and did.</summary>
    public bool TellsStatistics { get; init; }

    /// <summary>How the screen is shown; null for not at all.</summary>
    public VncSettings? Vnc { get; init; }

    /// <summary>Told of every stage.</summary>
    public Action<DomainStage>? StageReached { get; set; }

    /// <summary>Puts something between the guest's console and standard output.</summary>
    public Func<IConsoleSink, IConsoleSink>? Watch { get; set; }

    /// <summary>Types into the guest's console.</summary>
    public void Type(byte[] bytes) => _runner?.Input.Type(bytes);

    /// <summary>Runs it on standard input and output.</summary>
    public int Run()
    {
        IConsoleSink console = new StreamConsole(StandardStream.Open(StandardStream.Output));
        DomainRunner? runner = DomainRunner.TryCreate(options, Watch?.Invoke(console) ?? console, out VmmFailure? failure);
        if (runner is null) return surroundings.Fail(Translate(failure!));
        _runner = runner;
        QmpSocket? qmp = null;
        if (QmpPath is not null && !QmpSocket.TryListen(QmpPath).Succeeded(out qmp, out Failure? taken)) return surroundings.Fail(taken);
        using QmpSocket? socket = qmp;
        using QmpMonitor? monitor = qmp is null ? null : new QmpMonitor(runner);
        if (monitor is not null) qmp!.Serve(monitor);
        string? refused = null;
        using GdbServer? debuggers = GdbPlace is null ? null : GdbServer.TryListen(runner, GdbPlace, out refused);
        if (GdbPlace is not null && debuggers is null) return surroundings.Fail(new Failure(FailureKind.Host, refused!, "see 'hospes run --help'"));
        using VncServer? screen = Vnc is null ? null : VncDisplay.TryListen(runner, Vnc, out refused);
        if (Vnc is not null && screen is null) return surroundings.Fail(new Failure(FailureKind.Host, refused!, "see 'hospes run --help'"));
        using Terminal? terminal = Keyboard && surroundings.InIsTerminal ? Terminal.TryEnterRaw() : null;
        using var meter = new DomainMeter(runner.Control);
        string? notice = runner.Notice;
        runner.StageReached = stage =>
        {
            BuildMemory.ReleaseAt(stage);
            // Said once, and only when there is a guest that it matters to.
            if (stage == DomainStage.Running && notice is not null) surroundings.Error.Write($"hospes: {notice}{(terminal is null ? "\n" : "\r\n")}");
            if (stage == DomainStage.Running) notice = null;
            StageReached?.Invoke(stage);
        };
        if (terminal is not null) surroundings.Error.Write("hospes: the console is yours; Ctrl-] leaves and stops the guest\r\n");
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Stop(context, ExitStatus.Interrupted));
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Stop(context, ExitStatus.Terminated));
        using PosixSignalRegistration hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context => Stop(context, ExitStatus.Terminated));
        var keys = new Thread(() =>
        {
            if (ConsoleKeys.Pump(StandardStream.Open(StandardStream.Input), terminal is not null, typed => runner.Input.Type(typed.Span))) runner.Stop(DomainEndKind.Stopped);
        })
        { Name = "console keys", IsBackground = true };
        if (Keyboard) keys.Start();
        failure = runner.Run(out DomainEnd end);
        terminal?.Dispose();
        if (monitor is not null) QmpSocket.Drain(monitor);
        if (TellsStatistics && runner.Control.Statistics() is { } statistics) surroundings.Error.Write(StatisticsText.Of(statistics));
        return failure is null ? Report(end) : surroundings.Fail(Translate(failure));

        void Stop(PosixSignalContext context, int status)
        {
            // The guest is stopped in order and the terminal put back; the process ends by itself then.
            context.Cancel = true;
            _stoppedBy = status;
            runner.Stop(DomainEndKind.Stopped);
        }
    }

    /// <summary>Says how the domain ended where that is not what people expect, and gives the exit status for it.</summary>
    private int Report(DomainEnd end)
    {
        switch (end.Kind)
        {
            case DomainEndKind.PowerOff or DomainEndKind.Quit:
                return ExitStatus.Done;
            case DomainEndKind.DebugExit:
                return Status(end);
            case DomainEndKind.Reset:
                surroundings.Note("the guest asked for a reset and --no-reboot was given");
                return ExitStatus.Reset;
            case DomainEndKind.TripleFault:
                surroundings.Note("a processor of the guest shut down after a triple fault");
                return ExitStatus.GuestCrashed;
            case DomainEndKind.GuestPanic:
                surroundings.Note("the guest's kernel panicked; its last words are above");
                return ExitStatus.GuestCrashed;
            case DomainEndKind.HostFault:
                surroundings.Note($"the guest was stopped by a fault of Hospes, please report it: {end.Detail}");
                return ExitStatus.GuestCrashed;
            case DomainEndKind.TimedOut:
                surroundings.Note($"the guest was still running after {options.Timeout?.TotalSeconds} seconds and was stopped");
                return ExitStatus.TimedOut;
            default:
                surroundings.Note("the guest was stopped");
                return _stoppedBy;
        }
    }

    /// <summary>The exit status for a number that the guest wrote to the debug-exit port: as QEMU's isa-debug-exit makes it, odd and never 0.</summary>
    public static int Status(DomainEnd end) => (int)((end.Value << 1) | 1) & 0xFF;

    /// <summary>A domain that cannot be made, as a failure of the command line.</summary>
    public static Failure Translate(VmmFailure failure) =>
        new(failure.Error == VmmError.Build ? FailureKind.Format : FailureKind.Host, failure.Cause, failure.Remedy);
}
