using Hospes.Builder.Compression;
using Hospes.Builder.Tests.Kit;
using Hospes.Hypervisor;

namespace Hospes.Builder.Tests;

public sealed class DomainBuilderTests
{
    public static TheoryData<CompressionFormat> Formats => [.. Packing.Formats];

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void APvhKernelIsLoadedWithItsStartInfo(bool is64)
    {
        (Guest guest, BootContext context) = Samples.Machine(Samples.PvhElf(is64), high: 4 * Samples.Mebibyte);
        using Guest _ = guest;
        byte[] initrd = Samples.Code(5000, 0x99);
        // What an earlier guest left must not be seen as bss.
        guest.Memory.TryFill(0x100000, 0x10000, 0xEE).ShouldBeTrue();
        BootState state = Build(context with { CommandLine = "console=ttyS0 quiet", Initrd = BootPayload.FromBytes(initrd), RsdpAddress = 0xE0000 });

        state.Protocol.ShouldBe(BootProtocol.Pvh);
        state.Entry.ShouldBe(0x100040u);
        GuestMemory memory = guest.Memory;
        memory.Bytes(0x100000, 600).ShouldBe(Samples.Code(600));
        memory.Bytes(0x100000 + 600, 0x3000 - 600).ShouldAllBe(b => b == 0);
        memory.Bytes(0x103000, 0x1010).ShouldAllBe(b => b == 0xEE);
        memory.Bytes(0x104010, 300).ShouldBe(Samples.Code(300, 0x55));

        ulong info = state.StartInfo;
        info.ShouldBeGreaterThanOrEqualTo(0x10000u);
        memory.U32(info).ShouldBe(0x336EC578u);
        memory.U32(info + 4).ShouldBe(1u);
        memory.U32(info + 8).ShouldBe(0u);
        memory.U32(info + 12).ShouldBe(1u);
        ulong module = memory.U64(info + 16);
        memory.Text(memory.U64(info + 24)).ShouldBe("console=ttyS0 quiet");
        memory.U64(info + 32).ShouldBe(0xE0000u);
        ulong map = memory.U64(info + 40);
        memory.U32(info + 48).ShouldBe(4u);
        memory.U32(info + 52).ShouldBe(0u);
        for (int i = 0; i < 4; i++)
        {
            MemoryMapEntry entry = context.MemoryMap[i];
            memory.U64(map + (ulong)i * 24).ShouldBe(entry.Address);
            memory.U64(map + (ulong)i * 24 + 8).ShouldBe(entry.Size);
            memory.U32(map + (ulong)i * 24 + 16).ShouldBe((uint)entry.Kind);
            memory.U32(map + (ulong)i * 24 + 20).ShouldBe(0u);
        }
        ulong at = memory.U64(module);
        memory.U64(module + 8).ShouldBe(5000u);
        memory.U64(module + 16).ShouldBe(0u);
        memory.Bytes(at, 5000).ShouldBe(initrd);
        at.ShouldBe(16 * Samples.Mebibyte - 8192, "as high as low memory goes, on a page");
        CheckRegions(state, context);
    }

