using System.Collections.Concurrent;
using Hospes.Domains.Configuration;
using Hospes.Domains.Lifecycle;
using Hospes.Domains.Statistics;
using Hospes.Libvirt.Wire;

namespace Hospes.Libvirt.Procedures;

/// <summary>
/// The groups of <c>virConnectGetAllDomainStats</c>, by libvirt's names. Written straight into the message; names with numbers in them are made once.
/// </summary>
internal static class DomainStats
{
    /// <summary><c>VIR_DOMAIN_STATS_*</c></summary>
    private const uint State = 1, CpuTotal = 2, Balloon = 4, Vcpu = 8, Interface = 16, Block = 32, Threads = 128, Vm = 1024;

    /// <summary>The groups there are. Of threads for input and output there are none, of which nothing is said, as libvirt does.</summary>
    public const uint Groups = State | CpuTotal | Balloon | Vcpu | Interface | Block | Threads | Vm;

    /// <summary>The tags of what the guest tells, in the order of <see cref="GuestMemoryFigure"/>.</summary>
    private static readonly string[] GuestNames =
    [
        "balloon.swap_in", "balloon.swap_out", "balloon.major_fault", "balloon.minor_fault", "balloon.unused", "balloon.available", "balloon.usable", "balloon.last-update",
        "balloon.disk_caches", "balloon.hugetlb_pgalloc", "balloon.hugetlb_pgfail",
    ];

    /// <summary><c>VIR_CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS</c></summary>
    public const uint Enforce = 1U << 31;

    /// <summary>That, <c>_BACKING</c> and <c>_NOWAIT</c>.</summary>
    public const uint Options = Enforce | (1U << 30) | (1U << 29);

    private static readonly ConcurrentDictionary<(string, int, string), string> Names = new();

    /// <summary>Whether groups need to ask the machine.</summary>
    public static bool AsksMachine(uint groups) => (groups & Groups & ~(State | Threads)) != 0;

    /// <summary>What groups need of a machine.</summary>
    public static StatisticsParts Parts(uint groups)
        => ((groups & Balloon) != 0 ? StatisticsParts.Balloon | StatisticsParts.Guest : 0) | ((groups & Vcpu) != 0 ? StatisticsParts.Vcpus : 0) | ((groups & Interface) != 0 ? StatisticsParts.Interfaces : 0)
            | ((groups & Block) != 0 ? StatisticsParts.Blocks : 0) | ((groups & (Vcpu | Vm)) != 0 ? StatisticsParts.Engine : 0);

    /// <summary>Writes the parameters of one domain, their number first.</summary>
    public static void Write(XdrWriter writer, DomainSnapshot now, MachineStatistics? used, uint groups)
    {
        int start = writer.Length;
        writer.Int32(0);
        int count = 0;
        void Add(TypedParameter parameter)
        {
            parameter.Write(writer);
            count++;
        }

        if ((groups & State) != 0)
        {
            Add(TypedParameter.Int("state.state", (int)now.Status.State));
            Add(TypedParameter.Int("state.reason", now.Status.Reason));
        }
        if ((groups & CpuTotal) != 0 && used is not null)
        {
            Add(TypedParameter.ULong("cpu.time", used.CpuTime));
            Add(TypedParameter.ULong("cpu.user", used.UserTime));
            Add(TypedParameter.ULong("cpu.system", used.SystemTime));
        }
        if ((groups & Balloon) != 0)
        {
            Add(TypedParameter.ULong("balloon.current", used?.BalloonKiB ?? now.Config.CurrentMemoryKiB));
            Add(TypedParameter.ULong("balloon.maximum", now.Config.MemoryKiB));
            if (used is not null) Add(TypedParameter.ULong("balloon.rss", used.ResidentKiB));
            for (int i = 0; i < used?.Guest.Count; i++)
            {
                if (used.Guest[i] is { } value) Add(TypedParameter.ULong(GuestNames[i], value));
            }
        }
        if ((groups & Vcpu) != 0) Vcpus(Add, now.Config, used);
        if ((groups & Interface) != 0 && used is not null) Interfaces(Add, now.Config, used);
        if ((groups & Block) != 0) Blocks(Add, now.Config, used);
        if ((groups & Vm) != 0 && used is not null) Engine(Add, used, perVcpu: false);
        writer.Patch(start, count);
    }

