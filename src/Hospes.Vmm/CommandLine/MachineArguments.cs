using System.Globalization;
using Hospes.Machine;

namespace Hospes.Vmm.CommandLine;

/// <summary>Collects what the options say about the machine itself: <c>-machine</c>, <c>-accel</c>, <c>-cpu</c>, <c>-smp</c> and <c>-m</c>. Each member
/// gives null, or what is wrong in QEMU's words.</summary>
internal sealed class MachineArguments
{
    /// <summary>The one machine that there is.</summary>
    public const string Type = "xenpvh";

    private const ulong MiB = 1UL << 20;

    private readonly List<string> _engines = [];
    private ulong _plugged;
    private bool _hasSize;
    private string? _backend;

    /// <summary>The machine; QEMU gives 128 MiB to who asks for nothing.</summary>
    public MachineConfig Config { get; private set; } = new() { Memory = 128 * MiB, DebugExitPort = null };

    /// <summary>How much memory there may be, with what comes later; null for no more than in the beginning.</summary>
    public ulong? MostMemory { get; private set; }

    /// <summary>The engines, in order.</summary>
    public IReadOnlyList<string> Engines => _engines.Count > 0 ? _engines : [EngineChoice.Auto];

    /// <summary>The processor model, or null.</summary>
    public string? CpuModel { get; private set; }

    /// <summary>The kernel that <c>-machine</c> names, or null; the same for the two below.</summary>
    public string? Kernel { get; private set; }

    public string? Initrd { get; private set; }

    public string? Append { get; private set; }

    public string? SetMachine(OptionSet set)
    {
        var reader = new OptionReader(set);
        if (reader.Text("type") is { } type && type != Type) return "unsupported machine type\nUse -machine help to list supported machines";
        foreach (string name in MachineProperties.Names)
        {
            if (reader.Size(name) is { } value) Config = MachineProperties.With(Config, name, value)!;
        }
        string? error = reader.Text("accel") is { } engines ? engines.Split(':').Select(AddEngine).FirstOrDefault(static refused => refused is not null) : null;
        Config = Config with { HasWatchdog = reader.Switch("wdat", Config.HasWatchdog) };
        _backend = reader.Text("memory-backend") ?? _backend;
        Kernel = reader.Text("kernel") ?? Kernel;
        Initrd = reader.Text("initrd") ?? Initrd;
        Append = reader.Text("append") ?? Append;
        reader.Only("usb", "off");
        reader.Only("mem-merge", "off");
        reader.Only("dump-guest-core", "on");
        reader.Only("graphics", "off");
        reader.Only("acpi", "on", "auto");
        reader.Finish(static name => $"Property '{Type}-machine.{name}' not found");
        return reader.Error ?? error;
    }

    public string? AddAccelerator(OptionSet set)
    {
        var reader = new OptionReader(set);
        string name = reader.Required("accel");
        if (reader.Error is not null) return reader.Error;
        return AddEngine(set.Entries.Where(static entry => entry.Key != "accel").Aggregate(name, static (choice, entry) => $"{choice},{entry.Key}={entry.Value}"));
    }

    public string? AddEngine(string choice)
    {
        if (!EngineChoice.Names.Contains(EngineChoice.Name(choice))) return $"invalid accelerator {EngineChoice.Name(choice)}";
        _engines.Add(choice);
        return null;
    }

    public string? SetCpu(string text)
    {
        // QEMU's +feature, -feature and feature=on mean the same; engines know the first two.
        string[] parts = text.Split(',');
        for (int i = 1; i < parts.Length; i++)
        {
            string[] pair = parts[i].Split('=', 2);
            if (pair.Length == 1) continue;
            if (pair[1] is not ("on" or "off")) return $"Property '{parts[0]}-x86_64-cpu.{pair[0]}' is supported with the values 'on' and 'off' only";
            parts[i] = (pair[1] == "on" ? "+" : "-") + pair[0];
        }
        CpuModel = string.Join(',', parts);
        return null;
    }

