using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Hospes.Builder.Images;

/// <summary>Offsets and flags of the setup header (Linux, Documentation/arch/x86/boot.rst, "The Real-Mode Kernel Header").</summary>
internal static class LinuxLayout
{
    public const int SectorSize = 512;
    public const int SetupSectors = 0x1F1, SystemSize = 0x1F4, BootFlag = 0x1FE, Jump = 0x200, Signature = 0x202, Version = 0x206;
    public const int KernelVersion = 0x20E, TypeOfLoader = 0x210, LoadFlags = 0x211, RamDiskImage = 0x218, RamDiskSize = 0x21C;
    public const int CommandLinePointer = 0x228, InitrdMax = 0x22C, KernelAlignment = 0x230, Relocatable = 0x234, ExtendedLoadFlags = 0x236;
    public const int CommandLineSize = 0x238, PayloadOffset = 0x248, PayloadLength = 0x24C, PreferredAddress = 0x258, InitSize = 0x260;

    /// <summary>The last byte of the header that boot_params takes (struct setup_header ends at 0x290 at the latest).</summary>
    public const int HeaderLimit = 0x290;

    public const uint Magic = 0x53726448;
    public const ushort BootFlagValue = 0xAA55;
    public const byte LoadedHigh = 1;
    public const ushort Has64BitEntry = 1;

    /// <summary>type_of_loader of a loader without a number of its own.</summary>
    public const byte UnknownLoader = 0xFF;

    /// <summary>setup_sects when the field is 0.</summary>
    public const int DefaultSetupSectors = 4;

    public const ushort VersionWithPayload = 0x208, VersionWithInitSize = 0x20A, VersionWith64Bit = 0x20C;

    /// <summary>Where protected-mode code goes when the header has no preferred address.</summary>
    public const ulong DefaultLoadAddress = 0x100000;

    /// <summary>The 64-bit entry behind the load address ("64-bit Boot Protocol").</summary>
    public const ulong Entry64Offset = 0x200;
}

/// <summary>The checked setup header of a bzImage.</summary>
internal sealed class LinuxHeader
{
    private LinuxHeader(ReadOnlyMemory<byte> file, int codeOffset)
    {
        File = file;
        CodeOffset = codeOffset;
    }

    private ReadOnlyMemory<byte> File { get; }

    /// <summary>Where the protected-mode code begins in the file.</summary>
    public int CodeOffset { get; }

    /// <summary>The protected-mode code.</summary>
    public ReadOnlyMemory<byte> Code => File[CodeOffset..];

    /// <summary>Boot protocol version: major in the high byte, minor in the low one.</summary>
    public ushort Version => Half(LinuxLayout.Version);

    public bool Has64BitEntry => Version >= LinuxLayout.VersionWith64Bit && (Half(LinuxLayout.ExtendedLoadFlags) & LinuxLayout.Has64BitEntry) != 0;

    public bool IsRelocatable => File.Span[LinuxLayout.Relocatable] != 0;

    public uint Alignment => Int(LinuxLayout.KernelAlignment);

    public ulong PreferredAddress => Version >= LinuxLayout.VersionWithInitSize ? Long(LinuxLayout.PreferredAddress) : LinuxLayout.DefaultLoadAddress;

    /// <summary>Memory that the kernel needs from its load address on until it reads the memory map.</summary>
    public uint InitSize => Version >= LinuxLayout.VersionWithInitSize ? Int(LinuxLayout.InitSize) : (uint)Code.Length;

    /// <summary>The highest address that a byte of the initrd may have.</summary>
    public uint InitrdMax => Int(LinuxLayout.InitrdMax);

    /// <summary>The longest command line, without its NUL.</summary>
    public uint CommandLineLimit => Int(LinuxLayout.CommandLineSize);

    /// <summary>The header's own bytes, from setup_sects on, for boot_params.</summary>
    public ReadOnlySpan<byte> Raw
    {
        get
        {
            // "End of setup header = 0x0202 + byte value at offset 0x0201" (64-bit Boot Protocol).
            int end = Math.Min(LinuxLayout.Signature + File.Span[LinuxLayout.Jump + 1], LinuxLayout.HeaderLimit);
            return File.Span[LinuxLayout.SetupSectors..end];
        }
    }

