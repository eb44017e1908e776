using FsCheck;
using FsCheck.Fluent;
using Hospes.Hypervisor.Tests.Kit;

namespace Hospes.Hypervisor.Tests;

public sealed class TrapTests
{
    private const ulong Page = 4096, Top = 1UL << 52;

    [Theory]
    [InlineData(TrapKind.Memory, 0ul, 0ul, Status.InvalidArgs)]
    [InlineData(TrapKind.Memory, 1ul, Page, Status.InvalidArgs)]
    [InlineData(TrapKind.Memory, Page, 1ul, Status.InvalidArgs)]
    [InlineData(TrapKind.Memory, 0ul, Page, Status.Ok)]
    [InlineData(TrapKind.Memory, Top - Page, Page, Status.Ok)]
    [InlineData(TrapKind.Memory, 0ul, Top, Status.Ok)]
    [InlineData(TrapKind.Memory, Top, Page, Status.OutOfRange)]
    [InlineData(TrapKind.Memory, Top - Page, 2 * Page, Status.OutOfRange)]
    [InlineData(TrapKind.Memory, 0xFFFFFFFFFFFFF000ul, Page, Status.OutOfRange)]
    [InlineData(TrapKind.Memory, Page, 0xFFFFFFFFFFFFF000ul, Status.OutOfRange)]
    [InlineData(TrapKind.Io, 0ul, 0ul, Status.InvalidArgs)]
    [InlineData(TrapKind.Io, 0ul, 1ul, Status.Ok)]
    [InlineData(TrapKind.Io, 0xFFFFul, 1ul, Status.Ok)]
    [InlineData(TrapKind.Io, 0ul, 0x10000ul, Status.Ok)]
    [InlineData(TrapKind.Io, 0xFFFFul, 2ul, Status.OutOfRange)]
    [InlineData(TrapKind.Io, 0x10000ul, 1ul, Status.OutOfRange)]
    [InlineData(TrapKind.Io, 1ul, ulong.MaxValue, Status.OutOfRange)]
    public void PlacesAndSizesAreChecked(TrapKind kind, ulong address, ulong size, Status expected)
    {
        using Guest guest = FakeEngine.Create(out FakeGuest engine);
        guest.SetTrap(kind, address, size, null, 7).ShouldBe(expected);
        engine.Added.Count.ShouldBe(expected == Status.Ok ? 1 : 0);
        if (expected != Status.Ok) return;
        Trap trap = engine.Added[0];
        (trap.Kind, trap.Address, trap.Size, trap.End, trap.Key, trap.Port).ShouldBe((kind, address, size, address + size, 7ul, null));
    }

    [Fact]
    public void OnlyABellHasAPortAndItMustHaveOne()
    {
        using Guest guest = FakeEngine.Create(out _);
        using var port = new Port();
        guest.SetTrap(TrapKind.Bell, 0, Page, null, 0).ShouldBe(Status.InvalidArgs);
        guest.SetTrap(TrapKind.Memory, 0, Page, port, 0).ShouldBe(Status.InvalidArgs);
        guest.SetTrap(TrapKind.Io, 0, 1, port, 0).ShouldBe(Status.InvalidArgs);
        port.Duplicate(Rights.Read, out Port? reader).ShouldBe(Status.Ok);
        guest.SetTrap(TrapKind.Bell, 0, Page, reader, 0).ShouldBe(Status.AccessDenied);
        reader!.Dispose();
        guest.SetTrap(TrapKind.Bell, 0, Page, reader, 0).ShouldBe(Status.BadState);
        guest.SetTrap(TrapKind.Bell, 0, Page, port, 0).ShouldBe(Status.Ok);
    }

