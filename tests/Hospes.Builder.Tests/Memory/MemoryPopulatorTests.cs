using FsCheck;
using FsCheck.Fluent;
using Hospes.Builder.Memory;
using Hospes.Builder.Tests.Kit;
using Hospes.Hypervisor;

namespace Hospes.Builder.Tests.Memory;

public sealed class MemoryPopulatorTests
{
    private const ulong Page = 4096, Large = 1 << 21, Giant = 1 << 30;

    [Fact]
    public void WithoutHugePagesAWindowIsOneStretch()
    {
        MemoryPopulator.Plan([new(0, 3 * Giant + Page), new(Giant * 8, 0), new(Giant * 16, Page)], useHugePages: false)
            .ShouldBe([new(0, 3 * Giant + Page, Page), new(Giant * 16, Page, Page)]);
    }

    [Fact]
    public void WithHugePagesTheLargestThatAlignIsTakenForEachPart()
    {
        MemoryPopulator.Plan([new(Large - Page, 3 * Giant)], useHugePages: true).ShouldBe(
        [
            new(Large - Page, Page, Page),
            new(Large, Giant - Large, Large),
            new(Giant, 2 * Giant, Giant),
            new(3 * Giant, Large - Page, Page),
        ], "what is left of 3 GiB behind the last whole GiB is less than 2 MiB");
    }

    /// <summary>A plan covers its window exactly, in order, in pages that align.</summary>
    [Fact]
    public void PlansCoverTheirWindowsExactly()
    {
        Gen<(ulong, ulong)> windows = from address in Gen.Choose(0, 1 << 20)
                                      from size in Gen.Choose(1, 1 << 20)
                                      select ((ulong)address * Page, (ulong)size * Page);
        Prop.ForAll(windows.ToArbitrary(), window =>
        {
            ulong at = window.Item1;
            foreach (PopulatedRange part in MemoryPopulator.Plan([new(window.Item1, window.Item2)], useHugePages: true))
            {
                part.Address.ShouldBe(at);
                part.Size.ShouldBeGreaterThan(0u);
                ((part.Address | part.Size) & (part.PageSize - 1)).ShouldBe(0u);
                if (part.PageSize < Large) part.Size.ShouldBeLessThan(2 * Large);
                if (part.PageSize < Giant) part.Size.ShouldBeLessThan(2 * Giant);
                at += part.Size;
            }
            at.ShouldBe(window.Item1 + window.Item2);
        }).QuickCheckThrowOnFailure();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void WindowsAreMappedAndReadAsZero(bool huge)
    {
        using Guest guest = IdleEngine.Guest();
        MemoryPopulator.TryPopulate(guest.Memory, [new(0, 3 * Large + Page), new(Giant * 4, Large)], out IReadOnlyList<PopulatedRange> populated, out BuildFailure? failure, huge)
            .ShouldBeTrue(failure?.Message);
        guest.Memory.TotalSize.ShouldBe(4 * Large + Page);
        populated.Aggregate(0UL, (sum, part) => sum + part.Size).ShouldBe(4 * Large + Page);
        populated.Select(p => (p.Address, p.Size, p.PageSize)).ShouldBe(guest.Memory.Ranges.Select(r => (r.Address, r.Size, r.PageSize)));
        guest.Memory.Bytes(3 * Large, (int)Page).ShouldAllBe(b => b == 0);
        guest.Memory.U64(Giant * 4).ShouldBe(0u);
    }

    [Fact]
    public void TheHostIsAskedWhatItHas()
    {
        MemoryPopulator.HostMemory.ShouldBeGreaterThan(1UL << 26);
        using Guest guest = IdleEngine.Guest();
        MemoryPopulator.TryPopulate(guest.Memory, [new(0, (MemoryPopulator.HostMemory + Page) & ~(Page - 1))], out _, out BuildFailure? failure).ShouldBeFalse();
        failure!.Error.ShouldBe(BuildError.MemoryBeyondHost);
    }

    /// <summary>Clearing any stretch zeroes it and nothing else.</summary>
    [Fact]
    public void ClearingReachesExactlyWhatWasNamed()
    {
        using Guest guest = IdleEngine.Guest((0, 16 * Page), (16 * Page, 16 * Page));
        var random = new Random(5);
        for (int i = 0; i < 300; i++)
        {
            int start = random.Next(32 * (int)Page), size = random.Next(32 * (int)Page - start + 1);
            guest.Memory.TryFill(0, 32 * Page, 0xEE).ShouldBeTrue();
            MemoryEraser.Clear(guest.Memory, (ulong)start, (ulong)size);
            byte[] memory = guest.Memory.Bytes(0, 32 * (int)Page);
            memory.AsSpan(start, size).IndexOfAnyExcept((byte)0).ShouldBe(-1, $"{start}+{size}");
            memory.AsSpan(0, start).IndexOfAnyExcept((byte)0xEE).ShouldBe(-1, $"{start}+{size}");
            memory.AsSpan(start + size).IndexOfAnyExcept((byte)0xEE).ShouldBe(-1, $"{start}+{size}");
        }
    }
}
