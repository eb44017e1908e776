using Hospes.Hypervisor.Tests.Kit;

namespace Hospes.Hypervisor.Tests.Memory;

/// <summary>Memory that comes and goes in blocks.</summary>
public sealed class MemoryBlocksTests : IDisposable
{
    private const ulong Page = 4096, Block = 4 * Page, Start = 64 * Block, Blocks = 200;

    private readonly Guest _guest = FakeEngine.Create(out _);

    public void Dispose() => _guest.Dispose();

    private GuestMemory Memory => _guest.Memory;

    [Theory]
    [InlineData(Start, 0ul, Block, Status.InvalidArgs)]
    [InlineData(Start, Block, 0ul, Status.InvalidArgs)]
    [InlineData(Start, Block, 2048ul, Status.InvalidArgs)]
    [InlineData(Start, 3 * Block, 3 * Page, Status.InvalidArgs)]
    [InlineData(Start + Page, Block, Block, Status.InvalidArgs)]
    [InlineData(Start, Block + Page, Block, Status.InvalidArgs)]
    [InlineData(1UL << 52, Block, Block, Status.OutOfRange)]
    [InlineData(Start, Block, Block, Status.Ok)]
    public void PlacesAreWholeBlocks(ulong address, ulong size, ulong block, Status expected)
    {
        Memory.MapBlocks(address, size, block, out MemoryRange? range).ShouldBe(expected);
        (range?.BlockSize).ShouldBe(expected == Status.Ok ? block : null);
        Memory.TotalSize.ShouldBe(0u);
    }

    [Fact]
    public void WhereNoBlockIsThereIsNoMemory()
    {
        MemoryRange range = Map();
        Memory.TryRead(Start, out byte _).ShouldBeFalse();
        Memory.TryWrite(Start, 1UL).ShouldBeFalse();
        Memory.TryFill(Start, Block, 1).ShouldBeFalse();
        Memory.Discard(Start, Block).ShouldBe(Status.NotFound);
        Memory.Plug(Start + Block, 2 * Block).ShouldBe(Status.Ok);
        Memory.TotalSize.ShouldBe(2 * Block);
        (range.IsThere(0), range.IsThere(Block), range.IsThere(3 * Block - 1), range.IsThere(3 * Block)).ShouldBe((false, true, true, false));

        // Up to the edges and not over them, on both sides.
        Memory.TryWrite(Start + Block, new byte[2 * Block]).ShouldBeTrue();
        Memory.TryWrite(Start + 3 * Block - 8, 7UL).ShouldBeTrue();
        Memory.TryWrite(Start + 3 * Block - 4, 7UL).ShouldBeFalse();
        Memory.TryRead(Start + Block - 1, out ushort _).ShouldBeFalse();
        Memory.TryRead(Start + Block, new byte[2 * Block + 1]).ShouldBeFalse();
        Memory.Discard(Start + Block, 2 * Block).ShouldBe(Status.Ok);
        Memory.Discard(Start + Block, 3 * Block).ShouldBe(Status.NotFound);
        int zero = File.OpenHandle("/dev/zero").DangerousGetHandle().ToInt32();
        Memory.ReadFile(zero, 0, [new MemoryPart(Start + 2 * Block, (uint)(2 * Block))]).ShouldBe((long)Block);
        Memory.ReadFile(zero, 0, [new MemoryPart(Start, 8)]).ShouldBe(-14);
    }

    [Fact]
    public void ABlockThatComesAgainIsEmpty()
    {
        Map();
        Memory.Plug(Start, 3 * Block).ShouldBe(Status.Ok);
        Memory.TryFill(Start, 3 * Block, 0xAA).ShouldBeTrue();
        Memory.Unplug(Start + Block, Block).ShouldBe(Status.Ok);
        Memory.TryRead(Start + Block, out byte _).ShouldBeFalse();
        Memory.Plug(Start + Block, Block).ShouldBe(Status.Ok);
        byte[] content = new byte[3 * Block];
        Memory.TryRead(Start, content).ShouldBeTrue();
        content.ShouldBe([.. Enumerable.Repeat((byte)0xAA, (int)Block), .. new byte[Block], .. Enumerable.Repeat((byte)0xAA, (int)Block)]);
    }

