namespace Hospes.Machine;

/// <summary>What a stretch of guest-physical memory is for. The values are those of E820 and of PVH's memory map (ACPI 6.5, table 15.5).</summary>
public enum MemoryKind
{
    /// <summary>RAM that the guest may use.</summary>
    Ram = 1,

    /// <summary>Not for use.</summary>
    Reserved = 2,

    /// <summary>ACPI tables; RAM once they are read.</summary>
    Acpi = 3,
}

/// <summary>One stretch of the map of memory that a guest is told of.</summary>
/// <param name="Address">The first guest-physical address.</param>
/// <param name="Size">How many bytes.</param>
/// <param name="Kind">What it is for.</param>
public readonly record struct MemoryMapEntry(ulong Address, ulong Size, MemoryKind Kind);
