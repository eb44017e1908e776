using Hospes.Hypervisor;

namespace Hospes.Builder;

/// <summary>The type of a stretch of the memory map: the numbers of ACPI's address range types (ACPI 6.5, table 15.5), which
/// hvm_memmap_table_entry, boot_params and Multiboot share.</summary>
public enum MemoryKind : uint
{
    /// <summary>RAM that the guest may use.</summary>
    Ram = 1,

    /// <summary>In use by the machine, not to be touched.</summary>
    Reserved = 2,

    /// <summary>ACPI tables; RAM once they were read.</summary>
    AcpiReclaimable = 3,

    /// <summary>To be preserved over sleep.</summary>
    AcpiNvs = 4,

    /// <summary>Faulty.</summary>
    Unusable = 5,
}

/// <summary>One stretch of the guest-physical address space, as the guest is told of it.</summary>
/// <param name="Address">The first address.</param>
/// <param name="Size">How many bytes.</param>
/// <param name="Kind">What it is.</param>
public readonly record struct MemoryMapEntry(ulong Address, ulong Size, MemoryKind Kind);

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

/// <summary>What a guest is built from. Immutable.</summary>
public sealed record BootContext
{
    /// <summary>The guest's memory, with all of its RAM mapped.</summary>
    public required GuestMemory Memory { get; init; }

    /// <summary>The memory map that the guest is told. RAM entries must be mapped in <see cref="Memory"/>; entries must not overlap.</summary>
    public required IReadOnlyList<MemoryMapEntry> MemoryMap { get; init; }

    /// <summary>The kernel file.</summary>
    public required ReadOnlyMemory<byte> Kernel { get; init; }

    /// <summary>The kernel's name without blanks: a Multiboot kernel finds it as the first word of its command line.</summary>
    public string KernelName { get; init; } = "kernel";

    /// <summary>The command line.</summary>
    public string CommandLine { get; init; } = "";

    /// <summary>The initial RAM disk, given to the kernel as its only module, or null.</summary>
    public BootPayload? Initrd { get; init; }

    /// <summary>Guest-physical address of the ACPI RSDP that the machine wrote; 0 for none.</summary>
    public ulong RsdpAddress { get; init; }

    /// <summary>The protocol to use; null for the best that the kernel offers.</summary>
    public BootProtocol? Protocol { get; init; }
}
