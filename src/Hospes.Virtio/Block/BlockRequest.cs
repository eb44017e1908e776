using System.Buffers.Binary;

namespace Hospes.Virtio;

using static BlockLayout;

/// <summary>
/// One request of a block device, from the chain that it arrived in to its status. Objects are reused; each has a buffer through which data
/// pass between the guest and the disk.
/// </summary>
internal sealed class BlockRequest(BlockDevice device) : IThreadPoolWorkItem
{
    private const int ChunkSize = 128 << 10;

    private readonly byte[] _chunk = new byte[ChunkSize];
    private VirtQueue? _queue;
    private DescriptorChain? _chain;
    private int _index;

    /// <summary>Takes a chain in.</summary>
    public void Begin(int index, VirtQueue queue, DescriptorChain chain) => (_index, _queue, _chain) = (index, queue, chain);

    /// <summary>The queue that it came in.</summary>
    public int Index => _index;

    /// <summary>Tells what a limit counts.</summary>
    /// <param name="isWrite">Whether it changes the disk.</param>
    /// <param name="bytes">How many bytes pass.</param>
    /// <returns>False for a request that no limit counts, or that is wrong.</returns>
    public bool Measure(out bool isWrite, out ulong bytes)
    {
        DescriptorChain chain = _chain!;
        (isWrite, bytes) = (false, 0);
        Span<byte> header = stackalloc byte[HeaderSize];
        if (chain.WritableBytes < 1 || chain.ReadableBytes < HeaderSize || !chain.Read(0, header)) return false;
        uint type = BinaryPrimitives.ReadUInt32LittleEndian(header);
        isWrite = type is Write or Discard or WriteZeroes;
        bytes = type switch
        {
            Read => chain.WritableBytes - 1,
            Write => chain.ReadableBytes - HeaderSize,
            _ => 0,
        };
        return type is Read or Write or Discard or WriteZeroes;
    }

    /// <summary>Does it, on whatever thread, and gives the chain back.</summary>
    public void Execute()
    {
        VirtQueue queue = _queue!;
        try
        {
            if (Serve(_chain!, out uint written)) queue.Complete(_chain!, written);
            else queue.Complete(_chain!, 0);
        }
#pragma warning disable CA1031 // A fault of a disk's own code ends its guest, not the process beside it.
        catch (Exception fault)
#pragma warning restore CA1031
        {
            device.Failed(fault);
        }
        (_queue, _chain) = (null, null);
        device.Done(this, _index, queue);
    }

    /// <summary>Serves the request.</summary>
    /// <returns>False when there was no room for a status, or the guest's memory did not hold the request: the queue is broken then.</returns>
    private bool Serve(DescriptorChain chain, out uint written)
    {
        written = 0;
        if (chain.WritableBytes < 1) return _queue!.Break(QueueFault.BadRequest);
        Span<byte> header = stackalloc byte[HeaderSize];
        if (!chain.Read(0, header)) return false;
        uint type = BinaryPrimitives.ReadUInt32LittleEndian(header);
        ulong sector = BinaryPrimitives.ReadUInt64LittleEndian(header[HeaderSector..]);
        uint room = chain.WritableBytes - 1, sent = chain.ReadableBytes - HeaderSize;
        BlockResult result = BlockResult.Unsupported;
        uint data = 0;
        bool good = type switch
        {
            Read => ReadDisk(chain, sector, room, out result, out data),
            Write => WriteDisk(chain, sector, sent, out result),
            Flush => Simple(device.Backend.Flush(), out result),
            GetId => ReadSerial(chain, room, out result, out data),
            Discard or WriteZeroes => Ranges(chain, sent, type == WriteZeroes, out result),
            _ => true,
        };
        byte status = result switch
        {
            BlockResult.Ok => StatusOk,
            BlockResult.Unsupported => StatusUnsupported,
            _ => StatusError,
        };
        // The status is the last byte, wherever the data ended.
        if (!good || !chain.Write(room, [status])) return false;
        // What is told is what was written without a gap (2.7.8.2).
        written = data == room ? room + 1 : data;
        return true;
    }

    private static bool Simple(BlockResult answer, out BlockResult result)
    {
        result = answer;
        return true;
    }

    private bool ReadDisk(DescriptorChain chain, ulong sector, uint length, out BlockResult result, out uint done)
    {
        done = 0;
        result = BlockResult.Failed;
        if (!device.IsInside(sector, length)) return true;
        for (result = BlockResult.Ok; done < length;)
        {
            Span<byte> part = _chunk.AsSpan(0, (int)Math.Min(ChunkSize, length - done));
            result = device.Backend.Read((long)(sector * Sector) + done, part);
            if (result != BlockResult.Ok) return true;
            if (!chain.Write(done, part)) return false;
            done += (uint)part.Length;
        }
        return true;
    }

    private bool WriteDisk(DescriptorChain chain, ulong sector, uint length, out BlockResult result)
    {
        result = BlockResult.Failed;
        if (device.IsReadOnly || !device.IsInside(sector, length)) return true;
        result = BlockResult.Ok;
        for (uint done = 0; done < length && result == BlockResult.Ok;)
        {
            Span<byte> part = _chunk.AsSpan(0, (int)Math.Min(ChunkSize, length - done));
            if (!chain.Read(HeaderSize + done, part)) return false;
            result = device.Backend.Write((long)(sector * Sector) + done, part);
            done += (uint)part.Length;
        }
        // A driver that can't ask for a flush expects none to be needed (5.2.6.2).
        if (result == BlockResult.Ok && device.IsWriteThrough) result = device.Backend.Flush();
        return true;
    }

    private bool ReadSerial(DescriptorChain chain, uint room, out BlockResult result, out uint done)
    {
        result = BlockResult.Ok;
        done = Math.Min(room, SerialSize);
        return chain.Write(0, device.Serial[..(int)done]);
    }

    private bool Ranges(DescriptorChain chain, uint length, bool zeroes, out BlockResult result)
    {
        result = BlockResult.Failed;
        if (device.IsReadOnly || length == 0 || length % RangeSize != 0 || length / RangeSize > BlockDevice.MostRanges) return true;
        Span<byte> range = stackalloc byte[RangeSize];
        for (uint at = 0; at < length; at += RangeSize)
        {
            if (!chain.Read(HeaderSize + at, range)) return false;
            ulong sector = BinaryPrimitives.ReadUInt64LittleEndian(range);
            uint count = BinaryPrimitives.ReadUInt32LittleEndian(range[8..]);
            uint flags = BinaryPrimitives.ReadUInt32LittleEndian(range[12..]);
            result = BlockResult.Unsupported;
            // Unknown flags, and unmapping in a discard, are refused (5.2.6.2).
            if ((flags & ~(zeroes ? RangeUnmap : 0)) != 0) return true;
            result = BlockResult.Failed;
            if (count > BlockDevice.MostRangeSectors || !device.IsInside(sector, (ulong)count * Sector)) return true;
            long offset = (long)sector * Sector, bytes = (long)count * Sector;
            if (bytes == 0) result = BlockResult.Ok;
            else result = zeroes ? device.Backend.WriteZeroes(offset, bytes, (flags & RangeUnmap) != 0) : device.Backend.Discard(offset, bytes);
            if (result != BlockResult.Ok) return true;
        }
        return true;
    }
}
