using Hospes.Builder.Compression;
using Hospes.Builder.Images;
using Hospes.Builder.Memory;
using Hospes.Builder.Tests.Kit;
using Hospes.Hypervisor;

namespace Hospes.Builder.Tests;

/// <summary>Every error: its words, and a case that gives it.</summary>
public sealed class BuildErrorTests
{
    private static readonly Dictionary<BuildError, Func<BuildFailure?>[]> Cases = new()
    {
        [BuildError.KernelUnreadable] = [() => ReadFile("/nonexistent/vmlinuz"), () => ReadFile("/")],
        [BuildError.KernelEmpty] = [() => Inspect([])],
        [BuildError.KernelTooLarge] = [HugeFile, () => KernelReader.Read(new byte[Limits.MaxFileSize + 1], null).Report.Failure],
        [BuildError.UnknownFormat] =
        [
            () => Inspect([1]),
            () => Inspect(new byte[100000]),
            () => Inspect("#!/bin/sh\n"u8.ToArray()),
            () => Inspect(Packing.Pack(new byte[100], CompressionFormat.Gzip)),
            () => Inspect(Packing.Pack(Packing.Pack(Samples.PvhElf(), CompressionFormat.Gzip), CompressionFormat.Zstd)),
        ],
        [BuildError.KernelTruncated] =
        [
            () => Inspect(Samples.PvhElf()[..20]),
            () => Inspect(Samples.PvhElf()[..60]),
            () => Inspect(Samples.PvhElf()[..100]),
            () => Inspect(With(Samples.PvhElf(), 32, BitConverter.GetBytes(ulong.MaxValue))),
            () => Inspect(Samples.BzImage(Samples.Code(100))[..0x240]),
            () => Inspect(Samples.BzImage(Samples.Code(100))[..0x600]),
            () => Inspect(Samples.BzImage(Samples.Code(100))[..0x700]),
            () => Inspect(Samples.MultibootFlat()[..40]),
        ],
        [BuildError.NotX86] =
        [
            () => Inspect(new ElfMaker { Machine = 183 }.Load(0, Samples.Code(10)).Make()),
            () => Inspect(With(With(Samples.PvhElf(), 5, [2]), 18, [0, 22])),
            () => Inspect([.. new byte[56], .. "ARM\x64"u8, .. new byte[10]]),
            () => Inspect([.. new byte[56], .. "RSC\x05"u8, .. new byte[10]]),
        ],
        [BuildError.Only32Bit] =
        [
            () => Inspect(new ElfMaker { Is64 = false, Machine = 3, Entry = 0x100000 }.Load(0x100000, Samples.Code(10)).Make()),
            () => Inspect(Samples.BzImage(Packing.Payload(new ElfMaker { Is64 = false, Machine = 3 }.Load(0x100000, Samples.Code(10)).Make(), CompressionFormat.Gzip), extendedFlags: 0)),
        ],
        [BuildError.ElfNotExecutable] =
        [
            () => Inspect(new ElfMaker { Type = 1 }.Load(0x100000, Samples.Code(10)).Make()),
            () => Inspect(new ElfMaker { Type = 4 }.Load(0x100000, Samples.Code(10)).Make()),
            () => Inspect(new ElfMaker().Header(3, "/lib64/ld-linux-x86-64.so.2\0"u8.ToArray()).Load(0x100000, Samples.Code(10)).Make()),
        ],
        [BuildError.ElfHeaderInvalid] =
        [
            () => Inspect(With(Samples.PvhElf(), 4, [9])),
            () => Inspect(With(Samples.PvhElf(), 5, [0])),
            () => Inspect(With(With(Samples.PvhElf(), 5, [2]), 18, [0, 62])),
            () => Inspect(With(Samples.PvhElf(), 54, [32, 0])),
        ],
        [BuildError.ElfNothingToLoad] = [() => Inspect(new ElfMaker().Make()), () => Inspect(new ElfMaker().PvhNote(0x100000).Make()), () => Inspect(new ElfMaker().Load(0x1000, []).Make())],
        [BuildError.ElfTooManySegments] = [() => Inspect(With(Samples.PvhElf(), 56, [129, 0])), () => Inspect(With(Samples.PvhElf(), 56, [255, 255]))],
        [BuildError.SegmentOutsideFile] =
        [
            () => Inspect(With(Samples.PlainElf(), 64 + 8, BitConverter.GetBytes(ulong.MaxValue - 3))),
            () => Inspect(With(Samples.PlainElf(), 64 + 32, BitConverter.GetBytes(ulong.MaxValue - 3))),
            () => Inspect(Samples.PlainElf()[..^1]),
        ],
        [BuildError.SegmentSizeInvalid] =
        [
            () => Inspect(new ElfMaker().Load(0x100000, Samples.Code(100), 99).Make()),
            () => Inspect(new ElfMaker().Load(0x100000, Samples.Code(100), ulong.MaxValue - 5).Make()),
            () => Inspect(new ElfMaker().Load(ulong.MaxValue - 5, Samples.Code(100)).Make()),
            () => Inspect(new ElfMaker().Load((1UL << 52) - 99, Samples.Code(100)).Make()),
        ],
        [BuildError.SegmentsOverlap] = [() => Inspect(new ElfMaker().Load(0x101000, Samples.Code(100)).Load(0x100000, Samples.Code(100), 0x1001).Make())],
        [BuildError.PvhNoteInvalid] =
        [
            () => Inspect(new ElfMaker().PvhNote(0x100000, 2).Load(0x100000, Samples.Code(10)).Make()),
            () => Inspect(new ElfMaker().PvhNote(1UL << 32, 8).Load(0x100000, Samples.Code(10)).Make()),
        ],
        [BuildError.EntryOutsideImage] =
        [
            () => Inspect(new ElfMaker().PvhNote(0xFFFFF).Load(0x100000, Samples.Code(10)).Make()),
            () => Inspect(new ElfMaker().PvhNote(0x10000A).Load(0x100000, Samples.Code(10), 0x1000).Make()),
            () => Inspect(new ElfMaker { Entry = 5 }.Load(0x100000, Samples.Code(10)).Make()),
            () => Inspect(Samples.MultibootFlat(entry: 0x101000)),
            () => Inspect(With(Samples.BzImage(new byte[4])[..0x800], 0x1F4, [0, 0, 0, 0]), BootProtocol.Linux64),
        ],
        [BuildError.NoMemoryForKernel] =
        [
            () => Build(new ElfMaker { Entry = 0x4000000 }.Load(0x4000000, Samples.Code(10)).Make()),
            () => Build(new ElfMaker { Entry = 0x100000 }.Load(0x100000, Samples.Code(10), 1UL << 51).Make()),
            () => Build(new ElfMaker { Entry = 0x9F000 }.Load(0x9F000, Samples.Code(0x1000)).Make()),
            () => Build(Samples.BzImage(Samples.Code(100), initSize: 1 << 30), BootProtocol.Linux64),
            () => Build(Samples.BzImage(Samples.Code(100), preferred: 0x40000000, relocatable: false), BootProtocol.Linux64),
        ],
        [BuildError.LinuxHeaderInvalid] =
        [
            () => Inspect(With(Samples.BzImage(Samples.Code(100)), 0x211, [0])),
            () => Inspect(Samples.BzImage(Samples.Code(100), preferred: 1UL << 32), BootProtocol.Linux64),
            () => Inspect(Samples.BzImage(Samples.Code(1000), initSize: 10), BootProtocol.Linux64),
        ],
        [BuildError.LinuxProtocolTooOld] =
        [
            () => Inspect(Samples.BzImage(Samples.Code(100), version: 0x207)),
            () => Inspect(Samples.BzImage(Packing.Payload(Samples.PlainElf(), CompressionFormat.Gzip), version: 0x20B)),
        ],
        [BuildError.PayloadOutsideFile] =
        [
            () => Inspect(Samples.BzImage(Samples.Code(100), payloadOffset: uint.MaxValue)),
            () => Inspect(Samples.BzImage(Samples.Code(100), payloadLength: uint.MaxValue)),
            () => Inspect(Samples.BzImage(Samples.Code(100), payloadLength: 101)),
            () => Inspect(Samples.BzImage(Samples.Code(100), payloadLength: 3)),
        ],
        [BuildError.PayloadFormatUnknown] =
        [
            () => Inspect(Samples.BzImage(Samples.Code(100), extendedFlags: 0)),
            () => Inspect(Samples.BzImage(Packing.Payload(Samples.Code(100), CompressionFormat.Gzip), extendedFlags: 0)),
        ],
        [BuildError.PayloadCorrupt] =
        [
            () => Inspect(Samples.BzImage(Packing.Payload(Samples.PvhElf(), CompressionFormat.Gzip)[..^40])),
            () => Inspect(Samples.BzImage(With(Packing.Payload(Samples.PvhElf(), CompressionFormat.Zstd), ^4, [1, 0, 0, 0]))),
            () => Inspect(Samples.BzImage([.. "BZh91AY&SY"u8, .. Samples.Code(100)])),
            () => Inspect([.. Packing.Pack(Samples.PvhElf(), CompressionFormat.Xz)[..100]]),
        ],
        [BuildError.PayloadTooLarge] =
        [
            () => KernelReader.Read(Samples.BzImage(Packing.Payload(Samples.PvhElf(), CompressionFormat.Lz4Legacy)), null, 100).Report.Failure,
            () => KernelReader.Read(Packing.Pack(Samples.PvhElf(), CompressionFormat.Bzip2), null, 100).Report.Failure,
        ],
        [BuildError.PayloadLzo] =
        [
            () => Inspect([0x89, (byte)'L', (byte)'Z', (byte)'O', 0, 0x0D, 0x0A, 0x1A, 0x0A]),
            () => Inspect(Samples.BzImage([0x89, (byte)'L', (byte)'Z', (byte)'O', 0, 0x0D, 0x0A, 0x1A, 0x0A, .. Samples.Code(100)]), BootProtocol.Pvh),
        ],
        [BuildError.LibraryMissing] = [() => KernelReader.Translate(DecompressionError.LibraryMissing, "liblz4.so.1")],
        [BuildError.MultibootRequirement] = [() => Inspect(Samples.MultibootElf(4)), () => Inspect(Samples.MultibootElf(0x8000))],
        [BuildError.MultibootAddresses] =
        [
            () => Inspect(Samples.MultibootFlat(load: 0x200000)),
            () => Inspect(Samples.MultibootFlat(load: 0x0FF000)),
            () => Inspect(Samples.MultibootFlat(loadEnd: 0xFFFFF)),
            () => Inspect(Samples.MultibootFlat(loadEnd: 0x110000)),
            () => Inspect(Samples.MultibootFlat(bssEnd: 0x100010)),
            () => Inspect(Samples.MultibootFlat(load: 0xFFFFFFF0, header: 0xFFFFFFF0, bssEnd: 0)),
            () => Inspect([.. new byte[4], .. Samples.MultibootHeader(0), .. Samples.Code(100)]),
        ],
        [BuildError.ProtocolNotOffered] =
        [
            () => Inspect(Samples.PlainElf(), BootProtocol.Multiboot),
            () => Inspect(Samples.PvhElf(is64: false), BootProtocol.Linux64),
            () => Inspect(Samples.MultibootFlat(), BootProtocol.Pvh),
            () => Inspect(Samples.BzImage(Packing.Payload(Samples.PlainElf(), CompressionFormat.Gzip)), BootProtocol.Pvh),
        ],
        [BuildError.CommandLineTooLong] =
        [
            () => Build(Samples.PvhElf(), change: c => c with { CommandLine = new string('x', 2048) }),
            () => Build(Samples.BzImage(Packing.Payload(Samples.PvhElf(), CompressionFormat.Gzip)), change: c => c with { CommandLine = new string('x', 256) }),
            () => Build(Samples.MultibootElf(), change: c => c with { CommandLine = new string('x', 2045) }),
        ],
        [BuildError.CommandLineNotText] = [() => Build(Samples.PvhElf(), change: c => c with { CommandLine = "a\0b" })],
        [BuildError.InitrdUnreadable] = [() => OpenInitrd("/nonexistent/initrd"), () => OpenInitrd("/"), ShrunkInitrd],
        [BuildError.InitrdEmpty] = [() => Build(Samples.PvhElf(), change: c => c with { Initrd = BootPayload.FromBytes([]) })],
        [BuildError.InitrdTooLarge] = [() => Build(Samples.PvhElf(), change: c => c with { Initrd = BootPayload.FromBytes(new byte[16 << 20]) })],
        [BuildError.MemoryZero] = [() => Populate([]), () => Populate([new(0, 0)]), () => Build(Samples.PvhElf(), change: c => c with { MemoryMap = [] })],
        [BuildError.MemoryMisaligned] = [() => Populate([new(0, 4095)]), () => Populate([new(100, 4096)])],
        [BuildError.MemoryBeyondHost] =
        [
            () => Populate([new(0, 1 << 20), new(1UL << 32, 4096)], 1 << 20),
            () => Populate([new(0, 1UL << 50)]),
            () => Populate([new(0, ulong.MaxValue & ~4095UL)], ulong.MaxValue),
            () => Populate([new(1UL << 52, 4096)], ulong.MaxValue),
        ],
        [BuildError.MemoryRefused] = [() => Populate([new(0, 1UL << 51)], ulong.MaxValue)],
        [BuildError.MemoryMapInvalid] =
        [
            () => Populate([new(0, 8192), new(4096, 8192)]),
            () => Populate([new(0x1000, 0x1000)], already: (0, 0x2000)),
            () => Build(Samples.PvhElf(), change: c => c with { MemoryMap = [new(0, 32 << 20, MemoryKind.Ram)] }),
            () => Build(Samples.PvhElf(), change: c => c with { MemoryMap = [new(0, 0, MemoryKind.Ram)] }),
            () => Build(Samples.PvhElf(), change: c => c with { MemoryMap = [new(ulong.MaxValue, 2, MemoryKind.Reserved)] }),
            () => Build(Samples.PvhElf(), change: c => c with { MemoryMap = [new(0, 0x2000, MemoryKind.Ram), new(0x1000, 0x1000, MemoryKind.Reserved)] }),
        ],
        [BuildError.MemoryMapTooLong] = [() => Build(Samples.PvhElf(), change: c => c with { MemoryMap = [.. Enumerable.Range(0, 129).Select(i => new MemoryMapEntry((ulong)i << 12, 4096, MemoryKind.Ram))] })],
        [BuildError.NoMemoryForStartInfo] =
        [
            () => Build(Samples.PvhElf(), change: c => c with { MemoryMap = [new(0x100000, 0x5000, MemoryKind.Ram)], Initrd = BootPayload.FromBytes(new byte[0x800]) }),
            () => Build(Samples.PlainElf(), change: c => c with { MemoryMap = [new(0x100000, 0x5000, MemoryKind.Ram)] }),
        ],
    };

