using Hospes.Domains.Lifecycle;

namespace Hospes.Libvirt.Procedures;

/// <summary>Which domains are listed (<c>virConnectListAllDomainsFlags</c>): one of each group that is named.</summary>
internal static class DomainFilter
{
    private const uint Active = 1, Inactive = 2, Persistent = 4, Transient = 8, Running = 16, Paused = 32, Shutoff = 64, Other = 128;
    private const uint ManagedSave = 256, NoManagedSave = 512, Autostart = 1024, NoAutostart = 2048, Snapshot = 4096, NoSnapshot = 8192, Checkpoint = 1 << 14, NoCheckpoint = 1 << 15;

    /// <summary>All flags there are.</summary>
    public const uint All = 0xFFFF;

    public static bool Matches(DomainSnapshot domain, uint flags)
        => Group(flags, Active, Inactive, domain.IsActive)
        && Group(flags, Persistent, Transient, domain.IsPersistent)
        && State(flags, domain.Status.State)
        && Group(flags, ManagedSave, NoManagedSave, false)
        && Group(flags, Autostart, NoAutostart, domain.Autostart)
        && Group(flags, Snapshot, NoSnapshot, false)
        && Group(flags, Checkpoint, NoCheckpoint, false);

    private static bool Group(uint flags, uint yes, uint no, bool value) => (flags & (yes | no)) == 0 || (flags & (value ? yes : no)) != 0;

    private static bool State(uint flags, DomainState state) => (flags & (Running | Paused | Shutoff | Other)) == 0 || (flags & (state switch
    {
        DomainState.Running => Running,
        DomainState.Paused => Paused,
        DomainState.Shutoff => Shutoff,
        _ => Other,
    })) != 0;
}
