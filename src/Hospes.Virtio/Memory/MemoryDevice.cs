using System.Buffers.Binary;
using Hospes.Hypervisor;

namespace Hospes.Virtio;

using static MemoryLayout;

/// <summary>
/// Memory that a guest gets and gives back in blocks (virtio 1.2, 5.15): the host says how much of the region is to be plugged in, the driver asks for blocks and
/// gives blocks back until it is so. Where no block is plugged in there is no memory; a reset of the device changes nothing of that (5.15.5).
/// </summary>
public sealed class MemoryDevice : VirtioDevice
{
    /// <summary>The smallest block: QEMU has the same.</summary>
    public const ulong LeastBlock = 1 << 20;

    /// <summary>PCI class of what fits none: QEMU has the same.</summary>
    private const uint ClassOther = 0x00FF00;

    private const int Requests = 0;

    private readonly byte[] _request = new byte[RequestBytes], _answer = new byte[AnswerBytes];
    private ulong _requested, _plugged;

    /// <summary>Makes the device.</summary>
    /// <param name="regionSize">Bytes of the region: a multiple of <paramref name="blockSize"/>.</param>
    /// <param name="blockSize">Bytes of a block: a power of two, at least <see cref="LeastBlock"/>.</param>
    public MemoryDevice(ulong regionSize, ulong blockSize)
        : base(VirtioKind.Memory, ClassOther, 1, ConfigBytes)
    {
        Region = regionSize;
        Block = blockSize;
        SetConfig(MemoryLayout.BlockSize, blockSize, 8);
        SetConfig(MemoryLayout.RegionSize, regionSize, 8);
        SetConfig(UsableSize, regionSize, 8);
    }

    /// <inheritdoc/>
    public override ulong Features => UnpluggedInaccessible;

    /// <summary>Bytes of the region.</summary>
    public ulong Region { get; }

    /// <summary>Bytes of a block.</summary>
    public ulong Block { get; }

    /// <summary>The region's first guest-physical address.</summary>
    public ulong Start { get; private set; }

    /// <summary>How many bytes are plugged in.</summary>
    public ulong Plugged => Volatile.Read(ref _plugged);

    /// <summary>Told of another <see cref="Plugged"/>, on the device's thread. It must not block.</summary>
    public Action<ulong>? PluggedChanged { get; set; }

    /// <inheritdoc/>
    public override int QueueSize(int queue) => 128;

    /// <summary>Says where the region is, which <see cref="GuestMemory.MapBlocks"/> set aside. Before a driver sees the device.</summary>
    /// <param name="address">Its first guest-physical address, a multiple of a block.</param>
    public void Place(ulong address)
    {
        Start = address;
        SetConfig(MemoryLayout.Address, address, 8);
    }

    /// <summary>Says how much is to be plugged in. Any thread.</summary>
    /// <param name="bytes">A multiple of a block, at most <see cref="Region"/>.</param>
    public void SetRequested(ulong bytes)
    {
        Volatile.Write(ref _requested, bytes);
        SetConfig(RequestedSize, bytes, 8);
        NotifyConfig();
    }

    /// <inheritdoc/>
    protected internal override void Serve(int queue)
    {
        if (queue != Requests || Queue(queue) is not { } buffers) return;
        do
        {
            buffers.StopNotifications();
            while (buffers.TryTake(out DescriptorChain? chain))
            {
                uint written = 0;
                // One that is too short, or has no place for the answer, does nothing.
                if (chain.ReadableBytes >= RequestBytes && chain.WritableBytes >= AnswerBytes && chain.Read(0, _request))
                {
                    Answer();
                    written = chain.Write(0, _answer) ? (uint)AnswerBytes : 0;
                }
                buffers.Complete(chain, written);
                Signal(queue, buffers);
            }
        }
        while (buffers.StartNotifications());
    }

