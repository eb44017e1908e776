using System.Buffers.Binary;

namespace Hospes.Virtio;

using static BlockLayout;

/// <summary>One request of a block device, from the chain that it arrived in to its status.</summary>
internal sealed class BlockRequest(BlockDevice device) : DeviceRequest(device)
{
    private readonly BlockDevice _device = device;

    /// <inheritdoc/>
    public override HeldRequests? Held => _device.Held;

    /// <inheritdoc/>
    public override bool Measure(out bool isWrite, out ulong bytes)
    {
        DescriptorChain chain = Chain;
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

    /// <inheritdoc/>
    protected override bool Serve(DescriptorChain chain, out uint written)
    {
        written = 0;
        if (chain.WritableBytes < 1) return Queue.Break(QueueFault.BadRequest);
        Span<byte> header = stackalloc byte[HeaderSize];
        if (!chain.Read(0, header)) return false;
        uint type = BinaryPrimitives.ReadUInt32LittleEndian(header);
        ulong sector = BinaryPrimitives.ReadUInt64LittleEndian(header[HeaderSector..]);
        uint room = chain.WritableBytes - 1, sent = chain.ReadableBytes - HeaderSize;
        BlockResult result = BlockResult.Unsupported;
        uint data = 0;
        bool good = type switch
        {
            Read => ReadDisk(sector, room, out result, out data),
            Write => WriteDisk(sector, sent, out result),
            Flush => Simple(_device.Backend.Flush(), out result),
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

    private bool ReadDisk(ulong sector, uint length, out BlockResult result, out uint done)
    {
        (result, done) = (BlockResult.Failed, 0);
        return !_device.IsInside(sector, length) || ReadDisk(_device.Backend, (long)(sector * Sector), 0, length, out result, out done);
    }

    private bool WriteDisk(ulong sector, uint length, out BlockResult result)
    {
        result = BlockResult.Failed;
        if (_device.IsReadOnly || !_device.IsInside(sector, length)) return true;
        if (!WriteDisk(_device.Backend, (long)(sector * Sector), HeaderSize, length, out result)) return false;
        // A driver that can't ask for a flush expects none to be needed (5.2.6.2).
        if (result == BlockResult.Ok && _device.IsWriteThrough) result = _device.Backend.Flush();
        return true;
    }

    private bool ReadSerial(DescriptorChain chain, uint room, out BlockResult result, out uint done)
    {
        result = BlockResult.Ok;
        done = Math.Min(room, SerialSize);
        return chain.Write(0, _device.Serial[..(int)done]);
    }

    private bool Ranges(DescriptorChain chain, uint length, bool zeroes, out BlockResult result)
    {
        result = BlockResult.Failed;
        if (_device.IsReadOnly || length == 0 || length % RangeSize != 0 || length / RangeSize > BlockDevice.MostRanges) return true;
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
            if (count > BlockDevice.MostRangeSectors || !_device.IsInside(sector, (ulong)count * Sector)) return true;
            long offset = (long)sector * Sector, bytes = (long)count * Sector;
            if (bytes == 0) result = BlockResult.Ok;
            else result = zeroes ? _device.Backend.WriteZeroes(offset, bytes, (flags & RangeUnmap) != 0) : _device.Backend.Discard(offset, bytes);
            if (result != BlockResult.Ok) return true;
        }
        return true;
    }
}