    [Fact]
    public void WithoutInitrdThereIsNoModule()
    {
        (Guest guest, BootContext context) = Samples.Machine(Samples.PvhElf());
        using Guest _ = guest;
        BootState state = Build(context);
        guest.Memory.U32(state.StartInfo + 12).ShouldBe(0u);
        guest.Memory.U64(state.StartInfo + 16).ShouldBe(0u);
        guest.Memory.Text(guest.Memory.U64(state.StartInfo + 24)).ShouldBe("");
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void ABzImageIsUnpackedAndEnteredThroughPvh(CompressionFormat format)
    {
        (Guest guest, BootContext context) = Samples.Machine(Samples.BzImage(Packing.Payload(Samples.PvhElf(), format)));
        using Guest _ = guest;
        BootState state = Build(context);
        state.Protocol.ShouldBe(BootProtocol.Pvh);
        state.Entry.ShouldBe(0x100040u);
        guest.Memory.Bytes(0x100000, 600).ShouldBe(Samples.Code(600));
    }

    [Theory]
    [MemberData(nameof(Formats))]
    public void AVmlinuxThatIsCompressedAsAWholeIsUnpackedToo(CompressionFormat format)
    {
        (Guest guest, BootContext context) = Samples.Machine(Packing.Pack(Samples.PvhElf(), format));
        using Guest _ = guest;
        Build(context).Entry.ShouldBe(0x100040u);
    }

    [Fact]
    public void ABzImageWithoutPvhIsEnteredThroughBootParams()
    {
        byte[] kernel = Samples.BzImage(Packing.Payload(Samples.PlainElf(), CompressionFormat.Gzip), preferred: 0x400000);
        (Guest guest, BootContext context) = Samples.Machine(kernel, high: 4 * Samples.Mebibyte);
        using Guest _ = guest;
        byte[] initrd = Samples.Code(5000, 0x99);
        BootState state = Build(context with { CommandLine = "ro", Initrd = BootPayload.FromBytes(initrd), RsdpAddress = 0xE0010 });

        state.Protocol.ShouldBe(BootProtocol.Linux64);
        state.Entry.ShouldBe(0x400200u);
        GuestMemory memory = guest.Memory;
        memory.Bytes(0x400000, 0x280).ShouldBe(Samples.Code(0x280));
        ulong zero = state.StartInfo;
        memory.Bytes(zero + 0x1F1, 1).ShouldBe([2]);
        memory.Bytes(zero + 0x1FE, 2).ShouldBe([0x55, 0xAA]);
        memory.Bytes(zero + 0x202, 4).ShouldBe("HdrS"u8.ToArray());
        memory.Bytes(zero + 0x206, 2).ShouldBe([0x0F, 0x02]);
        memory.Bytes(zero + 0x210, 2).ShouldBe([0xFF, 1]);
        memory.U64(zero + 0x70).ShouldBe(0xE0010u);
        memory.Text(memory.U32(zero + 0x228)).ShouldBe("ro");
        memory.Bytes(memory.U32(zero + 0x218), (int)memory.U32(zero + 0x21C)).ShouldBe(initrd);
        memory.Bytes(zero + 0x1E8, 1).ShouldBe([4]);
        memory.U64(zero + 0x2D0 + 3 * 20).ShouldBe(1UL << 32);
        memory.U64(zero + 0x2D0 + 3 * 20 + 8).ShouldBe(4 * Samples.Mebibyte);
        memory.U32(zero + 0x2D0 + 3 * 20 + 16).ShouldBe(1u);
        // Nothing else of the file gets into the zero page.
        memory.Bytes(zero, 0x70).ShouldAllBe(b => b == 0);
        memory.Bytes(zero + 0x78, 0x1E8 - 0x78).ShouldAllBe(b => b == 0);
        CheckRegions(state, context);
    }

    [Fact]
    public void ARelocatableBzImageMovesToWhereThereIsRoom()
    {
        byte[] kernel = Samples.BzImage(Samples.Code(100), preferred: 0x40000000, initSize: 0x300000);
        (Guest guest, BootContext context) = Samples.Machine(kernel);
        using Guest _ = guest;
        Build(context with { Protocol = BootProtocol.Linux64 }).Entry.ShouldBe(0x200200u, "the lowest multiple of its alignment above 1 MiB");
    }

    [Fact]
    public void TheInitrdStaysBelowTheKernelsOwnLimit()
    {
        byte[] kernel = Samples.BzImage(Samples.Code(100));
        BitConverter.GetBytes(0x7FFFFFu).CopyTo(kernel, 0x22C);
        (Guest guest, BootContext context) = Samples.Machine(kernel);
        using Guest _ = guest;
        BootState state = Build(context with { Protocol = BootProtocol.Linux64, Initrd = BootPayload.FromBytes(new byte[100]) });
        guest.Memory.U32(state.StartInfo + 0x218).ShouldBe(0x7FF000u);
    }

    [Fact]
    public void AnElfKernelWithoutPvhIsEnteredInLongModeAtItsPhysicalEntry()
    {
        (Guest guest, BootContext context) = Samples.Machine(Samples.PlainElf());
        using Guest _ = guest;
        BootState state = Build(context with { CommandLine = "x" });
        state.Protocol.ShouldBe(BootProtocol.Linux64);
        state.Entry.ShouldBe(0x100010u);
        guest.Memory.Bytes(state.StartInfo + 0x202, 4).ShouldBe("HdrS"u8.ToArray());
        guest.Memory.Text(guest.Memory.U32(state.StartInfo + 0x228)).ShouldBe("x");
    }

    [Fact]
    public void AMultibootElfIsLoadedWithItsInformation()
    {
        (Guest guest, BootContext context) = Samples.Machine(Samples.MultibootElf());
        using Guest _ = guest;
        byte[] module = Samples.Code(77);
        BootState state = Build(context with { KernelName = "msr.flat", CommandLine = "a b", Initrd = BootPayload.FromBytes(module) });

        state.Protocol.ShouldBe(BootProtocol.Multiboot);
        state.Entry.ShouldBe(0x1000C0u);
        GuestMemory memory = guest.Memory;
        ulong info = state.StartInfo;
        memory.U32(info).ShouldBe(0x24Du);
        memory.U32(info + 4).ShouldBe(0x9FC00u >> 10);
        memory.U32(info + 8).ShouldBe(15u << 10);
        memory.Text(memory.U32(info + 16)).ShouldBe("msr.flat a b");
        memory.U32(info + 20).ShouldBe(1u);
        ulong modules = memory.U32(info + 24);
        ulong start = memory.U32(modules);
        (start & 4095).ShouldBe(0u);
        memory.Bytes(start, (int)(memory.U32(modules + 4) - start)).ShouldBe(module);
        memory.Text(memory.U32(modules + 8)).ShouldBe("");
        memory.U32(modules + 12).ShouldBe(0u);
        memory.Text(memory.U32(info + 64)).ShouldBe("Hospes");
        ulong map = memory.U32(info + 48), end = map + memory.U32(info + 44);
        int entries = 0;
        for (; map < end; map += memory.U32(map) + 4, entries++)
        {
            memory.U64(map + 4).ShouldBe(context.MemoryMap[entries].Address);
            memory.U64(map + 12).ShouldBe(context.MemoryMap[entries].Size);
            memory.U32(map + 20).ShouldBe((uint)context.MemoryMap[entries].Kind);
        }
        map.ShouldBe(end);
        entries.ShouldBe(3);
        end.ShouldBeLessThan(0x9FC00u);
        CheckRegions(state, context);
    }

    [Fact]
    public void AMultibootKernelWithoutInitrdHasNoModuleAndAlwaysItsName()
    {
        (Guest guest, BootContext context) = Samples.Machine(Samples.MultibootElf(0));
        using Guest _ = guest;
        BootState state = Build(context);
        guest.Memory.U32(state.StartInfo + 20).ShouldBe(0u);
        guest.Memory.Text(guest.Memory.U32(state.StartInfo + 16)).ShouldBe("kernel");
    }

    [Fact]
    public void AFlatMultibootFileGoesWhereItsHeaderSays()
    {
        (Guest guest, BootContext context) = Samples.Machine(Samples.MultibootFlat());
        using Guest _ = guest;
        guest.Memory.TryFill(0x100000, 0x2000, 0xEE);
        BootState state = Build(context);
        state.Entry.ShouldBe(0x100020u);
        byte[] file = Samples.MultibootFlat();
        guest.Memory.Bytes(0x100000, file.Length - 16).ShouldBe(file[16..]);
        guest.Memory.Bytes(0x100000 + (ulong)file.Length - 16, 0x1000 - file.Length + 16).ShouldAllBe(b => b == 0);
        guest.Memory.Bytes(0x101000, 16).ShouldAllBe(b => b == 0xEE);
    }

    [Fact]
    public void ALowKernelAndTheInformationDoNotMeet()
    {
        byte[] kernel = new ElfMaker { Is64 = false, Machine = 3, Entry = 0x8018 }
            .Load(0x8000, [.. Samples.MultibootHeader(0), .. Samples.Code(0x5000)], 0x15000).Make();
        (Guest guest, BootContext context) = Samples.Machine(kernel);
        using Guest _ = guest;
        BootState state = Build(context);
        state.StartInfo.ShouldBe(0x1D000u);
        CheckRegions(state, context);
    }

    [Fact]
    public void AKernelThatCanNotBeUnpackedHereUnpacksItself()
    {
        byte[] kernel = Samples.BzImage([0x89, (byte)'L', (byte)'Z', (byte)'O', 0, 0x0D, 0x0A, 0x1A, 0x0A, .. Samples.Code(100)]);
        (Guest guest, BootContext context) = Samples.Machine(kernel);
        using Guest _ = guest;
        Build(context).Protocol.ShouldBe(BootProtocol.Linux64);
        KernelInspector.Inspect(kernel).Summary.ShouldContain("it unpacks itself, because the kernel is compressed with LZO");
    }

    [Fact]
    public void ProgressGoesThroughTheStagesInOrder()
    {
        (Guest guest, BootContext context) = Samples.Machine(Samples.PvhElf());
        using Guest _ = guest;
        var seen = new List<BuildProgress>();
        DomainBuilder.TryBuild(context with { Initrd = BootPayload.FromBytes(new byte[3 << 20]) }, out BootState? _, out BuildFailure? _, seen.Add).ShouldBeTrue();
        seen.Select(p => p.Stage).Distinct().ShouldBe(Enum.GetValues<BuildStage>());
        seen.ShouldBe(seen.OrderBy(p => p.Stage).ThenBy(p => p.Done));
        seen.Count(p => p.Stage == BuildStage.LoadInitrd).ShouldBe(3);
        seen.ShouldAllBe(p => p.Done <= p.Total);
        seen.Last(p => p.Stage == BuildStage.LoadInitrd).Done.ShouldBe(3 << 20);
    }

    [Fact]
    public void TheInitrdMayComeFromAFile()
    {
        string path = Path.GetTempFileName();
        try
        {
            File.WriteAllBytes(path, Samples.Code(3000));
            BootPayload.TryOpen(path, out BootPayload? payload, out BuildFailure? _).ShouldBeTrue();
            payload!.Length.ShouldBe(3000);
            (Guest guest, BootContext context) = Samples.Machine(Samples.PvhElf());
            using Guest _ = guest;
            BootState state = Build(context with { Initrd = payload });
            guest.Memory.Bytes(state.Regions.Single(r => r.Name == "initrd").Address, 3000).ShouldBe(Samples.Code(3000));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void TwoBuildsOfTheSameGuestGiveTheSameMemory()
    {
        (Guest guest, BootContext context) = Samples.Machine(Samples.PvhElf());
        using Guest _ = guest;
        BootState first = Build(context);
        byte[] memory = guest.Memory.Bytes(0, 2 << 20);
        guest.Memory.TryFill(0x100000, 0x4310, 0xCC);
        BootState second = Build(context);
        second.Regions.ShouldBe(first.Regions);
        guest.Memory.Bytes(0x100000, 0x3000).ShouldBe(memory[0x100000..0x103000]);
    }

    private static BootState Build(BootContext context)
    {
        DomainBuilder.TryBuild(context, out BootState? state, out BuildFailure? failure).ShouldBeTrue(failure?.Message);
        return state!;
    }

    /// <summary>Everything that was placed lies in RAM below 4 GiB and nothing overlaps.</summary>
    private static void CheckRegions(BootState state, BootContext context)
    {
        PlacedRegion[] sorted = [.. state.Regions.OrderBy(r => r.Address)];
        for (int i = 0; i < sorted.Length; i++)
        {
            ulong end = sorted[i].Address + sorted[i].Size;
            context.MemoryMap.ShouldContain(e => e.Kind == MemoryKind.Ram && sorted[i].Address >= e.Address && end <= e.Address + e.Size);
            if (i > 0) sorted[i].Address.ShouldBeGreaterThanOrEqualTo(sorted[i - 1].Address + sorted[i - 1].Size);
            end.ShouldBeLessThanOrEqualTo(1UL << 32);
        }
    }
}
