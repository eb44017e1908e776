using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hospes.Machine;
using Hospes.Qmp;
using Hospes.Qmp.Schema;

namespace Hospes.Vmm.Qmp;

/// <summary>The monitor for people: lines in, text out, with the commands and the words of QEMU's. Lines of answers end with CR LF. Thread-safe.</summary>
internal sealed class HumanMonitor
{
    private readonly DomainRunner _runner;
    private readonly DomainControl _control;
    private readonly PciCommands _pci;
    private readonly InputCommands _input;
    private readonly DisplayCommands _display;
    private readonly string _version;
    private readonly Entry[] _commands, _infos;

    /// <summary>Makes it.</summary>
    /// <param name="runner">The domain.</param>
    /// <param name="input">What presses keys.</param>
    /// <param name="display">What sees the screens.</param>
    /// <param name="version">What it says its version is.</param>
    public HumanMonitor(DomainRunner runner, InputCommands input, DisplayCommands display, string version)
    {
        _input = input;
        _display = display;
        _runner = runner;
        _control = runner.Control;
        _pci = new PciCommands(_control);
        _version = version;
        _infos =
        [
            new("balloon", "", "show how much memory the guest has left", 0, _ => ShowBalloon()),
            new("block", "[-n] [device]", "show one block device or all of them (-n: named nodes)", 2, ShowBlock),
            new("mem", "", "show the active virtual memory mappings", 0, _ => Inspect(static life => PageTables.Describe(life.Vcpus[0], life.Memory))),
            new("memory-devices", "", "show the memory that comes and goes in blocks", 0, _ => new MemoryCommands(_control).DescribeDevices()),
            new("memory_size_summary", "", "show how much memory there is", 0, _ => new MemoryCommands(_control).DescribeSizes()),
            new("mtree", "", "show what answers in memory and at I/O ports", 0, _ => ShowRegions()),
            new("name", "", "show the domain's name", 0, _ => Line(_control.Options.Name)),
            new("pci", "", "show the PCI bus", 0, _ => HumanPci.Describe(_pci)),
            new("registers", "[-a|vcpu]", "show the registers of a processor (-a: of all)", 1, ShowRegisters),
            new("status", "", "show whether the domain runs", 0, _ => ShowStatus()),
            new("uuid", "", "show the domain's UUID", 0, _ => Line(new IdentityCommands(_runner).Uuid)),
            new("version", "", "show the version", 0, _ => Line(_version)),
        ];
        _commands =
        [
            new("balloon", "target", "ask the guest to change its memory to as many MiB", 1, SetBalloon),
            new("cont|c", "", "resume the domain", 0, _ => _control.Resume() ? "" : Line("Error: Resetting the Virtual Machine is required")),
            new("device_add", "driver[,prop=value][,...]", "plug a device in", 1, words => words is [var text] ? Answer(new PlugCommands(_control).Add(text)) : Line("device_add: a driver is missing")),
            new("device_del", "[-s] device", "ask the guest to let a device go (-s: pull it out without asking)", 2, RemoveDevice),
            new("help|?", "[cmd]", "show the help", 2, Help),
            new("info", "[subcommand]", "show various information about the domain", int.MaxValue, Info),
            new("qom-get", "path property", "show a property of an object", 2, GetProperty),
            new("qom-set", "path property value", "set a property of an object; a size may have a unit", 3, SetProperty),
            new("quit|q", "", "end the domain", 0, _ => Do(_control.Quit)),
            new("screendump", "filename [-f format]", "write what is to be seen on the first screen to a file (format: ppm or png)", 3, DumpScreen),
            new("sendkey", "keys [hold_ms]", "press keys, such as ctrl-alt-f1, for some milliseconds (default: 100)", 2, SendKeys),
            new("stop|s", "", "stop the domain", 0, _ => Do(_control.Pause)),
            new("system_powerdown", "", "press the power button", 0, _ => Do(_control.PowerDown)),
            new("system_reset", "", "reset the domain", 0, _ => Do(_control.Reset)),
        ];
    }

