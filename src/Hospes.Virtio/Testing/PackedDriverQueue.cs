using Hospes.Hypervisor;

namespace Hospes.Virtio.Testing;

/// <summary>The driver's end of a packed queue (virtio 1.2, 2.8.21).</summary>
internal sealed class PackedDriverQueue : DriverQueue
{
    private const ushort FlagAvailable = 1 << 7, FlagUsed = 1 << 15;
    private const ushort EventsDisabled = 1, EventsAtDescriptor = 2, WrapBit = 1 << 15;

    private readonly Stack<ushort> _ids = new();
    private readonly int[] _entries;
    private int _addAt, _useAt, _room, _sinceTold;
    private bool _addWrap = true, _useWrap = true;

    public PackedDriverQueue(GuestMemory memory, ulong area, int size, ulong features)
        : base(memory, area, size, features, 4)
    {
        _entries = new int[size];
        _room = size;
        for (int i = size - 1; i >= 0; i--) _ids.Push((ushort)i);
    }

    /// <inheritdoc/>
    public override int Add(ReadOnlySpan<DriverBuffer> parts, ulong? table = null)
    {
        int needed = table is null ? parts.Length : 1;
        if (needed > _room || parts.IsEmpty) return -1;
        ushort id = _ids.Pop();
        _entries[id] = needed;
        _room -= needed;
        _sinceTold += needed;
        if (table is { } at)
        {
            for (int i = 0; i < parts.Length; i++) Describe(at + (ulong)(i * DescriptorSize), parts[i].Address, parts[i].Length, 0, Write(parts[i]));
            Describe(Place(_addAt), at, (uint)(parts.Length * DescriptorSize), id, (ushort)(FlagIndirect | AddFlags(_addWrap)));
            Advance(ref _addAt, ref _addWrap, 1);
            return id;
        }
        // The first descriptor becomes visible last (2.8.21.1).
        ulong first = Place(_addAt);
        ushort firstFlags = 0;
        for (int i = 0; i < parts.Length; i++)
        {
            ushort flags = (ushort)(Write(parts[i]) | (i + 1 < parts.Length ? FlagNext : 0) | AddFlags(_addWrap));
            if (i == 0) firstFlags = flags;
            Describe(Place(_addAt), parts[i].Address, parts[i].Length, id, i == 0 ? (ushort)(flags ^ FlagAvailable) : flags);
            Advance(ref _addAt, ref _addWrap, 1);
        }
        Volatile.WriteBarrier();
        Store(first + 14, firstFlags);
        return id;
    }

    /// <inheritdoc/>
    public override bool TryTakeUsed(out int token, out uint written)
    {
        (token, written) = (-1, 0);
        ushort flags = Load<ushort>(Place(_useAt) + 14);
        if ((flags & FlagAvailable) != 0 != _useWrap || (flags & FlagUsed) != 0 != _useWrap) return false;
        Volatile.ReadBarrier();
        token = Load<ushort>(Place(_useAt) + 12);
        written = (flags & FlagWrite) != 0 ? Load<uint>(Place(_useAt) + 8) : 0;
        _ids.Push((ushort)token);
        _room += _entries[token];
        Advance(ref _useAt, ref _useWrap, _entries[token]);
        return true;
    }

    /// <inheritdoc/>
    public override bool NeedsNotification()
    {
        Interlocked.MemoryBarrier();
        int since = _sinceTold;
        _sinceTold = 0;
        ushort flags = Load<ushort>(DeviceArea + 2);
        if (flags != EventsAtDescriptor) return flags != EventsDisabled;
        ushort place = Load<ushort>(DeviceArea);
        int wanted = (place & (WrapBit - 1)) + ((place & WrapBit) != 0 == _addWrap ? Size : 0);
        return wanted < _addAt + Size && wanted >= _addAt + Size - since;
    }

    /// <inheritdoc/>
    public override void SetInterrupts(bool wanted)
    {
        if (wanted && HasEventIndex) Store(DriverArea, (ushort)(_useAt | (_useWrap ? WrapBit : 0)));
        Store(DriverArea + 2, !wanted ? EventsDisabled : HasEventIndex ? EventsAtDescriptor : (ushort)0);
        Interlocked.MemoryBarrier();
    }

    private static ushort Write(DriverBuffer part) => part.IsWritable ? FlagWrite : (ushort)0;

    private static ushort AddFlags(bool wrap) => wrap ? FlagAvailable : FlagUsed;

    private ulong Place(int index) => Descriptors + (ulong)(index * DescriptorSize);

    private void Describe(ulong at, ulong address, uint length, ushort id, ushort flags)
    {
        Store(at, address);
        Store(at + 8, length | (ulong)id << 32 | (ulong)flags << 48);
    }

    private void Advance(ref int at, ref bool wrap, int entries)
    {
        at += entries;
        if (at < Size) return;
        at -= Size;
        wrap = !wrap;
    }
}
