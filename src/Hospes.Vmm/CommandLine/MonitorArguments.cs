using Hospes.Vmm.Chardevs;

namespace Hospes.Vmm.CommandLine;

/// <summary>Collects who uses the character devices: monitors and the serial port.</summary>
internal sealed class MonitorArguments(ChardevArguments chardevs)
{
    private readonly List<MonitorOptions> _monitors = [];
    private readonly List<(string Option, OptionKind Kind, string Text)> _short = [];
    private bool _noDefaults;
    private bool _noGraphic;

    /// <summary>The monitors, in order.</summary>
    public IReadOnlyList<MonitorOptions> Monitors => _monitors;

    /// <summary>The character device of the serial port, or null.</summary>
    public string? Serial { get; private set; }

    /// <summary>Takes <c>-nodefaults</c> or <c>-nographic</c>.</summary>
    public void Take(OptionKind kind)
    {
        if (kind == OptionKind.NoDefaults) _noDefaults = true;
        else _noGraphic = true;
    }

    /// <summary>Takes <c>-serial</c>, <c>-monitor</c> or <c>-qmp</c>.</summary>
    /// <returns>Null, or what is wrong.</returns>
    public string? Add(string option, OptionKind kind, string text)
    {
        if (kind == OptionKind.Serial && _short.Exists(static other => other.Kind == OptionKind.Serial)) return "the machine has one serial port";
        _short.Add((option, kind, text));
        return null;
    }

    /// <summary>Takes <c>-mon</c>.</summary>
    /// <returns>Null, or what is wrong.</returns>
    public string? AddMon(OptionSet set)
    {
        var reader = new OptionReader(set);
        string chardev = reader.Required("chardev");
        string mode = reader.Choice("mode", "readline", "control");
        bool pretty = reader.Switch("pretty", false);
        reader.Identifier("id");
        if (pretty && mode == "readline") reader.Fail("'pretty' is not compatible with HMP monitors");
        if (!reader.Finish()) return reader.Error;
        if (chardevs.Find(chardev) is null) return $"chardev \"{chardev}\" not found";
        return Add(new MonitorOptions(chardev, mode == "control" ? MonitorKind.Control : MonitorKind.Readline) { Pretty = pretty });
    }

    /// <summary>Brings the short forms and the defaults in, when every <c>-chardev</c> is known.</summary>
    /// <returns>Null, or what is wrong, with the option in front.</returns>
    public string? Finish()
    {
        bool hasSerial = _short.Exists(static other => other.Kind == OptionKind.Serial);
        bool hasMonitor = _monitors.Count > 0 || _short.Exists(static other => other.Kind != OptionKind.Serial);
        // Without a screen, QEMU gives a machine a serial port and a monitor on standard input and output.
        if (_noGraphic && !_noDefaults && !hasSerial) _short.Add(("-nographic", OptionKind.Serial, hasMonitor ? "stdio" : "mon:stdio"));
        int monitors = 0;
        foreach ((string option, OptionKind kind, string text) in _short)
        {
            string? error = kind == OptionKind.Serial ? AddSerial(option, text) : AddMonitor(option, kind, text, $"compat_monitor{monitors++}");
            if (error is not null) return $"{option} {text}: {error}";
        }
        return null;
    }

    private string? AddSerial(string option, string text)
    {
        if (text == "none") return null;
        string? error = chardevs.Redirect(option, text, "serial0", out string? id, out bool monitored);
        error ??= chardevs.Use(id!);
        Serial = id;
        if (error is null && monitored) error = Add(new MonitorOptions(id!, MonitorKind.Readline));
        return error;
    }

    private string? AddMonitor(string option, OptionKind kind, string text, string label)
    {
        if (text == "none") return null;
        string? error = chardevs.Redirect(option, text, label, out string? id, out _);
        return error ?? Add(new MonitorOptions(id!, kind == OptionKind.Monitor ? MonitorKind.Readline : MonitorKind.Control) { Pretty = kind == OptionKind.QmpPretty });
    }

    private string? Add(MonitorOptions monitor)
    {
        if (monitor.Kind == MonitorKind.Control && chardevs.Find(monitor.Chardev) is { Mux: true }) return "QMP is not supported on a character device with mux=on";
        if (chardevs.Use(monitor.Chardev) is { } error) return error;
        _monitors.Add(monitor);
        return null;
    }
}