    /// <summary>Does what a line says.</summary>
    /// <param name="line">The line.</param>
    /// <returns>The answer.</returns>
    public string Execute(string line)
    {
        string[] words = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return words.Length == 0 ? "" : Run(_commands, words, "", line.Trim());
    }

    private static string Run(Entry[] entries, string[] words, string prefix, string line)
    {
        if (Array.Find(entries, entry => entry.Names.Contains(words[0])) is not { } entry) return Line($"unknown command: '{line}'");
        return words.Length - 1 > entry.MostWords
            ? Line($"{entry.Names[0]}: extraneous characters at the end of line") + Line($"Try \"help {prefix}{entry.Names[0]}\" for more information")
            : entry.Execute(words[1..]);
    }

    private string Info(string[] words) => words.Length == 0 ? Describe(_infos, "info ") : Run(_infos, words, "info ", $"info {string.Join(' ', words)}");

    private string Help(string[] words) => words switch
    {
        [] => Describe(_commands, ""),
        ["info"] => Describe(_infos, "info "),
        ["info", var name] => Describe([.. _infos.Where(entry => entry.Names.Contains(name))], "info "),
        [var name, ..] => Describe([.. _commands.Where(entry => entry.Names.Contains(name))], ""),
    };

    private static string Describe(Entry[] entries, string prefix) =>
        string.Concat(entries.Select(entry => Line($"{prefix}{entry.Name} {entry.Parameters} -- {entry.Help}")));

    private static string Do(Action action)
    {
        action();
        return "";
    }

    private static string Line(string? text) => text is null ? "" : text + "\r\n";

    private string Inspect(Func<Domain, string> look) => _control.Look(look, hold: true) ?? "";

    private static string Answer(QmpResult result) => result.Error is { } error ? Line($"Error: {error.Description}") : "";

    private string RemoveDevice(string[] words) =>
        words.LastOrDefault() is { } name && name != "-s" ? Answer(new PlugCommands(_control).Remove(name, words.Contains("-s"))) : Line("device_del: a device is missing");

    private string DumpScreen(string[] words)
    {
        if (words is not ([_] or [_, "-f", "ppm" or "png"])) return Line("screendump: a filename is missing, or a format that is none") + Line("Try \"help screendump\" for more information");
        return Answer(_display.Dump(words[0], null, null, words[^1] == "png" && words.Length > 1));
    }

    private string SendKeys(string[] words)
    {
        long hold = 0;
        if (words.Length == 0 || (words.Length > 1 && !long.TryParse(words[1], NumberStyles.None, CultureInfo.InvariantCulture, out hold)))
            return Line("sendkey: keys are missing") + Line("Try \"help sendkey\" for more information");
        return Answer(_input.SendKey(words[0], words.Length > 1 ? hold : null));
    }

    private string ShowBalloon()
    {
        QmpResult result = Execute(new BalloonCommands(_control).Commands, "query-balloon", []);
        return Line(result.Error is { } error ? $"Error: {error.Description}" : $"balloon: actual={(ulong)result.Value!["actual"]! >> 20}");
    }

