using System.Buffers.Binary;
using Hospes.Builder.Compression;

namespace Hospes.Builder.Images;

/// <summary>A kernel that was read and can be loaded.</summary>
/// <param name="Report">What was found out; its failure is null.</param>
/// <param name="Segments">What goes into memory; empty for a bzImage that is entered through its setup header.</param>
/// <param name="Header">The setup header, when there is one.</param>
internal sealed record KernelImage(KernelReport Report, IReadOnlyList<ElfSegment> Segments, LinuxHeader? Header)
{
    public BootProtocol Protocol => Report.Protocol!.Value;
}

/// <summary>Reads kernel files: tells the formats apart, unpacks, and chooses the protocol.</summary>
internal static class KernelReader
{
    /// <summary>Reads a kernel.</summary>
    /// <param name="file">The file's bytes.</param>
    /// <param name="wanted">The protocol that it must be entered with; null for the best that it offers.</param>
    /// <param name="unpackedLimit">The largest unpacked kernel in bytes.</param>
    /// <returns>The report, and the image unless the report has a failure.</returns>
    public static (KernelReport Report, KernelImage? Image) Read(ReadOnlyMemory<byte> file, BootProtocol? wanted, int unpackedLimit = Limits.MaxUnpackedSize)
    {
        var report = new KernelReport { FileSize = file.Length };
        if (file.IsEmpty) return Refuse(report, new BuildFailure(BuildError.KernelEmpty));
        if (file.Length > Limits.MaxFileSize) return Refuse(report, new BuildFailure(BuildError.KernelTooLarge));
        if (!IsKernel(file.Span))
        {
            CompressionFormat format = Decompression.Detect(file.Span);
            if (format == CompressionFormat.None) return Refuse(report, Unknown(file.Span));
            report = report with { FileCompression = format };
            if (Unpack(file, format, 0, unpackedLimit, out ReadOnlyMemory<byte> unpacked) is { } failure) return Refuse(report, failure);
            report = report with { UnpackedSize = unpacked.Length };
            file = unpacked;
            if (!IsKernel(file.Span)) return Refuse(report, Unknown(file.Span));
        }
        if (ElfImage.IsElf(file.Span)) return ReadElf(report, file, wanted);
        return LinuxHeader.IsLinux(file.Span) ? ReadLinux(report, file, wanted, unpackedLimit) : ReadFlat(report, file, wanted);
    }

    private static bool IsKernel(ReadOnlySpan<byte> file) => ElfImage.IsElf(file) || LinuxHeader.IsLinux(file) || MultibootHeader.Find(file) is not null;

    /// <summary>Names what people mistake for an x86 kernel, where it can be told.</summary>
    private static BuildFailure Unknown(ReadOnlySpan<byte> file)
    {
        // "ARM\x64" at 56 (Documentation/arch/arm64/booting.rst), "RSC\x05" at 56 (Documentation/arch/riscv/boot-image-header.rst).
        if (file.Length >= 64 && file.Slice(56, 4).SequenceEqual("ARM\x64"u8)) return new BuildFailure(BuildError.NotX86, "it is an AArch64 Image");
        if (file.Length >= 64 && file.Slice(56, 4).SequenceEqual("RSC\x05"u8)) return new BuildFailure(BuildError.NotX86, "it is a RISC-V Image");
        return new BuildFailure(BuildError.UnknownFormat);
    }

    private static (KernelReport Report, KernelImage? Image) ReadElf(KernelReport report, ReadOnlyMemory<byte> file, BootProtocol? wanted)
    {
        report = report with { Format = file.Span.Length > ElfLayout.ClassOffset && file.Span[ElfLayout.ClassOffset] == ElfLayout.Class32 ? KernelFormat.Elf32 : KernelFormat.Elf64 };
        MultibootHeader? multiboot = MultibootHeader.Find(file.Span);
        if (multiboot is { HasAddresses: true } && wanted is null or BootProtocol.Multiboot) return ReadFlat(report, file, wanted);
        if (!ElfImage.TryRead(file, out ElfImage? elf, out BuildFailure? failure)) return Refuse(report, failure);
        report = report with { PvhEntry = elf.PvhEntry, Version = FindVersion(elf) };
        var offered = new List<BootProtocol>();
        if (elf.PvhEntry is not null) offered.Add(BootProtocol.Pvh);
        if (multiboot is not null) offered.Add(BootProtocol.Multiboot);
        if (elf.Is64 && multiboot is null) offered.Add(BootProtocol.Linux64);
        report = report with { Offered = offered };
        if (offered.Count == 0) return Refuse(report, new BuildFailure(BuildError.Only32Bit));
        if (Choose(report, wanted) is not { } protocol) return Refuse(report, NotOffered(report, wanted));
        if (protocol == BootProtocol.Multiboot && multiboot!.Value.CheckDemands() is { } unmet) return Refuse(report, unmet);
        ulong entry;
        if (protocol == BootProtocol.Pvh) entry = elf.PvhEntry!.Value;
        else if (!elf.TryPhysicalEntry(out entry)) return Refuse(report, new BuildFailure(BuildError.EntryOutsideImage, $"0x{elf.Entry:x}"));
        return Accept(report, elf.Segments, protocol, entry, null);
    }

