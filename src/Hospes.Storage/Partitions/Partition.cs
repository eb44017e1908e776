namespace Hospes.Storage.Partitions;

/// <summary>One partition of a disk. Start and length lie on the disk.</summary>
/// <param name="Number">Its number from 1, as Linux counts: 1 to 4 for MBR's own, from 5 for its logical ones; the place in the table for GPT.</param>
/// <param name="Start">The first byte.</param>
/// <param name="Length">How many bytes.</param>
/// <param name="Type">What it is for: a GUID in lower case for GPT, two hexadecimal digits for MBR.</param>
/// <param name="Uuid">What Linux calls PARTUUID: a GUID in lower case, or the disk's signature and the number for MBR.</param>
/// <param name="Name">The name that GPT gives it; empty for MBR. Foreign text.</param>
public sealed record Partition(int Number, long Start, long Length, string Type, string Uuid, string Name)
{
    /// <summary>The type of an EFI system partition in GPT (UEFI 2.10, 5.3.3, table 5.7).</summary>
    public const string EfiSystem = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";

    /// <summary>The type of an EFI system partition in MBR (UEFI 2.10, 5.2.2).</summary>
    public const string EfiSystemMbr = "ef";

    /// <summary>The type of an extended boot loader partition (Boot Loader Specification, "The Partitions").</summary>
    public const string ExtendedBootLoader = "bc13c2ff-59e6-4262-a352-b275fd6f7172";
}

/// <summary>How a disk is divided.</summary>
public enum PartitionScheme
{
    /// <summary>No table: the disk is one volume, or empty.</summary>
    None,

    /// <summary>A master boot record.</summary>
    Mbr,

    /// <summary>A GUID partition table.</summary>
    Gpt,
}
