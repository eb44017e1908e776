using Hospes.Builder.Compression;
using Hospes.Builder.Tests.Kit;

namespace Hospes.Builder.Tests;

public sealed class KernelInspectorTests
{
    [Theory]
    [InlineData(4, 4ul)]
    [InlineData(8, 4ul)]
    [InlineData(4, 8ul)]
    [InlineData(8, 8ul)]
    public void ThePvhNoteIsFoundInEverySizeAndAlignment(int size, ulong alignment)
    {
        byte[] kernel = new ElfMaker().PvhNote(0x100004, size, alignment).Load(0x100000, Samples.Code(10)).Make();
        KernelReport report = KernelInspector.Inspect(kernel);
        report.Boots.ShouldBeTrue(report.Summary);
        report.PvhEntry.ShouldBe(0x100004u);
        report.Protocol.ShouldBe(BootProtocol.Pvh);
    }

    [Theory]
    [InlineData("Xem\0", 18u)]
    [InlineData("Xen", 18u)]
    [InlineData("Xen\0", 1u)]
    public void OtherNotesAreNoPvhNotes(string name, uint type)
    {
        byte[] note = ElfMaker.Note(System.Text.Encoding.ASCII.GetBytes(name), type, [0, 0, 0x10, 0]);
        KernelInspector.Inspect(new ElfMaker { Entry = 0x100000 }.Header(4, note).Load(0x100000, Samples.Code(10)).Make()).PvhEntry.ShouldBeNull();
    }

    [Fact]
    public void NotesThatRunOutOfTheirSegmentEndTheWalk()
    {
        foreach (uint lie in new[] { 1u, 100u, 0x7FFFFFFFu, uint.MaxValue })
        {
            foreach (int field in new[] { 0, 4 })
            {
                byte[] note = ElfMaker.Note("Xen\0"u8, 18, [0, 0, 0x10, 0]);
                BitConverter.GetBytes(lie).CopyTo(note, field);
                KernelReport report = KernelInspector.Inspect(new ElfMaker { Entry = 0x100000 }.Header(4, note).Load(0x100000, Samples.Code(10)).Make());
                report.PvhEntry.ShouldBeNull();
            }
        }
    }

    [Fact]
    public void ABzImageIsDescribed()
    {
        byte[] elf = Samples.PvhElf(), payload = Packing.Payload(elf, CompressionFormat.Lz4Legacy);
        byte[] kernel = Samples.BzImage(payload);
        KernelReport report = KernelInspector.Inspect(kernel);
        report.Format.ShouldBe(KernelFormat.BzImage);
        report.FileSize.ShouldBe(kernel.Length);
        report.FileCompression.ShouldBe(CompressionFormat.None);
        report.PayloadCompression.ShouldBe(CompressionFormat.Lz4Legacy);
        report.PayloadSize.ShouldBe(payload.Length);
        report.UnpackedSize.ShouldBe(elf.Length);
        report.Version.ShouldBe("6.1.0-sample");
        report.LinuxProtocol.ShouldBe("2.15");
        report.PvhEntry.ShouldBe(0x100040u);
        report.Relocatable.ShouldBeTrue();
        report.CommandLineLimit.ShouldBe(255u);
        report.Offered.ShouldBe([BootProtocol.Pvh, BootProtocol.Linux64]);
        report.Entry.ShouldBe(0x100040u);
        report.LoadAddress.ShouldBe(0x100000u);
        report.LoadEnd.ShouldBe(0x10413Cu);
        report.Failure.ShouldBeNull();
        report.Summary.ShouldBe("boots through the PVH entry at 0x100040, needs memory up to 0x10413c");
    }

    [Fact]
    public void WhatWasLearntBeforeAFailureIsReported()
    {
        KernelReport report = KernelInspector.Inspect(Samples.BzImage(Samples.Code(100), extendedFlags: 0));
        report.Boots.ShouldBeFalse();
        report.Protocol.ShouldBeNull();
        report.Version.ShouldBe("6.1.0-sample");
        report.LinuxProtocol.ShouldBe("2.15");
        report.Summary.ShouldStartWith("would not boot: the payload is neither");
    }

    [Fact]
    public void OtherFormatsAreTold()
    {
        KernelInspector.Inspect(Samples.PvhElf(is64: false)).Format.ShouldBe(KernelFormat.Elf32);
        KernelReport plain = KernelInspector.Inspect(Samples.PlainElf());
        (plain.Format, plain.Version, plain.Protocol).ShouldBe((KernelFormat.Elf64, "6.9-sample", BootProtocol.Linux64));
        plain.Summary.ShouldContain("the 64-bit Linux entry");
        KernelReport flat = KernelInspector.Inspect(Samples.MultibootFlat());
        (flat.Format, flat.Protocol).ShouldBe((KernelFormat.MultibootFlat, BootProtocol.Multiboot));
        flat.Summary.ShouldContain("Multiboot 1");
        KernelReport packed = KernelInspector.Inspect(Packing.Pack(Samples.PvhElf(), CompressionFormat.Zstd));
        (packed.Format, packed.FileCompression).ShouldBe((KernelFormat.Elf64, CompressionFormat.Zstd));
    }

    [Fact]
    public void AnElfWithBothHeadersPrefersPvhAndGivesMultibootOnDemand()
    {
        byte[] kernel = new ElfMaker { Is64 = false, Machine = 3, Entry = 0x100010 }
            .PvhNote(0x100040).Load(0x100000, [.. Samples.MultibootHeader(0), .. Samples.Code(500)]).Make();
        KernelReport report = KernelInspector.Inspect(kernel);
        report.Offered.ShouldBe([BootProtocol.Pvh, BootProtocol.Multiboot]);
        report.Entry.ShouldBe(0x100040u);
    }

    [Fact]
    public void AMultibootHeaderCountsOnlyAlignedCompleteAndEarly()
    {
        byte[] header = Samples.MultibootHeader(0);
        KernelFormat Format(int offset, int size = 9000)
        {
            byte[] file = new byte[size];
            header.CopyTo(file, offset);
            return KernelInspector.Inspect(file).Format;
        }
        Format(8192 - 12).ShouldBe(KernelFormat.MultibootFlat);
        Format(8192 - 8).ShouldBe(KernelFormat.Unknown);
        Format(2).ShouldBe(KernelFormat.Unknown);
        header[8] ^= 1;
        Format(0).ShouldBe(KernelFormat.Unknown);
    }

    [Fact]
    public void TextFromTheFileIsMadePrintable()
    {
        KernelInspector.Inspect(Samples.BzImage(Samples.Code(100), text: "6.1\x1B[2J")).Version.ShouldBe("6.1?[2J");
        byte[] kernel = Samples.BzImage(Samples.Code(100));
        BitConverter.GetBytes((ushort)0xFFFF).CopyTo(kernel, 0x20E);
        KernelInspector.Inspect(kernel).Version.ShouldBeNull();
        BitConverter.GetBytes((ushort)0).CopyTo(kernel, 0x20E);
        KernelInspector.Inspect(kernel).Version.ShouldBeNull();
    }

    [Fact]
    public void AFileIsReadWhole()
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, Samples.PvhElf());
            KernelInspector.TryReadFile(path, out byte[] kernel, out BuildFailure? failure).ShouldBeTrue();
            failure.ShouldBeNull();
            kernel.ShouldBe(Samples.PvhElf());
        }
        finally
        {
            File.Delete(path);
        }
    }
}