    private static (KernelReport Report, KernelImage? Image) ReadFlat(KernelReport report, ReadOnlyMemory<byte> file, BootProtocol? wanted)
    {
        MultibootHeader header = MultibootHeader.Find(file.Span)!.Value;
        if (report.Format == KernelFormat.Unknown) report = report with { Format = KernelFormat.MultibootFlat };
        report = report with { Offered = [BootProtocol.Multiboot] };
        if (Choose(report, wanted) is null) return Refuse(report, NotOffered(report, wanted));
        if (!header.HasAddresses) return Refuse(report, new BuildFailure(BuildError.MultibootAddresses, "the header states none and the file is no ELF file"));
        if (header.CheckDemands() is { } unmet) return Refuse(report, unmet);
        if (header.TryReadAddresses(file, out ElfSegment segment, out ulong entry) is { } failure) return Refuse(report, failure);
        return Accept(report, [segment], BootProtocol.Multiboot, entry, null);
    }

    private static (KernelReport Report, KernelImage? Image) ReadLinux(KernelReport report, ReadOnlyMemory<byte> file, BootProtocol? wanted, int unpackedLimit)
    {
        report = report with { Format = KernelFormat.BzImage };
        if (!LinuxHeader.TryRead(file, out LinuxHeader? header, out BuildFailure? failure)) return Refuse(report, failure);
        report = report with
        {
            LinuxProtocol = $"{header.Version >> 8}.{header.Version & 0xFF:00}",
            Version = header.VersionText,
            Relocatable = header.IsRelocatable,
            CommandLineLimit = header.CommandLineLimit,
        };
        ElfImage? elf = null;
        BuildFailure? payloadFailure = wanted == BootProtocol.Linux64 ? null : ReadPayload(header, unpackedLimit, ref report, out elf);
        var offered = new List<BootProtocol>();
        if (elf?.PvhEntry is not null) offered.Add(BootProtocol.Pvh);
        if (header.Has64BitEntry) offered.Add(BootProtocol.Linux64);
        report = report with { Offered = offered, PvhEntry = elf?.PvhEntry };
        if (payloadFailure is not null)
        {
            // The kernel can unpack itself what can't be unpacked here; what is damaged it can't unpack either.
            bool itself = payloadFailure.Error is BuildError.PayloadLzo or BuildError.LibraryMissing or BuildError.PayloadFormatUnknown;
            if (!itself || !header.Has64BitEntry || wanted == BootProtocol.Pvh) return Refuse(report, payloadFailure);
            report = report with { Remark = $"it unpacks itself, because {BuildErrors.Cause(payloadFailure.Error)}{(payloadFailure.Detail is null ? "" : $" ({payloadFailure.Detail})")}" };
        }
        if (offered.Count == 0)
            return Refuse(report, elf is { Is64: true } ? new BuildFailure(BuildError.LinuxProtocolTooOld, report.LinuxProtocol) : new BuildFailure(BuildError.Only32Bit));
        if (Choose(report, wanted) is not { } protocol) return Refuse(report, NotOffered(report, wanted));
        if (protocol == BootProtocol.Pvh) return Accept(report, elf!.Segments, protocol, elf.PvhEntry!.Value, header);
        if (header.PreferredAddress >= 1UL << 32 || header.InitSize < header.Code.Length - LinuxLayout.SectorSize)
            return Refuse(report, new BuildFailure(BuildError.LinuxHeaderInvalid, $"0x{header.InitSize:x} bytes at 0x{header.PreferredAddress:x}"));
        if (header.Code.Length <= (int)LinuxLayout.Entry64Offset) return Refuse(report, new BuildFailure(BuildError.EntryOutsideImage));
        report = report with
        {
            Protocol = protocol,
            Entry = header.PreferredAddress + LinuxLayout.Entry64Offset,
            LoadAddress = header.PreferredAddress,
            LoadEnd = header.PreferredAddress + Math.Max(header.InitSize, (ulong)header.Code.Length),
        };
        return (report, new KernelImage(report, [], header));
    }

