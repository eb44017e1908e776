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
    private MemoryPart[] _segments = new MemoryPart[8];
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
            ref readonly MemoryPart segment = ref _segments[i];
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
            ref readonly MemoryPart segment = ref _segments[i];
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

    /// <summary>Fills what the device may write from a file, without a copy in between.</summary>
    /// <param name="file">A descriptor that may be read.</param>
    /// <param name="position">Where in the file.</param>
    /// <param name="offset">The first byte, counted from the first writable one.</param>
    /// <param name="length">How many bytes; the whole of it must lie inside <see cref="WritableBytes"/>.</param>
    /// <returns>As <see cref="GuestMemory.ReadFile"/>.</returns>
    public long ReadFile(int file, long position, uint offset, uint length)
    {
        Span<MemoryPart> parts = stackalloc MemoryPart[_count - _readable];
        return _memory.ReadFile(file, position, parts[..Cut(_segments.AsSpan(_readable.._count), offset, length, parts)]);
    }

    /// <summary>Writes what the driver wrote for the device to a file, without a copy in between.</summary>
    /// <param name="file">A descriptor that may be written.</param>
    /// <param name="position">Where in the file.</param>
    /// <param name="offset">The first byte, counted from the chain's start.</param>
    /// <param name="length">How many bytes; the whole of it must lie inside <see cref="ReadableBytes"/>.</param>
    /// <param name="appends">Whether they go to the file's end.</param>
    /// <returns>As <see cref="GuestMemory.WriteFile"/>.</returns>
    public long WriteFile(int file, long position, uint offset, uint length, bool appends)
    {
        Span<MemoryPart> parts = stackalloc MemoryPart[_readable];
        return _memory.WriteFile(file, position, parts[..Cut(_segments.AsSpan(0, _readable), offset, length, parts)], appends);
    }

    /// <summary>Cuts a stretch out of parts.</summary>
    /// <returns>How many parts it has.</returns>
    private static int Cut(ReadOnlySpan<MemoryPart> from, uint offset, uint length, Span<MemoryPart> parts)
    {
        int count = 0;
        foreach (MemoryPart part in from)
        {
            if (length == 0) break;
            uint skipped = Math.Min(offset, part.Length), taken = Math.Min(part.Length - skipped, length);
            offset -= skipped;
            length -= taken;
            if (taken > 0) parts[count++] = new MemoryPart(part.Address + skipped, taken);
        }
        return count;
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
        _segments[_count++] = new MemoryPart(address, length);
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
}
