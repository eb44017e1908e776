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
    private const uint State = 1, CpuTotal = 2, Balloon = 4, Vcpu = 8, Interface = 16, Block = 32;

    /// <summary>The groups there are.</summary>
    public const uint Groups = State | CpuTotal | Balloon | Vcpu | Interface | Block;

    /// <summary>The groups that ask the machine.</summary>
    public const uint NeedMachine = CpuTotal | Balloon | Vcpu | Interface | Block;

    /// <summary><c>VIR_CONNECT_GET_ALL_DOMAINS_STATS_ENFORCE_STATS</c></summary>
    public const uint Enforce = 1U << 31;

    /// <summary>That, <c>_BACKING</c> and <c>_NOWAIT</c>.</summary>
    public const uint Options = Enforce | (1U << 30) | (1U << 29);

    private static readonly ConcurrentDictionary<(string, int, string), string> Names = new();

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
        }
        if ((groups & Vcpu) != 0) Vcpus(Add, now.Config, used);
        if ((groups & Interface) != 0 && used is not null) Interfaces(Add, now.Config, used);
        if ((groups & Block) != 0) Blocks(Add, now.Config, used);
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
        }
    }

    private static string Name(string group, int index, string value) => Names.GetOrAdd((group, index, value), static key => $"{key.Item1}.{key.Item2}.{key.Item3}");
}
