using Hospes.Hypervisor.Tests.Kit;

namespace Hospes.Hypervisor.Tests.Memory;

public sealed class GuestMemoryTests
{
    private const ulong Page = 4096, Top = 1UL << 52;

    [Theory]
    [InlineData(0ul, 0ul, Status.InvalidArgs)]
    [InlineData(1ul, Page, Status.InvalidArgs)]
    [InlineData(0ul, 100ul, Status.InvalidArgs)]
    [InlineData(0ul, Page, Status.Ok)]
    [InlineData(Top - Page, Page, Status.Ok)]
    [InlineData(Top, Page, Status.OutOfRange)]
    [InlineData(Page, Top, Status.OutOfRange)]
    [InlineData(0xFFFFFFFFFFFFF000ul, Page, Status.OutOfRange)]
    [InlineData(0ul, Top, Status.NoMemory)]
    public void PlacesAndSizesAreChecked(ulong address, ulong size, Status expected)
    {
        using Guest guest = FakeEngine.Create(out _);
        guest.Memory.Map(address, size, out MemoryRange? range).ShouldBe(expected);
        (range is not null).ShouldBe(expected == Status.Ok);
        guest.Memory.TotalSize.ShouldBe(range?.Size ?? 0);
    }

    [Theory]
    [InlineData(0, 4, true)]
    [InlineData(0, 5, false)]
    [InlineData(4, 4, false)]
    [InlineData(5, 1, false)]
    [InlineData(7, 4, false)]
    [InlineData(8, 4, true)]
    [InlineData(0, 20, false)]
    public void OverlapsAreRefusedAndNeighboursAreNot(int address, int size, bool fits)
    {
        using Guest guest = FakeEngine.Create(out _);
        guest.Memory.Map(4 * Page, 4 * Page, out _).ShouldBe(Status.Ok);
        guest.Memory.Map((ulong)address * Page, (ulong)size * Page, out _).ShouldBe(fits ? Status.Ok : Status.AlreadyExists);
        guest.Memory.Ranges.Select(r => r.Address).ShouldBe(guest.Memory.Ranges.Select(r => r.Address).Order());
    }

    [Fact]
    public void RangesAreFoundByEveryAddressInThem()
    {
        using Guest guest = FakeEngine.Create(out _);
        guest.Memory.Map(8 * Page, Page, out MemoryRange? high).ShouldBe(Status.Ok);
        guest.Memory.Map(Page, 2 * Page, out MemoryRange? low).ShouldBe(Status.Ok);
        guest.Memory.Ranges.ShouldBe([low!, high!]);
        (low!.Address, low.Size, low.End, low.PageSize).ShouldBe((Page, 2 * Page, 3 * Page, Page));
        foreach (ulong address in new[] { 0ul, Page - 1, 3 * Page, 8 * Page - 1, 9 * Page, ulong.MaxValue }) guest.Memory.Find(address).ShouldBeNull();
        foreach (ulong address in new[] { Page, 3 * Page - 1 }) guest.Memory.Find(address).ShouldBeSameAs(low);
        foreach (ulong address in new[] { 8 * Page, 9 * Page - 1 }) guest.Memory.Find(address).ShouldBeSameAs(high);
    }

    /// <summary>Random reads, writes, fills and discards against a plain array with a hole in it.</summary>
    [Fact]
    public void CopiesAgreeWithAModelAcrossRangesAndHoles()
    {
        using Guest guest = FakeEngine.Create(out _);
        guest.Memory.Map(0, 2 * Page, out _).ShouldBe(Status.Ok);
        guest.Memory.Map(2 * Page, Page, out _).ShouldBe(Status.Ok);
        guest.Memory.Map(4 * Page, Page, out _).ShouldBe(Status.Ok);
        byte[] model = new byte[6 * Page];
        bool Ram(int at, int size) => size == 0 || (at + size <= 3 * (int)Page) || (at >= 4 * (int)Page && at + size <= 5 * (int)Page);
        var random = new Random(17);
        for (int i = 0; i < 20_000; i++)
        {
            int at = random.Next(model.Length), size = Math.Min(random.Next(3) == 0 ? random.Next(9) : random.Next(3 * (int)Page), model.Length - at);
            bool ram = Ram(at, size);
            byte[] bytes = new byte[size];
            switch (random.Next(4))
            {
                case 0:
                    guest.Memory.TryRead((ulong)at, bytes).ShouldBe(ram, $"step {i}");
                    if (ram) bytes.AsSpan().SequenceEqual(model.AsSpan(at, size)).ShouldBeTrue($"step {i}");
                    break;
                case 1 when ram:
                    random.NextBytes(bytes);
                    guest.Memory.TryWrite((ulong)at, bytes).ShouldBeTrue($"step {i}");
                    bytes.CopyTo(model, at);
                    break;
                case 2 when ram:
                    guest.Memory.TryFill((ulong)at, (ulong)size, (byte)i).ShouldBeTrue($"step {i}");
                    model.AsSpan(at, size).Fill((byte)i);
                    break;
                case 3 when random.Next(10) == 0:
                    ulong page = (ulong)at & ~(Page - 1);
                    bool inside = page != 3 * Page && page != 5 * Page;
                    guest.Memory.Discard(page, Page).ShouldBe(inside ? Status.Ok : Status.NotFound, $"step {i}");
                    model.AsSpan((int)page, (int)Page).Clear();
                    break;
            }
        }
    }

