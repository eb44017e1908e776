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
