using Hospes.Display;
using Hospes.Vmm.Gdb;

namespace Hospes.Vmm.CommandLine;

/// <summary>Collects what the options say about the domain and its process, beyond machine and devices.</summary>
internal sealed class DomainArguments
{
    private readonly List<string> _warnings = [];
    private VmmCommandLine _line = new() { Machine = new Machine.MachineConfig { Memory = 0 } };
    private string? _kernel, _initrd, _append;

    /// <summary>Takes an option without an argument.</summary>
    public void Take(OptionKind kind)
    {
        _line = kind switch
        {
            OptionKind.NoShutdown => _line with { Actions = _line.Actions with { PowerOff = false } },
            OptionKind.NoReboot => _line with { Actions = _line.Actions with { Reboot = false } },
            OptionKind.StartPaused => _line with { StartPaused = true },
            OptionKind.Daemonize => _line with { Daemonize = true },
            OptionKind.GdbUsual => _line with { Gdb = GdbServer.UsualPlace },
            _ => _line,
        };
    }

    /// <summary>Takes an option with a text.</summary>
    /// <returns>Null, or what is wrong.</returns>
    public string? Take(OptionKind kind, string text)
    {
        switch (kind)
        {
            case OptionKind.Kernel:
                _kernel = text;
                return null;
            case OptionKind.Initrd:
                _initrd = text;
                return null;
            case OptionKind.Append:
                _append = text;
                return null;
            case OptionKind.PidFile:
                _line = _line with { PidFile = text };
                return null;
            case OptionKind.Gdb:
                if (text != "none" && !GdbServer.IsPlace(text)) return $"'{text}' is not supported: give tcp:HOST:PORT, unix:PATH or none";
                _line = _line with { Gdb = text == "none" ? null : text };
                return null;
            case OptionKind.WatchdogAction:
                if (WatchdogActions.Find(text) is not { } action) return "Unknown -watchdog-action parameter";
                _line = _line with { Actions = _line.Actions with { Watchdog = action } };
                return null;
            case OptionKind.Uuid:
                if (!Guid.TryParseExact(text, "D", out Guid uuid)) return "failed to parse UUID string: wrong format";
                _line = _line with { Uuid = uuid };
                return null;
            default:
                throw new ArgumentOutOfRangeException(nameof(kind), kind, "no option with a text");
        }
    }

    /// <summary>Takes an option with parameters.</summary>
    /// <returns>Null, or what is wrong.</returns>
    public string? Take(OptionKind kind, OptionSet set)
    {
        var reader = new OptionReader(set);
        if (kind == OptionKind.Name) ReadName(reader);
        else if (kind == OptionKind.Action) ReadActions(reader);
        else if (kind == OptionKind.Vnc) ReadVnc(reader);
        else if (kind == OptionKind.Sandbox) ReadSandbox(reader);
        else if (kind == OptionKind.Clock) _line = _line with { Clock = ClockStart.Read(reader) };
        else _line = _line with { TimestampMessages = reader.Switch("timestamp", _line.TimestampMessages), NameMessages = reader.Switch("guest-name", _line.NameMessages) };
        reader.Finish();
        return reader.Error;
    }

    /// <summary>Adds everything to the rest.</summary>
    public VmmCommandLine Complete(VmmCommandLine rest) => rest with
    {
        Kernel = _kernel ?? rest.Kernel,
        Initrd = _initrd ?? rest.Initrd,
        Append = _append ?? rest.Append,
        Name = _line.Name,
        Uuid = _line.Uuid,
        Actions = _line.Actions,
        StartPaused = _line.StartPaused,
        PidFile = _line.PidFile,
        Daemonize = _line.Daemonize,
        Sandbox = _line.Sandbox,
        Gdb = _line.Gdb,
        Vnc = _line.Vnc,
        Clock = _line.Clock,
        TimestampMessages = _line.TimestampMessages,
        NameMessages = _line.NameMessages,
        Warnings = [.. _warnings, .. rest.Warnings],
    };

    private void ReadName(OptionReader reader)
    {
        _line = _line with { Name = reader.Text("guest") ?? _line.Name };
        if (reader.Text("process") is not null) _warnings.Add("-name process= has no effect");
        // Threads always have names here.
        if (!reader.Switch("debug-threads", true)) _warnings.Add("-name debug-threads=off has no effect");
    }

    private void ReadVnc(OptionReader reader)
    {
        string place = reader.Required("vnc");
        bool wantsPassword = reader.Switch("password", false);
        // Who wants to be alone is (RFC 6143, 7.3.1): the first of QEMU's three ways.
        reader.Only("share", "allow-exclusive");
        reader.Only("lossy", "off");
        reader.Only("non-adaptive", "on", "off");
        if (reader.Error is null && place != "none" && VncPlace.Parse(place) is null) reader.Fail($"'{place}' is not supported: give HOST:DISPLAY, unix:PATH or none");
        _line = _line with { Vnc = place == "none" ? null : new VncSettings(place, wantsPassword) };
    }

    private void ReadSandbox(OptionReader reader)
    {
        bool enable = reader.Switch("enable", false);
        string? rules = reader.Text("rules");
        // QEMU's parts of its filter: what each refuses is always refused here.
        foreach (string part in (ReadOnlySpan<string>)["obsolete", "elevateprivileges", "spawn", "resourcecontrol"]) reader.Only(part, "deny");
        _line = _line with { Sandbox = enable ? new SandboxOptions(rules) : null };
    }

    private void ReadActions(OptionReader reader)
    {
        ActionOptions actions = _line.Actions;
        if (reader.Set.Entries.Any(static entry => entry.Key == "reboot")) actions = actions with { Reboot = reader.Choice("reboot", "reset", "shutdown") == "reset" };
        if (reader.Set.Entries.Any(static entry => entry.Key == "shutdown")) actions = actions with { PowerOff = reader.Choice("shutdown", "poweroff", "pause") == "poweroff" };
        if (reader.Set.Entries.Any(static entry => entry.Key == "panic"))
        {
            actions = actions with
            {
                Panic = reader.Choice("panic", "shutdown", "pause", "exit-failure") switch
                {
                    "pause" => PanicAction.Pause,
                    "exit-failure" => PanicAction.ExitFailure,
                    _ => PanicAction.Shutdown,
                },
            };
        }
        if (actions is { Panic: PanicAction.Pause, PowerOff: true }) reader.Fail("panic=pause is supported together with shutdown=pause only");
        if (reader.Text("watchdog") is not null) actions = actions with { Watchdog = WatchdogActions.Find(reader.Choice("watchdog", [.. WatchdogActions.Names])) ?? actions.Watchdog };
        _line = _line with { Actions = actions };
    }
}
