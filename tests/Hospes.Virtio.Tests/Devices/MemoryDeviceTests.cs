using System.Buffers.Binary;
using Hospes.Hypervisor;
using Hospes.Virtio.Testing;

namespace Hospes.Virtio.Tests.Devices;

using static MemoryLayout;

/// <summary>Memory that comes and goes in blocks (virtio 1.2, 5.15) behind a driver.</summary>
public sealed class MemoryDeviceTests : IDisposable
{
    private const ulong Common = VirtioFeatures.Version1 | UnpluggedInaccessible, Block = 2 << 20, Count = 64, Region = Count * Block, Start = 4UL << 30;

    private readonly MemoryDevice _device = new(Region, Block);
    private readonly DeviceBench _bench;
    private readonly List<ulong> _told = [];

    public MemoryDeviceTests()
    {
        _bench = new DeviceBench(_device);
        _bench.Memory.MapBlocks(Start, Region, Block, out _).ShouldBe(Status.Ok);
        _device.Place(Start);
        _device.PluggedChanged = _told.Add;
    }

    private VirtioDriver Driver => _bench.Driver;

    [Theory]
    [InlineData(VirtioFeatures.Version1)]
    [InlineData(Common | VirtioFeatures.PackedRing)]
    public void ADriverPlugsInWhatIsRequestedAndTakesItOut(ulong features)
    {
        Driver.Bring(features);
        _device.SetRequested(8 * Block);
        Config(RequestedSize).ShouldBe(8 * Block);
        Ask(MemoryRequest.Plug, 0, 4).ShouldBe(MemoryAnswer.Ack);
        Ask(MemoryRequest.Plug, 10, 4).ShouldBe(MemoryAnswer.Ack);
        Config(PluggedSize).ShouldBe(8 * Block);
        _device.Plugged.ShouldBe(8 * Block);
        _bench.Memory.TryFill(Start, 4 * Block, 0xAA).ShouldBeTrue();
        _device.SetRequested(2 * Block);
        Ask(MemoryRequest.Unplug, 2, 2).ShouldBe(MemoryAnswer.Ack);
        Ask(MemoryRequest.Unplug, 10, 4).ShouldBe(MemoryAnswer.Ack);
        _bench.Memory.TryRead(Start + 2 * Block, out byte _).ShouldBeFalse("what was taken out is no memory");
        _told.ShouldBe([4 * Block, 8 * Block, 6 * Block, 2 * Block]);

        _device.SetRequested(4 * Block);
        Ask(MemoryRequest.Plug, 2, 2).ShouldBe(MemoryAnswer.Ack);
        _bench.Memory.TryRead(Start + 2 * Block, out byte again).ShouldBeTrue();
        again.ShouldBe((byte)0);
    }

    [Fact]
    public void TheConfigurationDescribesTheRegion()
    {
        Driver.Bring(Common);
        Driver.Features.ShouldBe(Common);
        (Config(MemoryLayout.BlockSize), Config(MemoryLayout.Address), Config(MemoryLayout.RegionSize), Config(UsableSize)).ShouldBe((Block, Start, Region, Region));
        (Config(PluggedSize), Config(RequestedSize)).ShouldBe((0ul, 0ul));
        // A driver has nothing to write there.
        _bench.Transport.Write(VirtioPciLayout.DeviceConfig + RequestedSize, 8, Region);
        Ask(MemoryRequest.Plug, 0, 1).ShouldBe(MemoryAnswer.Nack);
        int before = _bench.Host.Messages.Count;
        _device.SetRequested(Block);
        Ask(MemoryRequest.Plug, 0, 1).ShouldBe(MemoryAnswer.Ack);
    }

    [Theory]
    [InlineData(0, 5, MemoryAnswer.Nack)]
    [InlineData(0, 4, MemoryAnswer.Ack)]
    [InlineData(60, 4, MemoryAnswer.Ack)]
    [InlineData(61, 4, MemoryAnswer.Error)]
    [InlineData(64, 1, MemoryAnswer.Error)]
    [InlineData(-1, 1, MemoryAnswer.Error)]
    [InlineData(0, 0, MemoryAnswer.Error)]
    [InlineData(0, ushort.MaxValue, MemoryAnswer.Error)]
    [InlineData(30, 1, MemoryAnswer.Error)]
    [InlineData(28, 4, MemoryAnswer.Error)]
    public void NoMoreIsPluggedInThanIsRequestedAndNothingTwice(int block, int blocks, MemoryAnswer expected)
    {
        Driver.Bring(Common);
        _device.SetRequested(6 * Block);
        Ask(MemoryRequest.Plug, 30, 2).ShouldBe(MemoryAnswer.Ack);
        Ask(MemoryRequest.Plug, block, (ushort)blocks).ShouldBe(expected);
        _device.Plugged.ShouldBe((expected == MemoryAnswer.Ack ? 2 + (ulong)blocks : 2) * Block);
    }

