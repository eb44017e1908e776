using Hospes.Builder.Compression;

namespace Hospes.Builder;

/// <summary>The kernel formats that are known here.</summary>
public enum KernelFormat
{
    /// <summary>None of them.</summary>
    Unknown,

    /// <summary>A Linux bzImage (vmlinuz).</summary>
    BzImage,

    /// <summary>A 64-bit ELF executable (vmlinux).</summary>
    Elf64,

    /// <summary>A 32-bit ELF executable.</summary>
    Elf32,

    /// <summary>A flat file whose Multiboot header states its addresses.</summary>
    MultibootFlat,
}

/// <summary>What was found out about a kernel file, and how it would boot here. Immutable; what is unknown is null or 0.</summary>
public sealed record KernelReport
{
    /// <summary>The file's format.</summary>
    public KernelFormat Format { get; init; }

    /// <summary>Bytes of the file.</summary>
    public long FileSize { get; init; }

    /// <summary>The compression around the file as a whole (vmlinux.gz).</summary>
    public CompressionFormat FileCompression { get; init; }

    /// <summary>The compression of the kernel inside a bzImage.</summary>
    public CompressionFormat PayloadCompression { get; init; }

    /// <summary>Bytes of the compressed kernel inside a bzImage.</summary>
    public long PayloadSize { get; init; }

    /// <summary>Bytes of the kernel once unpacked; 0 when nothing was unpacked.</summary>
    public long UnpackedSize { get; init; }

    /// <summary>The version that the kernel states of itself, printable characters only.</summary>
    public string? Version { get; init; }

    /// <summary>The Linux boot protocol's version, as "2.15".</summary>
    public string? LinuxProtocol { get; init; }

    /// <summary>The entry of the PVH note.</summary>
    public ulong? PvhEntry { get; init; }

    /// <summary>Whether a bzImage moves to where it is loaded.</summary>
    public bool Relocatable { get; init; }

    /// <summary>The longest command line that the kernel takes, without its NUL.</summary>
    public uint CommandLineLimit { get; init; } = Limits.MaxCommandLine - 1;

    /// <summary>The protocols that the kernel offers, best first.</summary>
    public IReadOnlyList<BootProtocol> Offered { get; init; } = [];

    /// <summary>The protocol that it would be entered with.</summary>
    public BootProtocol? Protocol { get; init; }

    /// <summary>Guest-physical address of the first instruction.</summary>
    public ulong Entry { get; init; }

    /// <summary>The lowest guest-physical address that the kernel occupies.</summary>
    public ulong LoadAddress { get; init; }

    /// <summary>The first guest-physical address behind the kernel, with the memory that it needs at once.</summary>
    public ulong LoadEnd { get; init; }

    /// <summary>Something a person should know about the choice, in one sentence; or null.</summary>
    public string? Remark { get; init; }

    /// <summary>Why the kernel would not boot; null when it would.</summary>
    public BuildFailure? Failure { get; init; }

    /// <summary>Whether the kernel would boot here, given enough memory.</summary>
    public bool Boots => Failure is null;

    /// <summary>One sentence: how the kernel would boot here, or why it would not.</summary>
    public string Summary => Failure is { } failure
        ? $"would not boot: {failure.Message}"
        : $"boots through {Name(Protocol!.Value)} at 0x{Entry:x}, needs memory up to 0x{LoadEnd:x}{(Remark is null ? "" : $"; {Remark}")}";

    /// <summary>A protocol's name for people.</summary>
    /// <param name="protocol">The protocol.</param>
    public static string Name(BootProtocol protocol) => protocol switch
    {
        BootProtocol.Pvh => "the PVH entry",
        BootProtocol.Linux64 => "the 64-bit Linux entry",
        _ => "Multiboot 1",
    };
}
