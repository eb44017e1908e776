using Hospes.Hypervisor;

namespace Hospes.Virtio.Testing;

/// <summary>The driver's end of a split queue (virtio 1.2, 2.7.13).</summary>
internal sealed class SplitDriverQueue : DriverQueue
{
    private readonly Stack<ushort> _free = new();
    private readonly ushort[] _next;
    private ushort _added, _seen, _told;

    public SplitDriverQueue(GuestMemory memory, ulong area, int size, ulong features)
        : base(memory, area, size, features, 6 + 2 * size)
    {
        _next = new ushort[size];
        for (int i = size - 1; i >= 0; i--) _free.Push((ushort)i);
    }

    /// <inheritdoc/>
    public override int Add(ReadOnlySpan<DriverBuffer> parts, ulong? table = null)
    {
        int needed = table is null ? parts.Length : 1;
        if (needed > _free.Count || parts.IsEmpty) return -1;
        ushort head = _free.Peek();
        if (table is { } at)
        {
            for (int i = 0; i < parts.Length; i++) Describe(at, i, parts[i], i + 1 < parts.Length ? i + 1 : -1);
            ushort index = _free.Pop();
            _next[index] = ushort.MaxValue;
            Store(Descriptors + (ulong)(index * DescriptorSize), at);
            Store(Descriptors + (ulong)(index * DescriptorSize) + 8, (uint)(parts.Length * DescriptorSize) | (ulong)FlagIndirect << 32);
        }
        else
        {
            for (int i = 0; i < parts.Length; i++)
            {
                ushort index = _free.Pop();
                bool last = i + 1 == parts.Length;
                _next[index] = last ? ushort.MaxValue : _free.Peek();
                Describe(Descriptors, index, parts[i], last ? -1 : _free.Peek());
            }
        }
        Store(DriverArea + 4 + (ulong)(_added % Size * 2), head);
        Volatile.WriteBarrier();
        Store(DriverArea + 2, ++_added);
        return head;
    }

    /// <inheritdoc/>
    public override bool TryTakeUsed(out int token, out uint written)
    {
        (token, written) = (-1, 0);
        if (Load<ushort>(DeviceArea + 2) == _seen) return false;
        Volatile.ReadBarrier();
        ulong entry = DeviceArea + 4 + (ulong)(_seen % Size * 8);
        token = (int)Load<uint>(entry);
        written = Load<uint>(entry + 4);
        _seen++;
        for (ushort index = (ushort)token; index != ushort.MaxValue; index = _next[index]) _free.Push(index);
        return true;
    }

    /// <inheritdoc/>
    public override bool NeedsNotification()
    {
        Interlocked.MemoryBarrier();
        ushort before = _told;
        _told = _added;
        if (!HasEventIndex) return (Load<ushort>(DeviceArea) & 1) == 0;
        ushort wanted = Load<ushort>(DeviceArea + 4 + (ulong)(Size * 8));
        return (ushort)(_added - wanted - 1) < (ushort)(_added - before);
    }

    /// <inheritdoc/>
    public override void SetInterrupts(bool wanted)
    {
        if (!HasEventIndex) Store(DriverArea, wanted ? (ushort)0 : (ushort)1);
        else Store(DriverArea + 4 + (ulong)(Size * 2), wanted ? _seen : (ushort)(_seen + 0x8000));
        Interlocked.MemoryBarrier();
    }

    private void Describe(ulong table, int index, DriverBuffer part, int next)
    {
        ulong at = table + (ulong)(index * DescriptorSize);
        ulong flags = (part.IsWritable ? FlagWrite : 0u) | (next >= 0 ? FlagNext : 0u);
        Store(at, part.Address);
        Store(at + 8, part.Length | flags << 32 | (ulong)(next >= 0 ? next : 0) << 48);
    }
}