    /// <summary>The kernel's own version text, printable characters only; null when the header has none.</summary>
    public string? VersionText
    {
        get
        {
            int at = Half(LinuxLayout.KernelVersion);
            if (at == 0 || at + 0x200 >= CodeOffset) return null;
            ReadOnlySpan<byte> text = File.Span[(at + 0x200)..CodeOffset];
            return PrintableText.Read(text);
        }
    }

    public static bool IsLinux(ReadOnlySpan<byte> file) =>
        file.Length >= LinuxLayout.Version && BinaryPrimitives.ReadUInt32LittleEndian(file[LinuxLayout.Signature..]) == LinuxLayout.Magic
        && BinaryPrimitives.ReadUInt16LittleEndian(file[LinuxLayout.BootFlag..]) == LinuxLayout.BootFlagValue;

    public static bool TryRead(ReadOnlyMemory<byte> file, [NotNullWhen(true)] out LinuxHeader? header, [NotNullWhen(false)] out BuildFailure? failure)
    {
        header = null;
        failure = null;
        ReadOnlySpan<byte> bytes = file.Span;
        if (bytes.Length < LinuxLayout.HeaderLimit) failure = new BuildFailure(BuildError.KernelTruncated, $"a setup header of {bytes.Length} bytes");
        else
        {
            int sectors = bytes[LinuxLayout.SetupSectors] == 0 ? LinuxLayout.DefaultSetupSectors : bytes[LinuxLayout.SetupSectors];
            var read = new LinuxHeader(file, Math.Min((sectors + 1) * LinuxLayout.SectorSize, bytes.Length));
            ulong system = read.Int(LinuxLayout.SystemSize) * 16UL, present = (ulong)read.Code.Length;
            if (read.Version < LinuxLayout.VersionWithPayload) failure = new BuildFailure(BuildError.LinuxProtocolTooOld, $"{read.Version >> 8}.{read.Version & 0xFF:00}");
            else if (present == 0) failure = new BuildFailure(BuildError.KernelTruncated, "nothing follows the setup sectors");
            else if (system > present + 15) failure = new BuildFailure(BuildError.KernelTruncated, $"{present} of {system} bytes follow the setup sectors");
            else if ((bytes[LinuxLayout.LoadFlags] & LinuxLayout.LoadedHigh) == 0) failure = new BuildFailure(BuildError.LinuxHeaderInvalid, "a zImage, which loads low");
            else header = read;
        }
        return header is not null;
    }

    /// <summary>The compressed kernel inside, without the size that some compressions carry behind it.</summary>
    public bool TryPayload(out ReadOnlyMemory<byte> payload, [NotNullWhen(false)] out BuildFailure? failure)
    {
        uint offset = Int(LinuxLayout.PayloadOffset), length = Int(LinuxLayout.PayloadLength);
        payload = default;
        failure = null;
        if (length < 4 || offset > (uint)Code.Length || length > (uint)Code.Length - offset)
        {
            failure = new BuildFailure(BuildError.PayloadOutsideFile, $"0x{length:x} bytes at 0x{offset:x} of 0x{Code.Length:x}");
            return false;
        }
        payload = Code.Slice((int)offset, (int)length);
        return true;
    }

    private ushort Half(int at) => BinaryPrimitives.ReadUInt16LittleEndian(File.Span[at..]);

    private uint Int(int at) => BinaryPrimitives.ReadUInt32LittleEndian(File.Span[at..]);

    private ulong Long(int at) => BinaryPrimitives.ReadUInt64LittleEndian(File.Span[at..]);
}

/// <summary>Text from outside, made fit for a terminal.</summary>
internal static class PrintableText
{
    private const int MaxLength = 256;

    /// <summary>The ASCII text up to a NUL or line end, other bytes as '?'; null when there is none.</summary>
    public static string? Read(ReadOnlySpan<byte> bytes)
    {
        int end = bytes.IndexOfAny((byte)0, (byte)'\n');
        if (end >= 0) bytes = bytes[..end];
        if (bytes.Length > MaxLength) bytes = bytes[..MaxLength];
        var text = new StringBuilder(bytes.Length);
        foreach (byte b in bytes) text.Append(b is >= 0x20 and < 0x7F ? (char)b : '?');
        return text.Length == 0 ? null : text.ToString();
    }
}
