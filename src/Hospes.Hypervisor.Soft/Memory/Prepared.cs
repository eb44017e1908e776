namespace Hospes.Hypervisor.Soft.Memory;

/// <summary>What <see cref="Mmu.Prepare"/> found.</summary>
internal enum Prepared
{
    /// <summary>The access will now hit the TLB.</summary>
    Ready,

    /// <summary>It is a page fault.</summary>
    Fault,

    /// <summary>It crosses a page, touches a device or code, or is not canonical.</summary>
    Other,
}