    private static BuildFailure? ReadPayload(LinuxHeader header, int unpackedLimit, ref KernelReport report, out ElfImage? elf)
    {
        elf = null;
        if (!header.TryPayload(out ReadOnlyMemory<byte> payload, out BuildFailure? failure)) return failure;
        report = report with { PayloadSize = payload.Length };
        if (!ElfImage.IsElf(payload.Span))
        {
            CompressionFormat format = Decompression.Detect(payload.Span);
            report = report with { PayloadCompression = format };
            if (format == CompressionFormat.None) return new BuildFailure(BuildError.PayloadFormatUnknown);
            // The size of the result ends the payload: gzip's own ISIZE, or appended by Linux' build (scripts/Makefile.lib, size_append).
            uint size = BinaryPrimitives.ReadUInt32LittleEndian(payload.Span[^4..]);
            if (Unpack(format == CompressionFormat.Gzip ? payload : payload[..^4], format, size, unpackedLimit, out payload) is { } damage) return damage;
            if ((uint)payload.Length != size) return new BuildFailure(BuildError.PayloadCorrupt, $"{payload.Length} of {size} bytes unpacked");
        }
        report = report with { UnpackedSize = payload.Length };
        if (!ElfImage.IsElf(payload.Span)) return new BuildFailure(BuildError.PayloadFormatUnknown, "it unpacks to no ELF file");
        return ElfImage.TryRead(payload, out elf, out failure) ? null : failure;
    }

    private static BuildFailure? Unpack(ReadOnlyMemory<byte> data, CompressionFormat format, uint size, int limit, out ReadOnlyMemory<byte> output) =>
        Translate(Decompression.TryUnpack(data, format, limit, out output, out string detail, (int)Math.Min(size, (uint)limit)), detail);

    /// <summary>The one place where a decompressor's answer becomes a builder's.</summary>
    internal static BuildFailure? Translate(DecompressionError error, string detail) => error switch
    {
        DecompressionError.None => null,
        DecompressionError.NotSupported => new BuildFailure(BuildError.PayloadLzo),
        DecompressionError.TooLarge => new BuildFailure(BuildError.PayloadTooLarge, detail),
        DecompressionError.LibraryMissing => new BuildFailure(BuildError.LibraryMissing, detail),
        DecompressionError.UnknownFormat => new BuildFailure(BuildError.PayloadFormatUnknown, detail),
        _ => new BuildFailure(BuildError.PayloadCorrupt, detail),
    };

    private static string? FindVersion(ElfImage elf)
    {
        foreach (ElfSegment segment in elf.Segments)
        {
            int at = segment.Data.Span.IndexOf("Linux version "u8);
            if (at >= 0) return PrintableText.Read(segment.Data.Span[(at + "Linux version ".Length)..]);
        }
        return null;
    }

    private static BootProtocol? Choose(KernelReport report, BootProtocol? wanted) =>
        wanted is null ? report.Offered[0] : report.Offered.Contains(wanted.Value) ? wanted : null;

    private static BuildFailure NotOffered(KernelReport report, BootProtocol? wanted) =>
        new(BuildError.ProtocolNotOffered, $"{KernelReport.Name(wanted!.Value)}; it offers {string.Join(", ", report.Offered.Select(KernelReport.Name))}");

    private static (KernelReport Report, KernelImage? Image) Accept(KernelReport report, IReadOnlyList<ElfSegment> segments, BootProtocol protocol, ulong entry, LinuxHeader? header)
    {
        report = report with { Protocol = protocol, Entry = entry, LoadAddress = segments[0].Physical, LoadEnd = segments[^1].End };
        bool inside = segments.Any(segment => entry - segment.Physical < (ulong)segment.Data.Length);
        if (!inside || (protocol != BootProtocol.Linux64 && entry > uint.MaxValue)) return Refuse(report, new BuildFailure(BuildError.EntryOutsideImage, $"0x{entry:x}"));
        return (report, new KernelImage(report, segments, header));
    }

    private static (KernelReport Report, KernelImage? Image) Refuse(KernelReport report, BuildFailure failure) => (report with { Failure = failure, Protocol = null }, null);
}
