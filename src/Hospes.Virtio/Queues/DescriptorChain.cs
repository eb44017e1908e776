using Hospes.Hypervisor;

namespace Hospes.Virtio;

/// <summary>
/// One buffer that the driver made available: the parts that the device reads, then those that it writes, seen as two byte strings. What a
/// device wants is copied out or in; the descriptors themselves were copied when the chain was taken. Belongs to whoever took it, until it is
/// given back to the queue. An address outside the guest's memory breaks the queue.
/// </summary>
public sealed class DescriptorChain
{
    /// <summary>How many descriptors a chain has at most; QEMU has the same limit.</summary>
    public const int MaxSegments = 1024;

    private readonly VirtQueue _queue;
    private readonly GuestMemory _memory;
    private Segment[] _segments = new Segment[8];
    private int _count;
    private int _readable;

    internal DescriptorChain(VirtQueue queue, GuestMemory memory)
    {
        _queue = queue;
        _memory = memory;
    }

    /// <summary>How many bytes the driver wrote for the device.</summary>
    public uint ReadableBytes { get; private set; }

    /// <summary>How many bytes the device may write.</summary>
    public uint WritableBytes { get; private set; }

    /// <summary>Head index (split) or buffer id (packed).</summary>
    internal ushort Id { get; set; }

    /// <summary>How many entries of the ring it takes.</summary>
    internal int Entries { get; set; }

    /// <summary>Copies from what the driver wrote.</summary>
    /// <param name="offset">The first byte, counted from the chain's start.</param>
    /// <param name="destination">Where to; the whole of it must lie inside <see cref="ReadableBytes"/>.</param>
    /// <returns>False when it does not, or when the guest's memory does not hold it; then the queue is broken.</returns>
    public bool Read(uint offset, Span<byte> destination)
    {
        if (offset > ReadableBytes || (uint)destination.Length > ReadableBytes - offset) return _queue.Break(QueueFault.BadRequest);
        for (int i = 0; i < _readable && !destination.IsEmpty; i++)
        {
            ref readonly Segment segment = ref _segments[i];
            if (offset >= segment.Length)
            {
                offset -= segment.Length;
                continue;
            }
            int part = (int)Math.Min(segment.Length - offset, (uint)destination.Length);
            if (!_memory.TryRead(segment.Address + offset, destination[..part])) return _queue.Break(QueueFault.BadAddress);
            destination = destination[part..];
            offset = 0;
        }
        return true;
    }

    /// <summary>Copies into what the device may write.</summary>
    /// <param name="offset">The first byte, counted from the first writable one.</param>
    /// <param name="source">The bytes; the whole of it must lie inside <see cref="WritableBytes"/>.</param>
    /// <returns>False when it does not, or when the guest's memory does not hold it; then the queue is broken.</returns>
    public bool Write(uint offset, ReadOnlySpan<byte> source)
    {
        if (offset > WritableBytes || (uint)source.Length > WritableBytes - offset) return _queue.Break(QueueFault.BadRequest);
        for (int i = _readable; i < _count && !source.IsEmpty; i++)
        {
            ref readonly Segment segment = ref _segments[i];
            if (offset >= segment.Length)
            {
                offset -= segment.Length;
                continue;
            }
            int part = (int)Math.Min(segment.Length - offset, (uint)source.Length);
            if (!_memory.TryWrite(segment.Address + offset, source[..part])) return _queue.Break(QueueFault.BadAddress);
            source = source[part..];
            offset = 0;
        }
        return true;
    }

    /// <summary>Tells where a writable part lies in the guest's memory: for devices to which a part is memory and not data.</summary>
    /// <param name="index">Which one, from 0.</param>
    /// <param name="address">Its first guest-physical address, which need not be memory.</param>
    /// <param name="length">Its bytes; <paramref name="address"/> and it make no more than 2^64.</param>
    /// <returns>False behind the last one.</returns>
    public bool TryGetWritable(int index, out ulong address, out uint length)
    {
        bool has = _readable + index < _count;
        (address, length) = has ? (_segments[_readable + index].Address, _segments[_readable + index].Length) : default;
        return has;
    }

    internal void Clear()
    {
        _count = _readable = 0;
        ReadableBytes = WritableBytes = 0;
    }

    /// <summary>Adds a part.</summary>
    internal QueueFault Add(ulong address, uint length, bool isWritable)
    {
        if (_count == MaxSegments) return QueueFault.ChainTooLong;
        if (!isWritable && _count > _readable) return QueueFault.WritableBeforeReadable;
        if ((ulong)ReadableBytes + WritableBytes + length > uint.MaxValue) return QueueFault.ChainTooLarge;
        if (address > ulong.MaxValue - length) return QueueFault.BadAddress;
        if (_count == _segments.Length) Array.Resize(ref _segments, _count * 2);
        _segments[_count++] = new Segment(address, length);
        if (isWritable)
        {
            WritableBytes += length;
        }
        else
        {
            ReadableBytes += length;
            _readable = _count;
        }
        return QueueFault.None;
    }

    private readonly record struct Segment(ulong Address, uint Length);
}
