namespace Hospes.Builder;

/// <summary>Why a guest could not be built: a closed set. <see cref="BuildErrors.Cause"/> and <see cref="BuildErrors.Remedy"/> put each into words.</summary>
public enum BuildError
{
    /// <summary>The kernel file could not be read.</summary>
    KernelUnreadable,

    /// <summary>The kernel file has no bytes.</summary>
    KernelEmpty,

    /// <summary>The kernel file is larger than <see cref="Limits.MaxFileSize"/>.</summary>
    KernelTooLarge,

    /// <summary>The file has none of the signatures of the known kernel formats.</summary>
    UnknownFormat,

    /// <summary>The file ends inside a header.</summary>
    KernelTruncated,

    /// <summary>The kernel is for another processor architecture.</summary>
    NotX86,

    /// <summary>The kernel is a 32-bit one that offers no entry that a PVH machine has.</summary>
    Only32Bit,

    /// <summary>The ELF file is no executable: an object file, a core dump.</summary>
    ElfNotExecutable,

    /// <summary>The ELF header contradicts the format.</summary>
    ElfHeaderInvalid,

    /// <summary>The ELF file has no segment to load.</summary>
    ElfNothingToLoad,

    /// <summary>The ELF file has more program headers than <see cref="Limits.MaxProgramHeaders"/>.</summary>
    ElfTooManySegments,

    /// <summary>A segment or note points outside the file.</summary>
    SegmentOutsideFile,

    /// <summary>A segment's sizes contradict each other or run past the end of the address space.</summary>
    SegmentSizeInvalid,

    /// <summary>Two segments want the same memory.</summary>
    SegmentsOverlap,

    /// <summary>The PVH note is malformed.</summary>
    PvhNoteInvalid,

    /// <summary>The entry point lies outside everything that is loaded.</summary>
    EntryOutsideImage,

    /// <summary>The kernel wants to be loaded where the machine has no free RAM.</summary>
    NoMemoryForKernel,

    /// <summary>The Linux setup header contradicts the boot protocol.</summary>
    LinuxHeaderInvalid,

    /// <summary>The Linux boot protocol version is older than what is needed.</summary>
    LinuxProtocolTooOld,

    /// <summary>The setup header's payload lies outside the file.</summary>
    PayloadOutsideFile,

    /// <summary>The payload's compression is none of the known ones.</summary>
    PayloadFormatUnknown,

    /// <summary>The compressed data are damaged.</summary>
    PayloadCorrupt,

    /// <summary>The compressed data grow beyond <see cref="Limits.MaxUnpackedSize"/>.</summary>
    PayloadTooLarge,

    /// <summary>The payload is compressed with LZO.</summary>
    PayloadLzo,

    /// <summary>The shared library that unpacks the payload is not installed.</summary>
    LibraryMissing,

    /// <summary>The Multiboot header demands something that the machine does not have.</summary>
    MultibootRequirement,

    /// <summary>The Multiboot header's addresses contradict each other or the file.</summary>
    MultibootAddresses,

    /// <summary>The kernel does not offer the boot protocol that was asked for.</summary>
    ProtocolNotOffered,

    /// <summary>The command line is longer than the kernel takes.</summary>
    CommandLineTooLong,

    /// <summary>The command line has a NUL character inside.</summary>
    CommandLineNotText,

    /// <summary>The initrd file could not be read.</summary>
    InitrdUnreadable,

    /// <summary>The initrd file has no bytes.</summary>
    InitrdEmpty,

    /// <summary>No stretch of free RAM below 4 GiB is as long as the initrd.</summary>
    InitrdTooLarge,

    /// <summary>The memory size is 0.</summary>
    MemoryZero,

    /// <summary>The memory size or place is no multiple of a page.</summary>
    MemoryMisaligned,

    /// <summary>The memory size is more than the host has.</summary>
    MemoryBeyondHost,

    /// <summary>The host refused the memory.</summary>
    MemoryRefused,

    /// <summary>Memory windows or entries of the memory map overlap, overflow, or name RAM that is not mapped.</summary>
    MemoryMapInvalid,

    /// <summary>The memory map has more entries than the boot protocol can carry.</summary>
    MemoryMapTooLong,

    /// <summary>No free RAM is left for the start information, page tables or command line.</summary>
    NoMemoryForStartInfo,
}