    public string? SetMemory(OptionSet set)
    {
        var reader = new OptionReader(set);
        if (reader.Size("size", MiB) is { } size)
        {
            Config = Config with { Memory = size };
            _hasSize = true;
        }
        MostMemory = reader.Size("maxmem", MiB);
        // Places for modules of memory, of which virtio-mem needs none.
        long? slots = reader.Number("slots", 0, byte.MaxValue);
        if (!reader.Finish()) return reader.Error;
        if (slots is not null && MostMemory is null) return "slots specified but no max-size";
        if (MostMemory < Config.Memory)
            return string.Create(CultureInfo.InvariantCulture, $"invalid value of maxmem: maximum memory size (0x{MostMemory:x}) must be at least the initial memory size (0x{Config.Memory:x})");
        return slots > 0 && MostMemory == Config.Memory
            ? string.Create(CultureInfo.InvariantCulture, $"invalid value of maxmem: memory slots were specified but maximum memory size (0x{MostMemory:x}) is equal to the initial memory size (0x{Config.Memory:x})")
            : null;
    }

    /// <summary>Takes over what the RAM is made of, if something was named. Before anything is plugged in.</summary>
    /// <returns>Null, or what is wrong.</returns>
    public string? TakeBackend(ObjectArguments objects)
    {
        if (_backend is null) return null;
        if (objects.TakeMemory(_backend, out string? error) is not { } backend) return error!.EndsWith("not found", StringComparison.Ordinal) ? $"Memory backend '{_backend}' not found" : error;
        if (_hasSize && backend.Size != Config.Memory) return "Size specified by -m option must match size of explicitly specified 'memory-backend' property";
        Config = Config with { Memory = backend.Size, HugePages = backend.HugePages };
        return null;
    }

    /// <summary>Takes of the room for memory that comes later, which <c>maxmem</c> allows for.</summary>
    /// <returns>Null, or what is wrong.</returns>
    public string? TakeRoom(ulong size)
    {
        ulong room = MostMemory is { } most ? most - Config.Memory : 0;
        if (room == 0) return "memory devices (e.g. for memory hotplug) are not enabled, please specify the maxmem option";
        if (size > room - _plugged) return string.Create(CultureInfo.InvariantCulture, $"not enough space, currently 0x{_plugged:x} in use of total space for memory devices 0x{room:x}");
        _plugged += size;
        return null;
    }

    public string? SetSmp(OptionSet set)
    {
        var reader = new OptionReader(set);
        long cpus = Count("cpus"), most = Count("maxcpus"), sockets = Count("sockets"), cores = Count("cores"), threads = Count("threads");
        foreach (string level in (ReadOnlySpan<string>)["drawers", "books", "dies", "clusters", "modules"])
        {
            if (Count(level) > 1) reader.Fail($"{level} > 1 not supported by this machine's CPU topology");
        }
        if (!reader.Finish(static name => $"Parameter 'smp.{name}' is unexpected")) return reader.Error;

        // What was left out follows from the rest, as QEMU has it: cores before sockets before threads.
        long total = most != 0 ? most : cpus;
        if (cores == 0) cores = total == 0 ? 1 : total / (Math.Max(1, sockets) * Math.Max(1, threads));
        else if (sockets == 0) sockets = total == 0 ? 1 : total / (cores * Math.Max(1, threads));
        else if (threads == 0) threads = total == 0 ? 1 : total / (cores * sockets);
        if (sockets == 0) sockets = 1;
        if (threads == 0) threads = 1;
        long product = sockets * cores * threads;
        if (total == 0) total = product;
        most = total;
        if (cpus == 0) cpus = most;
        string shape = string.Create(CultureInfo.InvariantCulture, $"sockets ({sockets}) * dies (1) * cores ({cores}) * threads ({threads})");
        if (product != most)
            return string.Create(CultureInfo.InvariantCulture, $"Invalid CPU topology: product of the hierarchy must match maxcpus: {shape} != maxcpus ({most})");
        if (most < cpus)
            return string.Create(CultureInfo.InvariantCulture, $"Invalid CPU topology: maxcpus must be equal to or greater than smp: {shape} == maxcpus ({most}) < smp_cpus ({cpus})");
        if (most > 255) return string.Create(CultureInfo.InvariantCulture, $"Invalid SMP CPUs {most}. The max CPUs supported by machine '{Type}' is 255");
        Config = Config with { Vcpus = (int)cpus, MaxVcpus = most > cpus ? (int)most : 0 };
        return null;

        long Count(string name) => reader.Number(name, 1, 1024) ?? 0;
    }
}