    [Theory]
    [InlineData(30, 4, MemoryAnswer.Ack)]
    [InlineData(31, 2, MemoryAnswer.Ack)]
    [InlineData(30, 5, MemoryAnswer.Error)]
    [InlineData(29, 2, MemoryAnswer.Error)]
    [InlineData(0, 1, MemoryAnswer.Error)]
    [InlineData(64, 1, MemoryAnswer.Error)]
    [InlineData(30, 0, MemoryAnswer.Error)]
    public void OnlyWhatIsPluggedInIsTakenOut(int block, int blocks, MemoryAnswer expected)
    {
        Driver.Bring(Common);
        _device.SetRequested(4 * Block);
        Ask(MemoryRequest.Plug, 30, 4).ShouldBe(MemoryAnswer.Ack);
        Ask(MemoryRequest.Unplug, block, (ushort)blocks).ShouldBe(expected);
        _device.Plugged.ShouldBe((expected == MemoryAnswer.Ack ? 4 - (ulong)blocks : 4) * Block);
    }

    [Theory]
    [InlineData(10, 2, MemoryAnswer.Ack, MemoryState.Plugged)]
    [InlineData(9, 2, MemoryAnswer.Ack, MemoryState.Mixed)]
    [InlineData(12, 52, MemoryAnswer.Ack, MemoryState.Unplugged)]
    [InlineData(0, 64, MemoryAnswer.Ack, MemoryState.Mixed)]
    [InlineData(0, 65, MemoryAnswer.Error, MemoryState.Plugged)]
    [InlineData(3, 0, MemoryAnswer.Error, MemoryState.Plugged)]
    public void StatesAreTold(int block, int blocks, MemoryAnswer expected, MemoryState state)
    {
        Driver.Bring(Common);
        _device.SetRequested(Region);
        Ask(MemoryRequest.Plug, 10, 2).ShouldBe(MemoryAnswer.Ack);
        Ask(MemoryRequest.State, block, (ushort)blocks, out MemoryState told).ShouldBe(expected);
        told.ShouldBe(state);
    }

    [Theory]
    [InlineData(Start + 1, 1)]
    [InlineData(Start + Block - 4096, 1)]
    [InlineData(0UL, 1)]
    [InlineData(ulong.MaxValue, 1)]
    [InlineData(ulong.MaxValue - Block + 1, ushort.MaxValue)]
    [InlineData(Start - Block, 2)]
    [InlineData(1UL << 63, ushort.MaxValue)]
    public void PlacesThatAreNoBlocksAreErrors(ulong address, int blocks)
    {
        Driver.Bring(Common);
        _device.SetRequested(Region);
        Ask(MemoryRequest.Plug, 0, (ushort)Count).ShouldBe(MemoryAnswer.Ack);
        foreach (MemoryRequest request in (MemoryRequest[])[MemoryRequest.Plug, MemoryRequest.Unplug, MemoryRequest.State]) AskAt(request, address, (ushort)blocks, out _).ShouldBe(MemoryAnswer.Error);
        _device.Plugged.ShouldBe(Region);
    }

    [Fact]
    public void AllIsTakenOutAtOnceAndAResetTakesNothing()
    {
        Driver.Bring(Common);
        _device.SetRequested(Region);
        Ask(MemoryRequest.Plug, 0, 3).ShouldBe(MemoryAnswer.Ack);
        Ask(MemoryRequest.Plug, 5, 1).ShouldBe(MemoryAnswer.Ack);
        Ask(MemoryRequest.Plug, 60, 4).ShouldBe(MemoryAnswer.Ack);
        Driver.Bring(Common);
        Config(PluggedSize).ShouldBe(8 * Block);
        AskAt((MemoryRequest)7, Start, 1, out _).ShouldBe(MemoryAnswer.Error);
        Ask(MemoryRequest.UnplugAll, 0, 0).ShouldBe(MemoryAnswer.Ack);
        Ask(MemoryRequest.UnplugAll, 0, 0).ShouldBe(MemoryAnswer.Ack);
        Config(PluggedSize).ShouldBe(0u);
        _bench.Memory.TotalSize.ShouldBe(GuestBench.MemorySize);
    }

    [Fact]
    public void RequestsThatAreNoneAreContained()
    {
        Driver.Bring(Common);
        _device.SetRequested(Region);
        byte[] plug = Request(MemoryRequest.Plug, Start, 1);
        _bench.Exchange(0, Driver.Fill(plug)).ShouldBe(0u, "no place for an answer");
        _bench.Exchange(0, Driver.Fill(plug), Driver.Room(AnswerBytes - 1)).ShouldBe(0u);
        _bench.Exchange(0, Driver.Fill(plug.AsSpan(0, RequestBytes - 1)), Driver.Room(AnswerBytes)).ShouldBe(0u);
        _bench.Exchange(0, Driver.Room(64)).ShouldBe(0u);
        _device.Plugged.ShouldBe(0u);
        // In pieces, as a driver may lay it out.
        _bench.Exchange(0, Driver.Fill(plug.AsSpan(0, 5)), Driver.Fill(plug.AsSpan(5)), Driver.Room(3), Driver.Room(100)).ShouldBe((uint)AnswerBytes);
        _device.Plugged.ShouldBe(Block);
        // The request itself in memory that goes with it, and the place for the answer.
        ulong at = Start + Block - 64;
        _bench.Memory.TryWrite(at, Request(MemoryRequest.Unplug, Start, 1)).ShouldBeTrue();
        Driver.Send(0, new DriverBuffer(at, RequestBytes, IsWritable: false), new DriverBuffer(at + 32, AnswerBytes, IsWritable: true));
        DeviceBench.Until(() => Driver.Status.HasFlag(VirtioStatus.NeedsReset));
        _device.Plugged.ShouldBe(0u);
        Driver.Bring(Common);
        Ask(MemoryRequest.Plug, 0, 1).ShouldBe(MemoryAnswer.Ack);
    }

