using System.Text;
using Hospes.Domains.Configuration;
using Hospes.Domains.Statistics;
using Hospes.Libvirt.Wire;
using static Hospes.Libvirt.Procedures.Access;
using static Hospes.Libvirt.Procedures.Procedure;

namespace Hospes.Libvirt.Procedures;

/// <summary>The host: processors and memory.</summary>
internal static class NodeProcedures
{
    public static IReadOnlyList<Procedure> All { get; } =
    [
        Now<Nothing, NodeInformation>(6, "virNodeGetInfo", Read, static (_, _) => default(NodeInformation)),
        Now<Nothing, Amount>(102, "virNodeGetFreeMemory", Read, static (_, _) => new Amount(NodeStatistics.MemoryKiB("MemFree") * 1024)),
        Now<TwoNumbers, CellMemory>(101, "virNodeGetCellsFreeMemory", Read, static (_, wish) => wish is { First: 0, Second: > 0 }
            ? default(CellMemory)
            : new LibvirtError(ErrorCode.InternalError, ErrorDomain.Domain, $"start cell {wish.First} out of range (0-0)")),
        Now<TwoIntsFlags, NamedAmounts>(227, "virNodeGetCPUStats", Read, ProcessorTime),
        Now<TwoIntsFlags, NamedAmounts>(228, "virNodeGetMemoryStats", Read, MemoryAmounts),
        Now<TwoIntsFlags, ProcessorMap>(293, "virNodeGetCPUMap", Read, static (_, wish) => new ProcessorMap(wish.First != 0)),
        Now<Nothing, SecurityModel>(122, "virNodeGetSecurityModel", Read, static (_, _) => default(SecurityModel)),
        Now<DomainName, SecurityLabel>(121, "virDomainGetSecurityLabel", Read, static (session, name) => DomainProcedures.With<SecurityLabel>(session, name, static domain =>
            new SecurityLabel(Hospes.Domains.DomainHost.Confinement(domain)))),
    ];

    /// <summary>All processors: <c>VIR_NODE_CPU_STATS_ALL_CPUS</c>. The first call asks for nothing but the number of values.</summary>
    private static Answer<NamedAmounts> ProcessorTime(Server.ClientSession session, TwoIntsFlags wish)
    {
        const int values = 4;
        if (NodeStatistics.ProcessorTime(wish.First) is not { } time) return new LibvirtError(ErrorCode.InvalidArgument, ErrorDomain.Domain, $"Invalid cpuNum in virNodeGetCPUStats: {wish.First}");
        if (wish.Second == 0) return new NamedAmounts([], values);
        return new NamedAmounts([("kernel", time.Kernel), ("user", time.User), ("idle", time.Idle), ("iowait", time.IoWait)], values);
    }

    /// <summary>All cells: <c>VIR_NODE_MEMORY_STATS_ALL_CELLS</c>; there is one.</summary>
    private static Answer<NamedAmounts> MemoryAmounts(Server.ClientSession session, TwoIntsFlags wish)
    {
        const int values = 4;
        if (wish.Second is not (-1 or 0)) return new LibvirtError(ErrorCode.InvalidArgument, ErrorDomain.Domain, $"cellNum in virNodeGetMemoryStats must be less than or equal to 0: {wish.Second}");
        if (wish.First == 0) return new NamedAmounts([], values);
        return new NamedAmounts([("total", NodeStatistics.MemoryKiB("MemTotal")), ("free", NodeStatistics.MemoryKiB("MemFree")), ("buffers", NodeStatistics.MemoryKiB("Buffers")),
            ("cached", NodeStatistics.MemoryKiB("Cached"))], values);
    }

    /// <summary>The characters of a string with its end, as XDR has arrays of characters: four bytes each.</summary>
    private static void Characters(XdrWriter writer, string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        writer.Int32(bytes.Length + 1);
        foreach (byte one in bytes) writer.Int32(one);
        writer.Int32(0);
    }

    /// <summary><c>remote_node_get_security_model_ret</c></summary>
    private readonly record struct SecurityModel : IResult
    {
        public void Write(XdrWriter writer)
        {
            Characters(writer, Hospes.Domains.HostProfile.SecurityModel);
            Characters(writer, "0");
        }
    }

    /// <summary><c>remote_domain_get_security_label_ret</c></summary>
    private readonly record struct SecurityLabel(string? Words) : IResult
    {
        public void Write(XdrWriter writer)
        {
            Characters(writer, Words ?? "");
            writer.Int32(Words is null ? 0 : 1);
        }
    }

    /// <summary><c>remote_node_get_info_ret</c>. Each of the model's 32 characters takes four bytes: XDR has no smaller ones.</summary>
    private readonly record struct NodeInformation : IResult
    {
        private const int ModelLength = 32;

        public void Write(XdrWriter writer)
        {
            byte[] model = Encoding.ASCII.GetBytes(Hospes.Domains.HostProfile.Architecture);
            for (int i = 0; i < ModelLength; i++) writer.Int32(i < model.Length ? model[i] : 0);
            writer.UInt64(NodeStatistics.MemoryKiB("MemTotal"));
            writer.Int32(NodeStatistics.Processors);
            writer.Int32(NodeStatistics.Megahertz);
            // One cell of one socket: the topology of hosts is told by their own tools.
            writer.Int32(1);
            writer.Int32(1);
            writer.Int32(NodeStatistics.Processors);
            writer.Int32(1);
        }
    }

    /// <summary><c>remote_node_get_cells_free_memory_ret</c></summary>
    private readonly record struct CellMemory : IResult
    {
        public void Write(XdrWriter writer)
        {
            writer.Int32(1);
            writer.UInt64(NodeStatistics.MemoryKiB("MemFree") * 1024);
        }
    }

    /// <summary><c>remote_node_get_cpu_map_ret</c></summary>
    private readonly record struct ProcessorMap(bool Wanted) : IResult
    {
        public void Write(XdrWriter writer)
        {
            ProcessorSet there = ProcessorSet.OfHost;
            int count = there.Last + 1;
            byte[] map = there.ToBits((count + 7) / 8);
            writer.Opaque(Wanted ? map : []);
            writer.UInt32((uint)map.Sum(static bits => System.Numerics.BitOperations.PopCount(bits)));
            writer.Int32(count);
        }
    }
}