    public static TheoryData<BuildError> Errors => [.. Enum.GetValues<BuildError>()];

    [Theory]
    [MemberData(nameof(Errors))]
    public void EveryErrorHasACaseThatGivesItInOneLine(BuildError error)
    {
        Cases.ShouldContainKey(error);
        int number = 0;
        foreach (Func<BuildFailure?> give in Cases[error])
        {
            BuildFailure? failure = give();
            failure.ShouldNotBeNull($"case {number}");
            failure.Error.ShouldBe(error, $"case {number}: {failure.Message}");
            failure.Message.ShouldNotContain('\n');
            failure.Message.ShouldStartWith(BuildErrors.Cause(error));
            failure.Message.ShouldEndWith(BuildErrors.Remedy(error));
            failure.ToString().ShouldBe(failure.Message);
            number++;
        }
    }

    [Fact]
    public void CausesAreUniqueClauses()
    {
        string[] causes = [.. Enum.GetValues<BuildError>().Select(BuildErrors.Cause)];
        causes.Distinct().Count().ShouldBe(causes.Length);
        foreach (string text in causes.Concat(Enum.GetValues<BuildError>().Select(BuildErrors.Remedy)))
        {
            text.ShouldNotBeNullOrWhiteSpace();
            text.ShouldNotEndWith(".");
            text.ShouldNotContain('\n');
        }
        Should.Throw<ArgumentOutOfRangeException>(() => BuildErrors.Cause((BuildError)(-1)));
    }

