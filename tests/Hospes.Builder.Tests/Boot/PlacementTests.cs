using Hospes.Builder.Boot;
using Hospes.Builder.Tests.Kit;
using Hospes.Hypervisor;

namespace Hospes.Builder.Tests.Boot;

public sealed class PlacementTests
{
    private const ulong Page = 4096;

    [Fact]
    public void NeighbouringRamIsOneStretch()
    {
        using Guest guest = IdleEngine.Guest((0, 8 * Page), (8 * Page, 8 * Page));
        Create(guest, [new(8 * Page, 8 * Page, MemoryKind.Ram), new(0, 8 * Page, MemoryKind.Ram)], out Placement placement);
        placement.TryClaim("across", 7 * Page, 2 * Page).ShouldBeTrue();
        placement.TryClaim("again", 8 * Page, 1).ShouldBeFalse();
        placement.TryClaim("beside", 9 * Page, 7 * Page).ShouldBeTrue();
        placement.TryClaim("behind the end", 16 * Page, 1).ShouldBeFalse();
        placement.TryClaim("wrapping", Page, ulong.MaxValue).ShouldBeFalse();
        placement.Longest(ulong.MaxValue).ShouldBe(7 * Page);
        placement.Longest(3 * Page).ShouldBe(3 * Page);
    }

    [Fact]
    public void OnlyRamIsGiven()
    {
        using Guest guest = IdleEngine.Guest((0, 16 * Page));
        Create(guest, [new(0, 4 * Page, MemoryKind.Reserved), new(4 * Page, 4 * Page, MemoryKind.Ram), new(8 * Page, 8 * Page, MemoryKind.AcpiReclaimable)], out Placement placement);
        placement.TryLowest("low", Page, Page, 0, ulong.MaxValue, out ulong low).ShouldBeTrue();
        low.ShouldBe(4 * Page);
        placement.TryHighest("high", 100, Page, ulong.MaxValue, out ulong high).ShouldBeTrue();
        high.ShouldBe(7 * Page);
        placement.TryLowest("too large", 3 * Page, Page, 0, ulong.MaxValue, out _).ShouldBeFalse();
        placement.TryHighest("too large", 3 * Page, Page, ulong.MaxValue, out _).ShouldBeFalse();
        placement.TryLowest("bounds", 1, 1, 6 * Page, 6 * Page, out _).ShouldBeFalse();
        placement.TryLowest("far", 1, Page, ulong.MaxValue, ulong.MaxValue, out _).ShouldBeFalse();
    }

    /// <summary>Random requests never overlap, never leave RAM, and keep their bounds and alignment.</summary>
    [Fact]
    public void NothingOverlapsWhateverIsAsked()
    {
        using Guest guest = IdleEngine.Guest((0, 256 * Page));
        for (int seed = 0; seed < 500; seed++)
        {
            var random = new Random(seed);
            MemoryMapEntry[] map = [new(0, (ulong)random.Next(1, 100) * Page, MemoryKind.Ram), new(120 * Page, (ulong)random.Next(1, 130) * Page, MemoryKind.Ram)];
            Create(guest, map, out Placement placement);
            for (int i = 0; i < 30; i++)
            {
                ulong size = (ulong)random.Next(1, 40000), alignment = 1UL << random.Next(0, 16), bound = (ulong)random.Next(1, 300) * Page;
                bool given = random.Next(3) switch
                {
                    0 => placement.TryClaim("fixed", (ulong)random.Next(0, 1 << 20), size),
                    1 => placement.TryLowest("low", size, alignment, Math.Min(bound, Page), bound, out ulong low) && low % alignment == 0 && low + size <= bound,
                    _ => placement.TryHighest("high", size, alignment, bound, out ulong high) && high % alignment == 0 && high + size <= bound,
                };
                if (given) placement.Regions[^1].Size.ShouldBe(size);
            }
            PlacedRegion[] regions = [.. placement.Regions.OrderBy(r => r.Address)];
            for (int i = 0; i < regions.Length; i++)
            {
                map.Any(e => regions[i].Address >= e.Address && regions[i].Address + regions[i].Size <= e.Address + e.Size).ShouldBeTrue($"seed {seed}");
                if (i > 0) (regions[i - 1].Address + regions[i - 1].Size).ShouldBeLessThanOrEqualTo(regions[i].Address, $"seed {seed}");
            }
        }
    }

    private static void Create(Guest guest, MemoryMapEntry[] map, out Placement placement) =>
        Placement.TryCreate(guest.Memory, map, out placement).ShouldBeNull();
}