    /// <summary>Requests of all kinds and ranges, against a set of blocks.</summary>
    [Fact]
    public void AnyRequestsAgreeWithAModel()
    {
        Driver.Bring(Common);
        DriverBuffer request = Driver.Fill(new byte[RequestBytes]), answer = Driver.Room(AnswerBytes);
        var random = new Random(5);
        var model = new bool[Count];
        ulong requested = 0;
        for (int step = 0; step < 20_000; step++)
        {
            if (random.Next(8) == 0) _device.SetRequested(requested = (ulong)random.Next((int)Count + 1) * Block);
            var kind = (MemoryRequest)(random.Next(50) == 0 ? random.Next(ushort.MaxValue) : random.Next(40) == 0 ? 2 : random.Next(3) is var pick && pick == 2 ? 3 : pick);
            int first = random.Next(-2, (int)Count + 3), blocks = random.Next(0, 12);
            ulong address = Start + (ulong)first * Block + (random.Next(10) == 0 ? (ulong)random.Next((int)Block) : 0);
            _bench.Memory.TryWrite(request.Address, Request(kind, address, (ushort)blocks)).ShouldBeTrue();
            _bench.Exchange(0, request, answer).ShouldBe((uint)AnswerBytes);

            bool isRange = address % Block == 0 && first >= 0 && blocks > 0 && first + blocks <= (int)Count;
            int there = isRange ? model.Skip(first).Take(blocks).Count(static at => at) : 0;
            ulong plugged = (ulong)model.Count(static at => at) * Block;
            MemoryAnswer expected = kind switch
            {
                MemoryRequest.UnplugAll => MemoryAnswer.Ack,
                MemoryRequest.Plug when isRange && there == 0 => plugged + (ulong)blocks * Block > requested ? MemoryAnswer.Nack : MemoryAnswer.Ack,
                MemoryRequest.Unplug when isRange && there == blocks => MemoryAnswer.Ack,
                MemoryRequest.State when isRange => MemoryAnswer.Ack,
                _ => MemoryAnswer.Error,
            };
            byte[] told = Driver.Read(answer);
            ((MemoryAnswer)BinaryPrimitives.ReadUInt16LittleEndian(told)).ShouldBe(expected, $"step {step}: {kind} of {blocks} at {first}");
            if (kind == MemoryRequest.State && isRange)
                told[AnswerState].ShouldBe((byte)(there == blocks ? MemoryState.Plugged : there == 0 ? MemoryState.Unplugged : MemoryState.Mixed));
            if (expected != MemoryAnswer.Ack) continue;
            if (kind == MemoryRequest.UnplugAll) Array.Clear(model);
            else if (kind is MemoryRequest.Plug or MemoryRequest.Unplug) Array.Fill(model, kind == MemoryRequest.Plug, first, blocks);
            _device.Plugged.ShouldBe((ulong)model.Count(static at => at) * Block);
        }
    }

    public void Dispose() => _bench.Dispose();

    private MemoryAnswer Ask(MemoryRequest request, int block, ushort blocks) => Ask(request, block, blocks, out _);

    private MemoryAnswer Ask(MemoryRequest request, int block, ushort blocks, out MemoryState state) => AskAt(request, Start + (ulong)block * Block, blocks, out state);

    private MemoryAnswer AskAt(MemoryRequest request, ulong address, ushort blocks, out MemoryState state)
    {
        DriverBuffer answer = Driver.Room(AnswerBytes);
        _bench.Exchange(0, Driver.Fill(Request(request, address, blocks)), answer).ShouldBe((uint)AnswerBytes);
        byte[] told = Driver.Read(answer);
        state = (MemoryState)BinaryPrimitives.ReadUInt16LittleEndian(told.AsSpan(AnswerState));
        return (MemoryAnswer)BinaryPrimitives.ReadUInt16LittleEndian(told);
    }

    private static byte[] Request(MemoryRequest kind, ulong address, ushort blocks)
    {
        byte[] request = new byte[RequestBytes];
        BinaryPrimitives.WriteUInt16LittleEndian(request, (ushort)kind);
        BinaryPrimitives.WriteUInt64LittleEndian(request.AsSpan(RequestAddress), address);
        BinaryPrimitives.WriteUInt16LittleEndian(request.AsSpan(RequestBlocks), blocks);
        return request;
    }

    private ulong Config(int field) => _bench.Transport.Read(VirtioPciLayout.DeviceConfig + (ulong)field, 4) | _bench.Transport.Read(VirtioPciLayout.DeviceConfig + (ulong)field + 4, 4) << 32;
}