    private void Answer()
    {
        ulong address = BinaryPrimitives.ReadUInt64LittleEndian(_request.AsSpan(RequestAddress));
        ulong blocks = BinaryPrimitives.ReadUInt16LittleEndian(_request.AsSpan(RequestBlocks));
        var state = MemoryState.Plugged;
        ulong before = Plugged;
        MemoryAnswer answer = (MemoryRequest)BinaryPrimitives.ReadUInt16LittleEndian(_request) switch
        {
            MemoryRequest.Plug => Plug(address, blocks),
            MemoryRequest.Unplug => Unplug(address, blocks),
            MemoryRequest.UnplugAll => UnplugAll(),
            MemoryRequest.State => Look(address, blocks, out state),
            _ => MemoryAnswer.Error,
        };
        Array.Clear(_answer);
        BinaryPrimitives.WriteUInt16LittleEndian(_answer, (ushort)answer);
        BinaryPrimitives.WriteUInt16LittleEndian(_answer.AsSpan(AnswerState), (ushort)state);
        if (Plugged != before) PluggedChanged?.Invoke(Plugged);
    }

    private MemoryAnswer Plug(ulong address, ulong blocks)
    {
        if (!TryFind(address, blocks, out GuestMemory? memory, out MemoryRange? range)) return MemoryAnswer.Error;
        ulong size = blocks * Block;
        if (range!.CountThere(address - Start, size) != 0) return MemoryAnswer.Error;
        if (Plugged + size > Volatile.Read(ref _requested)) return MemoryAnswer.Nack;
        Status status = memory!.Plug(address, size);
        if (status == Status.Ok) SetPlugged(Plugged + size);
        return status switch
        {
            Status.Ok => MemoryAnswer.Ack,
            Status.NoMemory => MemoryAnswer.Busy,
            _ => MemoryAnswer.Error,
        };
    }

    private MemoryAnswer Unplug(ulong address, ulong blocks)
    {
        if (!TryFind(address, blocks, out GuestMemory? memory, out MemoryRange? range)) return MemoryAnswer.Error;
        ulong size = blocks * Block;
        if (range!.CountThere(address - Start, size) != size) return MemoryAnswer.Error;
        TakeOut(memory!, address, size);
        return MemoryAnswer.Ack;
    }

    private MemoryAnswer UnplugAll()
    {
        if (Memory is not { } memory || memory.Find(Start) is not { } range) return MemoryAnswer.Error;
        for (ulong offset = 0; offset < Region && Plugged > 0;)
        {
            ulong end = offset;
            while (end < Region && range.IsThere(end)) end += Block;
            if (end > offset) TakeOut(memory, Start + offset, end - offset);
            offset = end + Block;
        }
        return MemoryAnswer.Ack;
    }

    private MemoryAnswer Look(ulong address, ulong blocks, out MemoryState state)
    {
        state = MemoryState.Plugged;
        if (!TryFind(address, blocks, out _, out MemoryRange? range)) return MemoryAnswer.Error;
        ulong there = range!.CountThere(address - Start, blocks * Block);
        state = there == 0 ? MemoryState.Unplugged : there == blocks * Block ? MemoryState.Plugged : MemoryState.Mixed;
        return MemoryAnswer.Ack;
    }

    /// <summary>Finds blocks that a driver named, if it named whole ones of the region (5.15.6).</summary>
    private bool TryFind(ulong address, ulong blocks, out GuestMemory? memory, out MemoryRange? range)
    {
        memory = Memory;
        range = memory?.Find(Start);
        ulong offset = address - Start;
        return range is not null && address >= Start && offset < Region && offset % Block == 0 && blocks > 0 && blocks <= (Region - offset) / Block;
    }

    /// <summary>Takes blocks out that are plugged in. Where the host does not take their memory back, they are gone for the guest all the same.</summary>
    private void TakeOut(GuestMemory memory, ulong address, ulong size)
    {
        memory.Unplug(address, size);
        SetPlugged(Plugged - size);
    }

    private void SetPlugged(ulong bytes)
    {
        Volatile.Write(ref _plugged, bytes);
        SetConfig(PluggedSize, bytes, 8);
    }
}