    [Theory]
    [InlineData(4, 4, 2, 2, true)]
    [InlineData(4, 4, 2, 3, false)]
    [InlineData(4, 4, 7, 9, false)]
    [InlineData(4, 4, 8, 1, true)]
    [InlineData(4, 4, 5, 1, false)]
    [InlineData(4, 4, 4, 4, false)]
    [InlineData(4, 4, 1, 20, false)]
    public void OverlapsAreRefusedAndNeighboursAreNot(int address, int size, int otherAddress, int otherSize, bool fits)
    {
        Status expected = fits ? Status.Ok : Status.AlreadyExists;
        using Guest guest = FakeEngine.Create(out FakeGuest engine);
        using var port = new Port();
        guest.SetTrap(TrapKind.Memory, (ulong)address * Page, (ulong)size * Page, null, 1).ShouldBe(Status.Ok);
        // Bells and memory traps share a tree, I/O ports have their own.
        guest.SetTrap(TrapKind.Bell, (ulong)otherAddress * Page, (ulong)otherSize * Page, port, 2).ShouldBe(expected);
        guest.SetTrap(TrapKind.Io, (ulong)address, (ulong)size, null, 3).ShouldBe(Status.Ok);
        guest.SetTrap(TrapKind.Io, (ulong)otherAddress, (ulong)otherSize, null, 4).ShouldBe(expected);
        engine.Added.Count.ShouldBe(fits ? 4 : 2);
    }

    /// <summary>The table against the plainest model: a list of ranges.</summary>
    [Fact]
    public void LookUpsFindWhatAListWouldFind()
    {
        Gen<(int, int)[]> ranges = (from address in Gen.Choose(0, 200) from size in Gen.Choose(1, 12) select (address, size)).ArrayOf();
        Prop.ForAll(ranges.ToArbitrary(), wanted =>
        {
            using Guest guest = FakeEngine.Create(out FakeGuest engine);
            var model = new List<(int Address, int End)>();
            foreach ((int address, int size) in wanted)
            {
                bool fits = model.All(m => address + size <= m.Address || address >= m.End);
                Status expected = fits ? Status.Ok : Status.AlreadyExists;
                guest.SetTrap(TrapKind.Io, (ulong)address, (ulong)size, null, (ulong)address).ShouldBe(expected);
                guest.SetTrap(TrapKind.Memory, (ulong)address * Page, (ulong)size * Page, null, (ulong)address).ShouldBe(expected);
                if (fits) model.Add((address, address + size));
            }
            for (int at = 0; at < 220; at++)
            {
                int found = model.FindIndex(m => at >= m.Address && at < m.End);
                ulong? key = found < 0 ? null : (ulong)model[found].Address;
                (engine.Traps.FindPort((ushort)at)?.Key).ShouldBe(key);
                (engine.Traps.FindMemory((ulong)at * Page)?.Key).ShouldBe(key);
                (engine.Traps.FindMemory((ulong)at * Page + 4095)?.Key).ShouldBe(key);
                engine.Traps.AnyMemory((ulong)at * Page, 3 * Page).ShouldBe(model.Any(m => m.Address < at + 3 && at < m.End));
            }
            engine.Traps.Memory.Length.ShouldBe(model.Count);
            engine.Traps.FindMemory(ulong.MaxValue).ShouldBeNull();
        }).QuickCheckThrowOnFailure();
    }

    [Fact]
    public void LookUpsRunBesideAdditions()
    {
        using Guest guest = FakeEngine.Create(out FakeGuest engine);
        guest.SetTrap(TrapKind.Io, 0x8000, 1, null, 42).ShouldBe(Status.Ok);
        bool missed = false;
        var stop = new ManualResetEventSlim();
        var reader = new Thread(() =>
        {
            while (!stop.IsSet) missed |= engine.Traps.FindPort(0x8000) is not { Key: 42 };
        });
        reader.Start();
        for (ulong i = 0; i < 1000; i++) guest.SetTrap(TrapKind.Io, i * 13 % 0x7FFF, 1, null, i);
        stop.Set();
        reader.Join();
        missed.ShouldBeFalse();
    }
}
