using Hospes.Hypervisor;

namespace Hospes.Virtio;

/// <summary>The packed layout (virtio 1.2, 2.8): one ring of descriptors that both sides write, and a wish of each side for events.</summary>
internal sealed class PackedQueue(GuestMemory memory, in QueueSetup setup, Action<QueueFault> broke) : VirtQueue(memory, setup, broke)
{
    /// <summary>Descriptor flags (2.8.1): compared with the wrap counters.</summary>
    private const ushort FlagAvailable = 1 << 7, FlagUsed = 1 << 15;

    /// <summary>Offsets inside a descriptor (2.8.13).</summary>
    private const int LengthOffset = 8, IdOffset = 12, FlagsOffset = 14;

    /// <summary>Event suppression (2.8.14): events for all, for none, or for one descriptor.</summary>
    private const ushort EventsEnabled = 0, EventsDisabled = 1, EventsAtDescriptor = 2;

    private const int EventFlagsOffset = 2;
    private const ushort WrapBit = 1 << 15;

    private readonly uint _size = (uint)setup.Size;
    private uint _takeAt, _giveAt, _inFlight, _sinceAsked;
    private bool _takeWrap = true, _giveWrap = true;

    private protected override bool IsAvailable(out QueueFault fault)
    {
        bool read = Memory.TryRead(Setup.Descriptors + _takeAt * (ulong)DescriptorSize + FlagsOffset, out ushort flags);
        fault = read ? QueueFault.None : QueueFault.BadAddress;
        // The flags are read before what they make visible (2.8.21.2).
        Volatile.ReadBarrier();
        return read && (flags & FlagAvailable) != 0 == _takeWrap && (flags & FlagUsed) != 0 != _takeWrap;
    }

    private protected override QueueFault Take(DescriptorChain chain, out bool taken)
    {
        taken = IsAvailable(out QueueFault fault);
        if (!taken) return fault;
        uint index = _takeAt;
        for (uint entries = 1; ; entries++)
        {
            if (entries > _size) return QueueFault.ChainTooLong;
            if (!ReadDescriptor(Setup.Descriptors, index, out ulong address, out ulong rest)) return QueueFault.BadAddress;
            uint length = (uint)rest;
            ushort flags = (ushort)(rest >> 48);
            if ((flags & FlagIndirect) != 0)
            {
                // A table stands alone (2.8.7).
                if (!HasIndirect || entries > 1 || (flags & FlagNext) != 0) return QueueFault.BadIndirect;
                fault = AddTable(chain, address, length);
            }
            else
            {
                fault = chain.Add(address, length, (flags & FlagWrite) != 0);
            }
            if (fault != QueueFault.None) return fault;
            index = index + 1 == _size ? 0 : index + 1;
            if ((flags & FlagNext) != 0) continue;
            if (_inFlight + entries > _size) return QueueFault.IndexJump;
            chain.Id = (ushort)(rest >> 32);
            chain.Entries = (int)entries;
            _inFlight += entries;
            Advance(ref _takeAt, ref _takeWrap, entries);
            return QueueFault.None;
        }
    }

    private protected override void Untake(DescriptorChain chain)
    {
        uint entries = (uint)chain.Entries;
        _inFlight -= entries;
        if (_takeAt < entries)
        {
            _takeAt += _size;
            _takeWrap = !_takeWrap;
        }
        _takeAt -= entries;
    }

    private protected override QueueFault Give(ReadOnlySpan<DescriptorChain> chains, ReadOnlySpan<uint> written)
    {
        // The driver looks at the first one: its flags are written last, and behind all else (2.8.6.1).
        ulong first = Setup.Descriptors + _giveAt * (ulong)DescriptorSize;
        ushort firstFlags = 0;
        for (int i = 0; i < chains.Length; i++)
        {
            ulong at = Setup.Descriptors + _giveAt * (ulong)DescriptorSize;
            ushort flags = (ushort)((_giveWrap ? FlagAvailable | FlagUsed : 0) | (written[i] != 0 ? FlagWrite : 0));
            if (!Memory.TryWrite(at + LengthOffset, written[i]) || !Memory.TryWrite(at + IdOffset, chains[i].Id)) return QueueFault.BadAddress;
            if (i == 0) firstFlags = flags;
            else if (!Memory.TryWrite(at + FlagsOffset, flags)) return QueueFault.BadAddress;
            uint entries = (uint)chains[i].Entries;
            _inFlight -= entries;
            _sinceAsked += entries;
            Advance(ref _giveAt, ref _giveWrap, entries);
        }
        Volatile.WriteBarrier();
        return Memory.TryWrite(first + FlagsOffset, firstFlags) ? QueueFault.None : QueueFault.BadAddress;
    }

    private protected override QueueFault AskInterrupt(out bool wants)
    {
        // The descriptors are written before the driver's wish is read.
        Interlocked.MemoryBarrier();
        wants = false;
        uint since = _sinceAsked;
        _sinceAsked = 0;
        if (!Memory.TryRead(Setup.DriverArea, out ushort place) || !Memory.TryRead(Setup.DriverArea + EventFlagsOffset, out ushort flags))
            return QueueFault.BadAddress;
        if (since == 0) return QueueFault.None;
        if (!HasEventIndex || flags != EventsAtDescriptor)
        {
            wants = flags != EventsDisabled;
            return QueueFault.None;
        }
        // Both places are counted on one line, on which the ring was gone round once before the next place to write.
        uint next = _giveAt + _size;
        uint wanted = (place & (WrapBit - 1u)) + ((place & WrapBit) != 0 == _giveWrap ? _size : 0);
        wants = since >= _size || (wanted < next && wanted >= next - since);
        return QueueFault.None;
    }

    private protected override bool ShowNotifications(bool wanted)
    {
        bool written = true;
        ushort flags = wanted ? HasEventIndex ? EventsAtDescriptor : EventsEnabled : EventsDisabled;
        if (flags == EventsAtDescriptor)
        {
            written = Memory.TryWrite(Setup.DeviceArea, (ushort)(_takeAt | (_takeWrap ? WrapBit : 0u)));
            Volatile.WriteBarrier();
        }
        written &= Memory.TryWrite(Setup.DeviceArea + EventFlagsOffset, flags);
        // The wish is written before the driver's descriptors are read again.
        if (wanted) Interlocked.MemoryBarrier();
        return written;
    }

    /// <summary>Adds the descriptors of a table: all of them, one after the other (2.8.7).</summary>
    private QueueFault AddTable(DescriptorChain chain, ulong table, uint length)
    {
        if (length == 0 || length % DescriptorSize != 0 || length / DescriptorSize > DescriptorChain.MaxSegments) return QueueFault.BadIndirect;
        for (uint i = 0; i < length / DescriptorSize; i++)
        {
            if (!ReadDescriptor(table, i, out ulong address, out ulong rest)) return QueueFault.BadAddress;
            ushort flags = (ushort)(rest >> 48);
            if ((flags & FlagIndirect) != 0) return QueueFault.BadIndirect;
            QueueFault fault = chain.Add(address, (uint)rest, (flags & FlagWrite) != 0);
            if (fault != QueueFault.None) return fault;
        }
        return QueueFault.None;
    }

    private void Advance(ref uint at, ref bool wrap, uint entries)
    {
        at += entries;
        if (at < _size) return;
        at -= _size;
        wrap = !wrap;
    }
}
