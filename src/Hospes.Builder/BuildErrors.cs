namespace Hospes.Builder;

/// <summary>The words for <see cref="BuildError"/>: the one place where they stand.</summary>
public static class BuildErrors
{
    /// <summary>What is wrong, as a clause without a full stop.</summary>
    /// <param name="error">The error.</param>
    public static string Cause(BuildError error) => Words(error).Cause;

    /// <summary>What the person can do about it, as a clause without a full stop.</summary>
    /// <param name="error">The error.</param>
    public static string Remedy(BuildError error) => Words(error).Remedy;

    private static (string Cause, string Remedy) Words(BuildError error) => error switch
    {
        BuildError.KernelUnreadable => ("the kernel file cannot be read", "check the path and its permissions"),
        BuildError.KernelEmpty => ("the kernel file is empty", "fetch or build the kernel again"),
        BuildError.KernelTooLarge => ($"the kernel file is larger than {Limits.MaxFileSize >> 20} MiB", "give a kernel image, not a disk image"),
        BuildError.UnknownFormat => (
            "the file is in no known kernel format: looked for an ELF header, a Linux setup header (HdrS), a Multiboot 1 header, and gzip, lz4, zstd, xz, lzma and bzip2 signatures",
            "give a bzImage (vmlinuz), an ELF kernel (vmlinux) or a Multiboot 1 image"),
        BuildError.KernelTruncated => ("the kernel file ends inside its own headers", "fetch the kernel again, it is cut off"),
        BuildError.NotX86 => ("the kernel is not for x86", "give a kernel built for x86-64"),
        BuildError.Only32Bit => ("the kernel is 32-bit only and has no PVH or Multiboot entry", "give a 64-bit kernel, or one built with CONFIG_PVH"),
        BuildError.ElfNotExecutable => ("the ELF file is no executable", "give the linked kernel (vmlinux), not an object file or core dump"),
        BuildError.ElfHeaderInvalid => ("the ELF header is invalid", "fetch or build the kernel again"),
        BuildError.ElfNothingToLoad => ("the ELF file has no loadable segment", "give the linked kernel, not its debug symbols"),
        BuildError.ElfTooManySegments => ($"the ELF file has more than {Limits.MaxProgramHeaders} program headers", "link the kernel with fewer segments"),
        BuildError.SegmentOutsideFile => ("a program header points outside the file", "fetch the kernel again, it is cut off or damaged"),
        BuildError.SegmentSizeInvalid => ("a segment's size or address is impossible", "fetch or build the kernel again, it is damaged"),
        BuildError.SegmentsOverlap => ("two segments overlap in memory", "link the kernel so that its physical addresses do not overlap"),
        BuildError.PvhNoteInvalid => ("the PVH note (XEN_ELFNOTE_PHYS32_ENTRY) is malformed", "build the kernel again with CONFIG_PVH"),
        BuildError.EntryOutsideImage => ("the entry point lies outside the loaded kernel", "fetch or build the kernel again, it is damaged"),
        BuildError.NoMemoryForKernel => ("the kernel wants to be loaded where the machine has no RAM", "give the guest more memory, or a kernel linked lower"),
        BuildError.LinuxHeaderInvalid => ("the Linux setup header is invalid", "fetch or build the kernel again"),
        BuildError.LinuxProtocolTooOld => ("the kernel's Linux boot protocol is too old", "give a kernel of Linux 3.8 or later"),
        BuildError.PayloadOutsideFile => ("the compressed kernel lies outside the file", "fetch the kernel again, it is cut off"),
        BuildError.PayloadFormatUnknown => ("the payload is neither an ELF file nor in a known compression", "build the kernel with gzip, lz4, zstd, xz, lzma or bzip2"),
        BuildError.PayloadCorrupt => ("the compressed kernel is damaged", "fetch the kernel again"),
        BuildError.PayloadTooLarge => ($"the compressed kernel unpacks to more than {Limits.MaxUnpackedSize >> 20} MiB", "give a kernel without debug information"),
        BuildError.PayloadLzo => ("the kernel is compressed with LZO, which is not unpacked here", "build the kernel with another compression"),
        BuildError.LibraryMissing => ("the library that unpacks this kernel is not installed", "install the package that is named here"),
        BuildError.MultibootRequirement => ("the Multiboot header demands a feature that this machine does not have", "build the kernel without that demand"),
        BuildError.MultibootAddresses => ("the Multiboot header's load addresses are impossible", "fetch or build the kernel again"),
        BuildError.ProtocolNotOffered => ("the kernel does not offer the boot protocol that was asked for", "let the protocol be chosen, or give another kernel"),
        BuildError.CommandLineTooLong => ("the kernel command line is too long", "shorten it"),
        BuildError.CommandLineNotText => ("the kernel command line has a NUL character inside", "remove the character"),
        BuildError.InitrdUnreadable => ("the initrd cannot be read", "check the path, its permissions, and that nothing changes the file meanwhile"),
        BuildError.InitrdEmpty => ("the initrd is empty", "leave it out, or build it again"),
        BuildError.InitrdTooLarge => ("the initrd does not fit into the guest's memory", "give the guest more memory, or a smaller initrd"),
        BuildError.MemoryZero => ("the guest has no memory", "give it at least a few MiB"),
        BuildError.MemoryMisaligned => ("the guest's memory is no whole number of 4 KiB pages", "round the size and address to 4 KiB"),
        BuildError.MemoryBeyondHost => ("the guest's memory is more than the host has", "give the guest less memory"),
        BuildError.MemoryRefused => ("the host refused the guest's memory", "free memory or huge pages on the host, or give the guest less"),
        BuildError.MemoryMapInvalid => ("the guest's memory map is inconsistent", "check the ram-low and ram-high settings"),
        BuildError.MemoryMapTooLong => ("the guest's memory map has too many entries", "use fewer memory windows"),
        BuildError.NoMemoryForStartInfo => ("no memory is left for the boot information", "give the guest more memory"),
        _ => throw new ArgumentOutOfRangeException(nameof(error)),
    };
}