    [Theory]
    [InlineData(Start, 0ul, Status.InvalidArgs)]
    [InlineData(Start + Page, Block, Status.InvalidArgs)]
    [InlineData(Start, Block + Page, Status.InvalidArgs)]
    [InlineData(Start - Block, Block, Status.NotFound)]
    [InlineData(Start + (Blocks - 1) * Block, 2 * Block, Status.NotFound)]
    [InlineData(Start, ulong.MaxValue - Block + 1, Status.NotFound)]
    [InlineData(0ul, Block, Status.NotFound)]
    [InlineData(Start, Block, Status.Ok)]
    [InlineData(Start + (Blocks - 1) * Block, Block, Status.Ok)]
    public void OnlyWholeBlocksOfTheRangeComeAndGo(ulong address, ulong size, Status expected)
    {
        Memory.Map(0, Block, out _).ShouldBe(Status.Ok);
        MemoryRange range = Map();
        Memory.Unplug(address, size).ShouldBe(expected == Status.Ok ? Status.BadState : expected);
        Memory.Plug(address, size).ShouldBe(expected);
        Memory.Plug(address, size).ShouldBe(expected == Status.Ok ? Status.BadState : expected);
        range.CountThere(0, range.Size).ShouldBe(expected == Status.Ok ? size : 0);
        Memory.Unplug(address, size).ShouldBe(expected);
        range.CountThere(0, range.Size).ShouldBe(0u);
    }

    [Fact]
    public void AnEngineHearsOfBlocksBeforeTheyAreLostAndAfterTheyCame()
    {
        var ear = new GuestMemoryTests.Ear();
        Map();
        Memory.Observe(ear);
        Memory.Plug(Start, 2 * Block);
        Memory.Plug(Start + Block, 2 * Block).ShouldBe(Status.BadState, "one of them is there");
        Memory.Unplug(Start + Block, Block);
        Memory.Unplug(Start, 2 * Block).ShouldBe(Status.BadState, "one of them is not there");
        ear.Blocks.ShouldBe([(Start, 2 * Block, true), (Start + Block, Block, false)]);
        // To whoever looks at written pages, a block that came is one.
        ear.Writes.ShouldBe([(Start, 2 * Block)]);
    }

    [Fact]
    public void BlocksThatCameAreInTheLogOfWrittenPages()
    {
        MemoryRange range = Map();
        _guest.SetDirtyLogging(true).ShouldBe(Status.Ok);
        Memory.Plug(Start + Block, Block).ShouldBe(Status.Ok);
        var words = new ulong[range.DirtyWords];
        _guest.CollectDirtyPages(range, words).ShouldBe(Status.Ok);
        words[0].ShouldBe(0b1111_0000u);
    }

    /// <summary>Random blocks that come and go, against a plain set.</summary>
    [Fact]
    public void WhatIsThereAgreesWithAModel()
    {
        MemoryRange range = Map();
        var random = new Random(1);
        var model = new bool[Blocks];
        for (int step = 0; step < 5000; step++)
        {
            int first = random.Next((int)Blocks), count = random.Next(1, Math.Min(9, (int)Blocks - first + 1));
            ulong address = Start + (ulong)first * Block, size = (ulong)count * Block;
            bool plugs = random.Next(2) == 0, fits = model.Skip(first).Take(count).All(there => there != plugs);
            (plugs ? Memory.Plug(address, size) : Memory.Unplug(address, size)).ShouldBe(fits ? Status.Ok : Status.BadState);
            if (fits) Array.Fill(model, plugs, first, count);
            int at = random.Next((int)Blocks);
            range.IsThere((ulong)at * Block).ShouldBe(model[at]);
            Memory.TryWrite(Start + (ulong)at * Block + (ulong)random.Next((int)Block), (byte)step).ShouldBe(model[at]);
        }
        range.CountThere(0, range.Size).ShouldBe((ulong)model.Count(static there => there) * Block);
        Memory.TotalSize.ShouldBe(range.CountThere(0, range.Size));
    }

    private MemoryRange Map()
    {
        Memory.MapBlocks(Start, Blocks * Block, Block, out MemoryRange? range).ShouldBe(Status.Ok);
        return range!;
    }
}
