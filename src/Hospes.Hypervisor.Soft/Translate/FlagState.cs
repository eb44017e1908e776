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

    /// <summary>In neither, but whoever needs them can have them again: the registers that they came of are as they were.</summary>
    Pending,
}
