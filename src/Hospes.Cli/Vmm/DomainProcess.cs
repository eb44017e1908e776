using System.Net.Sockets;
using System.Runtime.InteropServices;
using Hospes.Builder;
using Hospes.Cli.CommandLine;
using Hospes.Cli.Native;
using Hospes.Cli.Run;
using Hospes.Display;
using Hospes.Machine;
using Hospes.Vmm;
using Hospes.Vmm.Chardevs;
using Hospes.Vmm.CommandLine;
using Hospes.Vmm.Gdb;
using Hospes.Vmm.Qmp;

namespace Hospes.Cli.Vmm;

/// <summary>Brings a domain together with its character devices and monitors, and runs it to its end.</summary>
internal sealed class DomainProcess(VmmCommandLine line, Surroundings surroundings, Messages messages, Daemon? daemon)
{
    /// <summary>How long the end of the process waits for monitors to read what they were told.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    private readonly List<ChardevPort> _ports = [];
    private readonly CancellationTokenSource _stop = new();

    /// <summary>Ends the monitors: only when they have told of the end.</summary>
    private readonly CancellationTokenSource _over = new();
    private readonly SerialSink _serial = new();
    private DomainRunner? _runner;

    /// <summary>Runs it.</summary>
    /// <returns>The exit status of the process.</returns>
    public async Task<int> RunAsync(BootPayload kernel, BootPayload? initrd)
    {
        using var chardevs = new ChardevSet(new ChardevSurroundings
        {
            Input = StandardStream.Open(StandardStream.Input),
            Output = StandardStream.Open(StandardStream.Output),
            EnterRaw = signals => surroundings.InIsTerminal ? Terminal.TryEnterRaw(signals) : null,
            Tell = Tell,
            Quit = Stop,
        });
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context => Signalled(context, 2));
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => Signalled(context, 15));
        using PosixSignalRegistration hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, context => Signalled(context, 1));
        foreach (ChardevOptions options in line.Chardevs)
        {
            if (daemon is not null && options is StdioChardevOptions) return messages.Fail($"{options.Origin}: cannot use stdio with -daemonize");
            if (chardevs.TryAdd(options, out _) is { } error) return messages.Fail($"{options.Origin}: {error}");
        }
        try
        {
            await chardevs.PrepareAsync(_stop.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return ExitStatus.Done;
        }
        string? refused = null;
        if (TryMake(chardevs, kernel, initrd, out VmmFailure? failure) is not { } runner) return messages.Fail(failure!.Message);
        _runner = runner;
        if (_stop.IsCancellationRequested) runner.Stop(DomainEndKind.Stopped);
        using QmpMonitor? monitor = line.Monitors.Count == 0 ? null : new QmpMonitor(runner, chardevs);
        using var meter = new Hospes.Vmm.Statistics.DomainMeter(runner.Control);
        using GdbServer? debuggers = line.Gdb is null ? null : GdbServer.TryListen(runner, line.Gdb, out refused);
        if (line.Gdb is not null && debuggers is null) return messages.Fail($"gdbstub: {refused}");
        using VncServer? screen = line.Vnc is null ? null : VncDisplay.TryListen(runner, line.Vnc, out refused);
        if (line.Vnc is not null && screen is null) return messages.Fail($"-vnc {line.Vnc.Place}: {refused}");
        if (line.Serial is not null)
        {
            ChardevPort port = ChardevPort.Start(chardevs.Use(line.Serial), typed => runner.Input.Type(typed.Span));
            _ports.Add(port);
            _serial.Port = port;
        }
        // Behind the port, which has the keyboard first where both share a device.
        Task[] monitors = [.. line.Monitors.Select(options => ServeAsync(chardevs.Use(options.Chardev), options, monitor!))];
        chardevs.Start();
        runner.StageReached = stage =>
        {
            BuildMemory.ReleaseAt(stage);
            if (stage == DomainStage.Running) Ready();
        };
        DomainEnd end = default;
        failure = await Task.Factory.StartNew(() => runner.Run(out end), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default).ConfigureAwait(false);
        foreach (ChardevPort port in _ports) port.Flush();
        if (monitor is not null) await monitor.DrainAsync(s_patience).ConfigureAwait(false);
        await _over.CancelAsync().ConfigureAwait(false);
        foreach (ChardevPort port in _ports) port.Dispose();
        chardevs.Dispose();
        await Task.WhenAny(Task.WhenAll(monitors), Task.Delay(s_patience)).ConfigureAwait(false);
        return failure is null ? Report(end) : messages.Fail(failure.Message);
    }

    /// <summary>Makes the domain on the first engine that this host has.</summary>
    private DomainRunner? TryMake(ChardevSet chardevs, BootPayload kernel, BootPayload? initrd, out VmmFailure? failure)
    {
        failure = null;
        DomainRunner? runner = null;
        VmmOptions options = new()
        {
            CpuModel = line.CpuModel,
            Machine = line.Machine with { ClockOffset = line.Clock.Offset(TimeProvider.System.GetUtcNow(), TimeProvider.System.LocalTimeZone) },
            Kernel = kernel,
            KernelName = Path.GetFileName(line.Kernel!).Replace(' ', '_'),
            CommandLine = line.Append,
            Initrd = initrd,
            Devices = [.. line.Devices.Select(device => Connect(device, chardevs))],
            Reboot = line.Actions.Reboot,
            StayAfterShutdown = !line.Actions.PowerOff,
            StartPaused = line.StartPaused,
            Watchdog = line.Actions.Watchdog,
            Name = line.Name,
            Uuid = line.Uuid,
        };
        foreach (string engine in line.Engines)
        {
            runner = DomainRunner.TryCreate(options with { Engine = engine }, _serial, out VmmFailure? refused);
            if (runner is not null) break;
            failure ??= refused;
            if (line.Engines.Count > 1) messages.Say($"warning: falling back from the engine '{engine}': {refused!.Cause}");
        }
        if (runner?.Notice is { } notice) messages.Say($"info: {notice}");
        return runner;
    }

    /// <summary>Gives the ports of a console their ends.</summary>
    private DeviceOptions Connect(DeviceOptions device, ChardevSet chardevs)
    {
        if (device is not ConsoleOptions { Ports: { } ports } console) return device;
        return console with { Ports = [.. ports.Select(port => port.Backend is null ? port : port with { End = Open(port.Backend) })] };

        ChardevPort Open(string id)
        {
            ChardevPort port = ChardevPort.Start(chardevs.Use(id));
            _ports.Add(port);
            return port;
        }
    }

    private async Task ServeAsync(Chardev chardev, MonitorOptions options, QmpMonitor monitor)
    {
        // One peer after the other; what happens while none is there is told to nobody.
        while (await chardev.ConnectAsync().ConfigureAwait(false) is { } peer)
        {
            try
            {
                if (options.Kind == MonitorKind.Control) await monitor.ServeAsync(peer, _over.Token).ConfigureAwait(false);
                else await monitor.ServeHumanAsync(peer, _over.Token).ConfigureAwait(false);
            }
            catch (Exception fault) when (fault is IOException or SocketException or ObjectDisposedException or OperationCanceledException)
            {
                // The peer is gone, or the domain.
            }
            await peer.DisposeAsync().ConfigureAwait(false);
        }
    }

    /// <summary>The domain's first life begins: whoever started the process may go on.</summary>
    private void Ready()
    {
        if (daemon is not null && !_isReady) daemon.Ready();
        _isReady = true;
    }

    private bool _isReady;

    /// <summary>Tells what scripts look for on standard output, and the rest on standard error.</summary>
    private void Tell(string text)
    {
        if (text.StartsWith("info: ", StringComparison.Ordinal)) messages.Say(text);
        else surroundings.Out.WriteLine(text);
    }

    private void Signalled(PosixSignalContext context, int number)
    {
        // The domain is ended in order, and the process ends by itself then.
        context.Cancel = true;
        messages.Say($"terminating on signal {number}");
        Stop();
    }

    private void Stop()
    {
        _stop.Cancel();
        _runner?.Stop(DomainEndKind.Stopped);
    }

    /// <summary>The exit status for an end: 0, whoever wanted it, but for faults, and for panics where that was asked for.</summary>
    private int Report(DomainEnd end)
    {
        switch (end.Kind)
        {
            case DomainEndKind.HostFault:
                return messages.Fail($"the guest was stopped by a fault of Hospes, please report it: {end.Detail}");
            case DomainEndKind.TripleFault:
                return messages.Fail("a processor of the guest shut down after a triple fault");
            case DomainEndKind.GuestPanic when line.Actions.Panic == PanicAction.ExitFailure:
                return 1;
            default:
                return ExitStatus.Done;
        }
    }

    /// <summary>Where the serial port's output goes: nowhere, until there is a port for it.</summary>
    private sealed class SerialSink : IConsoleSink
    {
        public ChardevPort? Port { get; set; }

        public void Write(ReadOnlySpan<byte> bytes) => Port?.Write(bytes);
    }
}
