using Hospes.Libvirt.Wire;

namespace Hospes.Libvirt.Procedures;

/// <summary>
/// All procedures that are served (<c>remote_procedure</c>, src/remote/remote_protocol.x). Who may call what is what <c>virCheckReadOnlyGoto</c> says of the function
/// in libvirt.
/// </summary>
internal static class ProcedureTable
{
    private static readonly Procedure?[] Rows = Index([.. ConnectionProcedures.All, .. NodeProcedures.All, .. DomainProcedures.All, .. LifecycleProcedures.All, .. TuningProcedures.All, .. PlacementProcedures.All, .. SchedulingProcedures.All, .. BandwidthProcedures.All, .. GuestProcedures.All, .. DumpProcedures.All, .. DeviceProcedures.All,
        .. StatisticsProcedures.All, .. EventProcedures.All, .. NetworkProcedures.All, .. PoolProcedures.All, .. VolumeProcedures.All, .. ConsoleProcedures.All, .. ScreenProcedures.All, .. AbsentProcedures.All]);

    /// <summary>The rows there are.</summary>
    public static IEnumerable<Procedure> All => Rows.OfType<Procedure>();

    /// <summary>The row of a number, or null.</summary>
    public static Procedure? Find(int number) => (uint)number < (uint)Rows.Length ? Rows[number] : null;

    /// <summary>What is answered where there is no row: libvirt has the procedure and this driver has not, or nobody has it.</summary>
    public static LibvirtError Missing(int number) => number is > 0 and <= WireLimits.LastProcedure
        ? new LibvirtError(ErrorCode.NoSupport, ErrorDomain.Dom, $"procedure {number}")
        : new LibvirtError(ErrorCode.Rpc, ErrorDomain.Rpc, $"unknown procedure: {number}");

    private static Procedure?[] Index(Procedure[] procedures)
    {
        var rows = new Procedure?[WireLimits.LastProcedure + 1];
        foreach (Procedure procedure in procedures)
        {
            if (rows[procedure.Number] is not null) throw new InvalidOperationException($"procedure {procedure.Number} has two rows");
            rows[procedure.Number] = procedure;
        }
        return rows;
    }
}