    [Fact]
    public void AnUnknownFileIsRefusedByNamingWhatWasLookedFor()
    {
        string message = Inspect(new byte[100])!.Message;
        foreach (string name in new[] { "ELF", "HdrS", "Multiboot", "gzip", "lz4", "zstd", "xz", "lzma", "bzip2" }) message.ShouldContain(name);
    }

    private static BuildFailure? Inspect(byte[] kernel, BootProtocol? wanted = null) => KernelReader.Read(kernel, wanted).Report.Failure;

    private static BuildFailure? Build(byte[] kernel, BootProtocol? wanted = null, Func<BootContext, BootContext>? change = null)
    {
        (Guest guest, BootContext context) = Samples.Machine(kernel);
        using (guest)
        {
            context = context with { Protocol = wanted };
            if (change is not null) context = change(context);
            DomainBuilder.TryBuild(context, out BootState? state, out BuildFailure? failure).ShouldBe(failure is null);
            (state is null).ShouldBe(failure is not null);
            return failure;
        }
    }

    private static BuildFailure? Populate(MemoryWindow[] windows, ulong? host = null, (ulong, ulong)? already = null)
    {
        using Guest guest = already is { } range ? IdleEngine.Guest(range) : IdleEngine.Guest();
        MemoryPopulator.TryPopulate(guest.Memory, windows, out IReadOnlyList<PopulatedRange> populated, out BuildFailure? failure, hostMemory: host);
        populated.ShouldBeEmpty();
        return failure;
    }

    private static BuildFailure? ReadFile(string path)
    {
        KernelInspector.TryReadFile(path, out byte[] kernel, out BuildFailure? failure).ShouldBeFalse();
        kernel.ShouldBeEmpty();
        return failure;
    }

    private static BuildFailure? HugeFile()
    {
        string path = Path.GetTempFileName();
        try
        {
            using (FileStream file = File.OpenWrite(path)) file.SetLength(Limits.MaxFileSize + 1L);
            return ReadFile(path);
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static BuildFailure? OpenInitrd(string path)
    {
        BootPayload.TryOpen(path, out BootPayload? payload, out BuildFailure? failure).ShouldBeFalse();
        payload.ShouldBeNull();
        return failure;
    }

    private static BuildFailure? ShrunkInitrd()
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, new byte[1000]);
            BootPayload.TryOpen(path, out BootPayload? payload, out _).ShouldBeTrue();
            using (var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite)) file.SetLength(100);
            return Build(Samples.PvhElf(), change: c => c with { Initrd = payload });
        }
        finally
        {
            File.Delete(path);
        }
    }

    private static byte[] With(byte[] file, Index at, byte[] bytes)
    {
        bytes.CopyTo(file, at.GetOffset(file.Length));
        return file;
    }
}
