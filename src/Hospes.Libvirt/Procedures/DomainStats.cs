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

    private static readonly NumberedName
        VcpuState = new("vcpu", "state"), VcpuTime = new("vcpu", "time"), VcpuDelay = new("vcpu", "delay"),
        CardName = new("net", "name"), ReceivedBytes = new("net", "rx.bytes"), ReceivedPackets = new("net", "rx.pkts"), SentBytes = new("net", "tx.bytes"), SentPackets = new("net", "tx.pkts"),
        DiskName = new("block", "name"), DiskPath = new("block", "path"), Reads = new("block", "rd.reqs"), ReadBytes = new("block", "rd.bytes"), ReadTimes = new("block", "rd.times"),
        Writes = new("block", "wr.reqs"), WriteBytes = new("block", "wr.bytes"), WriteTimes = new("block", "wr.times"), Flushes = new("block", "fl.reqs"), FlushTimes = new("block", "fl.times"),
        Allocation = new("block", "allocation"), Capacity = new("block", "capacity"), Physical = new("block", "physical");

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
        var row = new ParameterRow(writer);
        if ((groups & State) != 0)
        {
            row.Int("state.state", (int)now.Status.State);
            row.Int("state.reason", now.Status.Reason);
        }
        if ((groups & CpuTotal) != 0 && used is not null)
        {
            row.ULong("cpu.time", used.CpuTime);
            row.ULong("cpu.user", used.UserTime);
            row.ULong("cpu.system", used.SystemTime);
        }
        if ((groups & Balloon) != 0)
        {
            row.ULong("balloon.current", used?.BalloonKiB ?? now.Config.CurrentMemoryKiB);
            row.ULong("balloon.maximum", now.Config.MemoryKiB);
            if (used is not null) row.ULong("balloon.rss", used.ResidentKiB);
            for (int i = 0; i < used?.Guest.Count; i++)
            {
                if (used.Guest[i] is { } value) row.ULong(GuestNames[i], value);
            }
        }
        if ((groups & Vcpu) != 0) Vcpus(ref row, now.Config, used);
        if ((groups & Interface) != 0 && used is not null) Interfaces(ref row, now.Config, used);
        if ((groups & Block) != 0) Blocks(ref row, now.Config, used);
        if ((groups & Vm) != 0 && used is not null) Engine(ref row, used, perVcpu: false);
        writer.Patch(start, row.Count);
    }

    private static void Vcpus(ref ParameterRow row, DomainConfig config, MachineStatistics? used)
    {
        row.UInt("vcpu.current", (uint)config.Vcpus.Current);
        row.UInt("vcpu.maximum", (uint)config.Vcpus.Maximum);
        for (int i = 0; i < used?.Vcpus.Count; i++)
        {
            row.Int(VcpuState[i], used.Vcpus[i].Running ? 1 : 0);
            row.ULong(VcpuTime[i], used.Vcpus[i].Time);
            row.ULong(VcpuDelay[i], used.Vcpus[i].Delay);
        }
        if (used is not null) Engine(ref row, used, perVcpu: true);
    }

    private static void Engine(ref ParameterRow row, MachineStatistics used, bool perVcpu)
    {
        foreach (EngineStatistic item in used.Engine)
        {
            if (item.Vcpu >= 0 != perVcpu) continue;
            string kind = item.IsSum ? "sum" : "cur";
            row.ULong(perVcpu ? $"vcpu.{item.Vcpu}.{item.Name}.{kind}" : $"vm.{item.Name}.{kind}", item.Value);
        }
    }

    private static void Interfaces(ref ParameterRow row, DomainConfig config, MachineStatistics used)
    {
        int count = Math.Min(used.Interfaces.Count, config.Devices.Interfaces.Count);
        row.UInt("net.count", (uint)count);
        for (int i = 0; i < count; i++)
        {
            InterfaceConfig card = config.Devices.Interfaces[i];
            row.Text(CardName[i], card.Target ?? card.Alias ?? card.Mac ?? "");
            row.ULong(ReceivedBytes[i], used.Interfaces[i].ReceivedBytes);
            row.ULong(ReceivedPackets[i], used.Interfaces[i].ReceivedPackets);
            row.ULong(SentBytes[i], used.Interfaces[i].SentBytes);
            row.ULong(SentPackets[i], used.Interfaces[i].SentPackets);
        }
    }

    private static void Blocks(ref ParameterRow row, DomainConfig config, MachineStatistics? used)
    {
        row.UInt("block.count", (uint)config.Devices.Disks.Count);
        for (int i = 0; i < config.Devices.Disks.Count; i++)
        {
            DiskConfig disk = config.Devices.Disks[i];
            row.Text(DiskName[i], disk.Target);
            if (disk.Source is not null) row.Text(DiskPath[i], disk.Source);
            if (i >= used?.Blocks.Count || used is null) continue;
            BlockStatistics block = used.Blocks[i];
            row.ULong(Reads[i], block.Reads);
            row.ULong(ReadBytes[i], block.ReadBytes);
            row.ULong(ReadTimes[i], block.ReadTime);
            row.ULong(Writes[i], block.Writes);
            row.ULong(WriteBytes[i], block.WriteBytes);
            row.ULong(WriteTimes[i], block.WriteTime);
            row.ULong(Flushes[i], block.Flushes);
            row.ULong(FlushTimes[i], block.FlushTime);
            if (block.Use is not { } use) continue;
            row.ULong(Allocation[i], use.Allocation);
            row.ULong(Capacity[i], use.Capacity);
            row.ULong(Physical[i], use.Physical);
        }
    }
}