    [Fact]
    public void AccessesOutsideRamFail()
    {
        using Guest guest = FakeEngine.Create(out _);
        guest.Memory.Map(Page, Page, out _).ShouldBe(Status.Ok);
        guest.Memory.TryRead(0, new byte[1]).ShouldBeFalse();
        guest.Memory.TryRead(2 * Page - 1, new byte[2]).ShouldBeFalse();
        guest.Memory.TryWrite(2 * Page - 1, new byte[2]).ShouldBeFalse();
        guest.Memory.TryFill(2 * Page - 1, 2, 0).ShouldBeFalse();
        guest.Memory.TryFill(0, ulong.MaxValue, 0).ShouldBeFalse();
        guest.Memory.TryRead(ulong.MaxValue, new byte[2]).ShouldBeFalse();
        guest.Memory.TryRead(2 * Page - 4, out ulong _).ShouldBeFalse();
        guest.Memory.TryWrite(2 * Page - 4, 1UL).ShouldBeFalse();
        guest.Memory.TryRead(ulong.MaxValue - 3, out ulong _).ShouldBeFalse();
        guest.Memory.TryRead(0, []).ShouldBeTrue();
    }

    [Fact]
    public void NumbersAreLittleEndianAndMayCrossRanges()
    {
        using Guest guest = FakeEngine.Create(out _);
        guest.Memory.Map(0, Page, out _).ShouldBe(Status.Ok);
        guest.Memory.Map(Page, Page, out _).ShouldBe(Status.Ok);
        guest.Memory.TryWrite(Page - 3, 0x0123456789ABCDEFUL).ShouldBeTrue();
        guest.Memory.TryRead(Page - 3, out ulong value).ShouldBeTrue();
        value.ShouldBe(0x0123456789ABCDEFUL);
        guest.Memory.TryRead(Page - 3, out byte low).ShouldBeTrue();
        low.ShouldBe((byte)0xEF);
        guest.Memory.TryWrite(8, (ushort)0x1234).ShouldBeTrue();
        guest.Memory.TryRead(8, out uint wider).ShouldBeTrue();
        wider.ShouldBe(0x1234u);
    }

    [Theory]
    [InlineData(0ul, 0ul, Status.InvalidArgs)]
    [InlineData(1ul, Page, Status.InvalidArgs)]
    [InlineData(0ul, 5ul, Status.InvalidArgs)]
    [InlineData(Page, Page, Status.NotFound)]
    [InlineData(0ul, 2 * Page, Status.NotFound)]
    [InlineData(0ul, Page, Status.Ok)]
    public void DiscardChecksItsStretch(ulong address, ulong size, Status expected)
    {
        using Guest guest = FakeEngine.Create(out _);
        guest.Memory.Map(0, Page, out _).ShouldBe(Status.Ok);
        guest.Memory.TryFill(0, Page, 0xAA).ShouldBeTrue();
        guest.Memory.Discard(address, size).ShouldBe(expected);
        guest.Memory.TryRead(0, out ulong value).ShouldBeTrue();
        value.ShouldBe(expected == Status.Ok ? 0 : 0xAAAAAAAAAAAAAAAA);
    }

    [Fact]
    public void TheObserverHearsOfEveryHostWriteAndRange()
    {
        using Guest guest = FakeEngine.Create(out _);
        var ear = new Ear();
        guest.Memory.Observe(ear);
        guest.Memory.Map(0, Page, out MemoryRange? first).ShouldBe(Status.Ok);
        guest.Memory.Map(Page, Page, out MemoryRange? second).ShouldBe(Status.Ok);
        guest.Memory.TryWrite(5, new byte[3]);
        guest.Memory.TryWrite(Page - 1, (ushort)7);
        guest.Memory.TryFill(100, 50, 1);
        guest.Memory.Discard(0, Page);
        guest.Memory.TryRead(0, out ulong _);
        guest.Memory.TryWrite(4 * Page, 1);
        ear.Ranges.ShouldBe([first!, second!]);
        ear.Writes.ShouldBe([(5ul, 3ul), (Page - 1, 1ul), (Page, 1ul), (100ul, 50ul), (0ul, Page)]);
    }

    [Fact]
    public void MemoryIsSharedThroughItsFile()
    {
        using Guest guest = FakeEngine.Create(out _);
        guest.Memory.Map(0x100000, 4 * Page, out MemoryRange? range, isShared: true).ShouldBe(Status.Ok);
        guest.Memory.TryWrite(0x100000 + Page, "shared"u8).ShouldBeTrue();
        using var file = new FileStream(new Microsoft.Win32.SafeHandles.SafeFileHandle(range!.File, ownsHandle: false), FileAccess.Read);
        file.Length.ShouldBe(4 * (long)Page);
        file.Position = (long)Page;
        byte[] bytes = new byte[6];
        file.ReadExactly(bytes);
        bytes.ShouldBe("shared"u8.ToArray());
    }

    [Fact]
    public void ALargeRangeCostsNothingUntilItIsTouched()
    {
        using Guest guest = FakeEngine.Create(out _);
        guest.Memory.Map(0, 64UL << 30, out MemoryRange? range).ShouldBe(Status.Ok);
        guest.Memory.TryWrite((64UL << 30) - 8, 5UL).ShouldBeTrue();
        range!.Dispose();
        range.Dispose();
        guest.Memory.TryRead(0, out ulong _).ShouldBeFalse("nothing is mapped behind it any more");
    }

    internal sealed class Ear : IMemoryObserver
    {
        public List<(ulong, ulong)> Writes { get; } = [];

        public List<MemoryRange> Ranges { get; } = [];

        public void HostWrote(ulong address, ulong size) => Writes.Add((address, size));

        public List<(ulong, ulong, bool)> Blocks { get; } = [];

        public void RangeMapped(MemoryRange range) => Ranges.Add(range);

        public void BlocksChanged(MemoryRange range, ulong address, ulong size, bool areThere) => Blocks.Add((address, size, areThere));
    }
}
