namespace Hospes.Builder;

/// <summary>How large what comes from outside may be.</summary>
public static class Limits
{
    /// <summary>Bytes of a kernel file: far above any kernel, far below what would hurt the host.</summary>
    public const int MaxFileSize = 512 << 20;

    /// <summary>Bytes of an unpacked kernel.</summary>
    public const int MaxUnpackedSize = 1 << 30;

    /// <summary>Program headers of an ELF kernel; real ones have fewer than ten.</summary>
    public const int MaxProgramHeaders = 128;

    /// <summary>Bytes of a command line where the kernel does not state its own limit (Linux on x86: COMMAND_LINE_SIZE 2048).</summary>
    public const int MaxCommandLine = 2048;

    /// <summary>Entries of the memory map: what boot_params has room for (Linux x86 boot protocol, E820_MAX_ENTRIES_ZEROPAGE).</summary>
    public const int MaxMemoryMapEntries = 128;
}
