namespace Hospes.Builder;

/// <summary>The ways in which a kernel can be entered here.</summary>
public enum BootProtocol
{
    /// <summary>The Xen PVH entry (XEN_ELFNOTE_PHYS32_ENTRY).</summary>
    Pvh,

    /// <summary>Linux' 64-bit boot protocol: boot_params, long mode.</summary>
    Linux64,

    /// <summary>Multiboot 1.</summary>
    Multiboot,
}
