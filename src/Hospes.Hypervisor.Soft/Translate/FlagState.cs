namespace Hospes.Hypervisor.Soft.Translate;

/// <summary>Where the guest's arithmetic flags are at a point of emitted code.</summary>
internal enum FlagState
{
    /// <summary>In RAX only: the host's own flags mean nothing.</summary>
    Saved,

    /// <summary>In the host's flags only.</summary>
    Host,

    /// <summary>In both.</summary>
    Both,
}