    private string SetBalloon(string[] words)
    {
        if (words is not [var word] || !long.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out long size) || size > long.MaxValue >> 20)
            return Line("balloon: a number of MiB is missing") + Line("Try \"help balloon\" for more information");
        return Answer(Execute(new BalloonCommands(_control).Commands, "balloon", new JsonObject { ["value"] = size << 20 }));
    }

    private static QmpResult Execute(IEnumerable<QmpCommand> commands, string command, JsonObject arguments)
    {
        using JsonDocument document = JsonDocument.Parse(arguments.ToJsonString());
        return commands.First(at => at.Name == command).Execute(new QmpArguments(document.RootElement));
    }

    private string GetProperty(string[] words)
    {
        if (words is not [var path, var property]) return Line("qom-get: a path or a property is missing") + Line("Try \"help qom-get\" for more information");
        QmpResult result = Execute(new ObjectCommands(_control).Commands, "qom-get", new JsonObject { ["path"] = path, ["property"] = property });
        return result.Error is null ? Line(result.Value?.ToJsonString()) : Answer(result);
    }

    private string SetProperty(string[] words)
    {
        if (words is not [var path, var property, var value]) return Line("qom-set: a path, a property or a value is missing") + Line("Try \"help qom-set\" for more information");
        JsonNode set = long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) ? JsonValue.Create(number) : JsonValue.Create(value);
        return Answer(Execute(new ObjectCommands(_control).Commands, "qom-set", new JsonObject { ["path"] = path, ["property"] = property, ["value"] = set }));
    }

    private string ShowStatus()
    {
        RunState state = _control.State;
        string name = state is RunState.Running or RunState.Paused ? "" : $" ({RunCommands.Name(state)})";
        return Line($"VM status: {(state == RunState.Running ? "running" : "paused")}{name}");
    }

    private string ShowRegisters(string[] words)
    {
        IEnumerable<int> all = Enumerable.Range(0, _control.Processors);
        int index = 0;
        if (words is [var word] && word != "-a")
        {
            if (!int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out index))
                return Line($"invalid char '{word[0]}' in expression") + Line("Try \"help info registers\" for more information");
            if (!all.Contains(index)) return Line($"CPU#{index} not available");
        }
        return Inspect(life => string.Concat((words is ["-a"] ? all : [index]).Select(at => Registers.Describe(life.Vcpus[at]))));
    }

    private string ShowBlock(string[] words)
    {
        bool nodes = words.Contains("-n");
        string? wanted = words.FirstOrDefault(static word => word != "-n");
        DeviceBackends? backends = _control.Backends;
        IEnumerable<string> shown = nodes
            ? (backends?.Blocks.Nodes.Reverse() ?? []).Where(node => wanted is null || node.Name == wanted).Select(static node => DescribeBlock(node, null, null))
            : (backends?.Disks ?? []).Where(disk => wanted is null || disk.Options.Drive == wanted)
                .Select(DescribeDrive);
        return string.Join("\r\n", shown);
    }

    private string DescribeDrive(Disk disk)
    {
        string attached = Line($"    Attached to:      {BlockReport.Device(_control, disk)}");
        if (disk.Tray is { } tray) attached += Line($"    Removable device: {(tray.IsLocked ? "" : "not ")}locked, tray {(tray.IsOpen ? "open" : "closed")}");
        return disk.Node is { } node ? DescribeBlock(node, disk.Options.Drive, attached) : Line($"{disk.Options.Drive}: [not inserted]") + attached;
    }

    private static string DescribeBlock(BlockNode node, string? drive, string? attached)
    {
        string name = drive is null ? node.Name : $"{drive} ({node.Name})";
        return Line($"{name}: {node.Path} ({BlockReport.Name(node.Driver)}{(node.IsReadOnly ? ", read-only" : "")})")
            + attached
            + Line("    Cache mode:       writeback");
    }

    private string ShowRegions()
    {
        var text = new StringBuilder();
        _control.Look(life =>
        {
            Show("memory", "system", ulong.MaxValue, life.Machine!.ReportMemory());
            Show("I/O", "io", ushort.MaxValue, life.Machine.ReportPorts());
            return text;
        });
        return text.ToString();

        void Show(string space, string root, ulong last, IEnumerable<MachineRegion> regions)
        {
            text.Append(Line($"address-space: {space}")).Append(Line($"  {0:x16}-{last:x16} (prio 0, i/o): {root}"));
            foreach (MachineRegion at in regions)
            {
                text.Append(Line($"{new string(' ', 4 + (2 * at.Depth))}{at.First:x16}-{at.Last:x16} (prio 0, {(at.IsRam ? "ram" : "i/o")}): {at.Name}"));
            }
            text.Append(Line(""));
        }
    }

    private sealed record Entry(string Name, string Parameters, string Help, int MostWords, Func<string[], string> Execute)
    {
        public string[] Names { get; } = Name.Split('|');
    }
}
