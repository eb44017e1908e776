using Hospes.Hypervisor.Tests.Kit;

namespace Hospes.Hypervisor.Tests.Memory;

public sealed class DirtyLogTests
{
    private const ulong Page = 4096;

    [Fact]
    public void NothingIsCollectedWhileLoggingIsOff()
    {
        using Guest guest = Create(out _, out MemoryRange range, 1);
        guest.CollectDirtyPages(range, new ulong[1]).ShouldBe(Status.BadState);
        guest.SetDirtyLogging(true).ShouldBe(Status.Ok);
        guest.CollectDirtyPages(range, []).ShouldBe(Status.InvalidArgs);
        guest.CollectDirtyPages(range, new ulong[1]).ShouldBe(Status.Ok);
        guest.SetDirtyLogging(false).ShouldBe(Status.Ok);
        guest.CollectDirtyPages(range, new ulong[1]).ShouldBe(Status.BadState);
    }

    [Fact]
    public void HostAndGuestWritesAreLoggedOnce()
    {
        using Guest guest = Create(out FakeGuest engine, out MemoryRange range, 200);
        guest.Memory.TryWrite(0, 1UL);
        guest.SetDirtyLogging(true).ShouldBe(Status.Ok);
        engine.Logging.ShouldBeTrue();
        Collect(guest, range).ShouldBeEmpty("what was written before");
        guest.Memory.TryWrite(Base + 5 * Page - 1, (ushort)1);
        guest.Memory.TryFill(Base + 70 * Page + 100, 2 * Page, 1);
        guest.Memory.Discard(Base + 199 * Page, Page);
        engine.Unsynchronized.Add(Base + 64 * Page);
        Collect(guest, range).ShouldBe([4, 5, 64, 70, 71, 72, 199]);
        Collect(guest, range).ShouldBeEmpty("it was cleared");
        guest.Memory.TryRead(Base, out ulong _);
        Collect(guest, range).ShouldBeEmpty("reads");
        guest.SetDirtyLogging(false).ShouldBe(Status.Ok);
        engine.Logging.ShouldBeFalse();
        guest.Memory.TryWrite(Base, 1UL);
        guest.SetDirtyLogging(true).ShouldBe(Status.Ok);
        Collect(guest, range).ShouldBeEmpty("a start clears");
    }

    [Fact]
    public void MarksFromSeveralThreadsAreAllKept()
    {
        using Guest guest = Create(out _, out MemoryRange range, 64);
        guest.SetDirtyLogging(true).ShouldBe(Status.Ok);
        Parallel.For(0, 64, page => range.MarkDirty((ulong)page * Page + 17));
        Collect(guest, range).ShouldBe(Enumerable.Range(0, 64));
        range.DirtyWords.ShouldBe(1);
    }

    private const ulong Base = 0x40000000;

    private static Guest Create(out FakeGuest engine, out MemoryRange range, int pages)
    {
        Guest guest = FakeEngine.Create(out engine);
        guest.Memory.Map(Base, (ulong)pages * Page, out MemoryRange? mapped).ShouldBe(Status.Ok);
        range = mapped!;
        return guest;
    }

    private static int[] Collect(Guest guest, MemoryRange range)
    {
        ulong[] bitmap = new ulong[range.DirtyWords];
        guest.CollectDirtyPages(range, bitmap).ShouldBe(Status.Ok);
        return [.. Enumerable.Range(0, bitmap.Length * 64).Where(page => (bitmap[page / 64] >> (page % 64) & 1) != 0)];
    }
}