    private static void Vcpus(Action<TypedParameter> add, DomainConfig config, MachineStatistics? used)
    {
        add(TypedParameter.UInt("vcpu.current", (uint)config.Vcpus.Current));
        add(TypedParameter.UInt("vcpu.maximum", (uint)config.Vcpus.Maximum));
        for (int i = 0; i < used?.Vcpus.Count; i++)
        {
            add(TypedParameter.Int(Name("vcpu", i, "state"), used.Vcpus[i].Running ? 1 : 0));
            add(TypedParameter.ULong(Name("vcpu", i, "time"), used.Vcpus[i].Time));
            add(TypedParameter.ULong(Name("vcpu", i, "delay"), used.Vcpus[i].Delay));
        }
        if (used is not null) Engine(add, used, perVcpu: true);
    }

    private static void Engine(Action<TypedParameter> add, MachineStatistics used, bool perVcpu)
    {
        foreach (EngineStatistic item in used.Engine)
        {
            if (item.Vcpu >= 0 != perVcpu) continue;
            string kind = item.IsSum ? "sum" : "cur";
            add(TypedParameter.ULong(perVcpu ? $"vcpu.{item.Vcpu}.{item.Name}.{kind}" : $"vm.{item.Name}.{kind}", item.Value));
        }
    }

    private static void Interfaces(Action<TypedParameter> add, DomainConfig config, MachineStatistics used)
    {
        int count = Math.Min(used.Interfaces.Count, config.Devices.Interfaces.Count);
        add(TypedParameter.UInt("net.count", (uint)count));
        for (int i = 0; i < count; i++)
        {
            InterfaceConfig card = config.Devices.Interfaces[i];
            add(TypedParameter.Text(Name("net", i, "name"), card.Target ?? card.Alias ?? card.Mac ?? ""));
            add(TypedParameter.ULong(Name("net", i, "rx.bytes"), used.Interfaces[i].ReceivedBytes));
            add(TypedParameter.ULong(Name("net", i, "rx.pkts"), used.Interfaces[i].ReceivedPackets));
            add(TypedParameter.ULong(Name("net", i, "tx.bytes"), used.Interfaces[i].SentBytes));
            add(TypedParameter.ULong(Name("net", i, "tx.pkts"), used.Interfaces[i].SentPackets));
        }
    }

    private static void Blocks(Action<TypedParameter> add, DomainConfig config, MachineStatistics? used)
    {
        add(TypedParameter.UInt("block.count", (uint)config.Devices.Disks.Count));
        for (int i = 0; i < config.Devices.Disks.Count; i++)
        {
            DiskConfig disk = config.Devices.Disks[i];
            add(TypedParameter.Text(Name("block", i, "name"), disk.Target));
            if (disk.Source is not null) add(TypedParameter.Text(Name("block", i, "path"), disk.Source));
            if (i >= used?.Blocks.Count || used is null) continue;
            BlockStatistics block = used.Blocks[i];
            add(TypedParameter.ULong(Name("block", i, "rd.reqs"), block.Reads));
            add(TypedParameter.ULong(Name("block", i, "rd.bytes"), block.ReadBytes));
            add(TypedParameter.ULong(Name("block", i, "rd.times"), block.ReadTime));
            add(TypedParameter.ULong(Name("block", i, "wr.reqs"), block.Writes));
            add(TypedParameter.ULong(Name("block", i, "wr.bytes"), block.WriteBytes));
            add(TypedParameter.ULong(Name("block", i, "wr.times"), block.WriteTime));
            add(TypedParameter.ULong(Name("block", i, "fl.reqs"), block.Flushes));
            add(TypedParameter.ULong(Name("block", i, "fl.times"), block.FlushTime));
            if (block.Use is not { } use) continue;
            add(TypedParameter.ULong(Name("block", i, "allocation"), use.Allocation));
            add(TypedParameter.ULong(Name("block", i, "capacity"), use.Capacity));
            add(TypedParameter.ULong(Name("block", i, "physical"), use.Physical));
        }
    }

    private static string Name(string group, int index, string value) => Names.GetOrAdd((group, index, value), static key => $"{key.Item1}.{key.Item2}.{key.Item3}");
}
