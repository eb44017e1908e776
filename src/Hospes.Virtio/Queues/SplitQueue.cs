using Hospes.Hypervisor;

namespace Hospes.Virtio;

/// <summary>The split layout (virtio 1.2, 2.7): a table of descriptors, a ring that the driver writes, and one that the device writes.</summary>
internal sealed class SplitQueue(GuestMemory memory, in QueueSetup setup, Action<QueueFault> broke) : VirtQueue(memory, setup, broke)
{
    /// <summary>Both rings start with flags and an index (2.7.6 and 2.7.8).</summary>
    private const int IndexOffset = 2, RingOffset = 4, AvailableEntry = 2, UsedEntry = 8;

    /// <summary>Flag of the available ring: no interrupts. Of the used ring: no notifications.</summary>
    private const ushort NoInterrupt = 1, NoNotify = 1;

    private readonly uint _size = (uint)setup.Size;
    private ushort _known, _taken, _given, _asked;

    private protected override bool IsAvailable(out QueueFault fault)
    {
        fault = QueueFault.None;
        if (_known == _taken)
        {
            if (!Memory.TryRead(Setup.DriverArea + IndexOffset, out ushort index)) fault = QueueFault.BadAddress;
            // What is in flight counts too: a driver that makes a buffer available twice may not make a device hold more than the queue.
            else if ((ushort)(index - _given) > _size || (ushort)(index - _given) < (ushort)(_taken - _given)) fault = QueueFault.IndexJump;
            else _known = index;
            // The index is read before what it makes visible (2.7.13.2).
            Volatile.ReadBarrier();
        }
        return _known != _taken;
    }

    private protected override QueueFault Take(DescriptorChain chain, out bool taken)
    {
        taken = IsAvailable(out QueueFault fault);
        if (!taken) return fault;
        if (!Memory.TryRead(Setup.DriverArea + RingOffset + (_taken & (_size - 1)) * AvailableEntry, out ushort head)) return QueueFault.BadAddress;
        chain.Id = head;
        chain.Entries = 1;
        fault = Walk(chain, Setup.Descriptors, _size, head, isTable: false);
        if (fault == QueueFault.None) _taken++;
        return fault;
    }

    private protected override void Untake(DescriptorChain chain) => _taken--;

    private protected override QueueFault Give(ReadOnlySpan<DescriptorChain> chains, ReadOnlySpan<uint> written)
    {
        for (int i = 0; i < chains.Length; i++)
        {
            ulong at = Setup.DeviceArea + RingOffset + ((uint)(_given + i) & (_size - 1)) * UsedEntry;
            if (!Memory.TryWrite(at, chains[i].Id | (ulong)written[i] << 32)) return QueueFault.BadAddress;
        }
        // The entries are seen before the index that makes them valid (2.7.8.2).
        Volatile.WriteBarrier();
        _given += (ushort)chains.Length;
        return Memory.TryWrite(Setup.DeviceArea + IndexOffset, _given) ? QueueFault.None : QueueFault.BadAddress;
    }

    private protected override QueueFault AskInterrupt(out bool wants)
    {
        // The index is written before the driver's wish is read, or both sides may wait for each other (2.7.7.2).
        Interlocked.MemoryBarrier();
        ushort before = _asked;
        _asked = _given;
        if (!HasEventIndex)
        {
            bool read = Memory.TryRead(Setup.DriverArea, out ushort flags);
            wants = (flags & NoInterrupt) == 0 && before != _given;
            return read ? QueueFault.None : QueueFault.BadAddress;
        }
        if (!Memory.TryRead(Setup.DriverArea + RingOffset + _size * AvailableEntry, out ushort wanted))
        {
            wants = false;
            return QueueFault.BadAddress;
        }
        // Whether the index went past the wanted one (2.7.10).
        wants = (ushort)(_given - wanted - 1) < (ushort)(_given - before);
        return QueueFault.None;
    }

    private protected override bool ShowNotifications(bool wanted)
    {
        bool written = true;
        if (!HasEventIndex) written = Memory.TryWrite(Setup.DeviceArea, wanted ? (ushort)0 : NoNotify);
        else if (wanted) written = Memory.TryWrite(Setup.DeviceArea + RingOffset + _size * UsedEntry, _taken);
        // The wish is written before the driver's index is read again.
        if (wanted) Interlocked.MemoryBarrier();
        return written;
    }

    /// <summary>Follows a chain through a table.</summary>
    private QueueFault Walk(DescriptorChain chain, ulong table, uint count, uint index, bool isTable)
    {
        for (uint steps = 0; ; steps++)
        {
            if (index >= count) return QueueFault.BadDescriptor;
            if (steps == count) return QueueFault.ChainTooLong;
            if (!ReadDescriptor(table, index, out ulong address, out ulong rest)) return QueueFault.BadAddress;
            uint length = (uint)rest;
            ushort flags = (ushort)(rest >> 32);
            QueueFault fault;
            if ((flags & FlagIndirect) != 0)
            {
                if (isTable || !HasIndirect || (flags & FlagNext) != 0) return QueueFault.BadIndirect;
                if (length == 0 || length % DescriptorSize != 0 || length / DescriptorSize > DescriptorChain.MaxSegments) return QueueFault.BadIndirect;
                return Walk(chain, address, length / DescriptorSize, 0, isTable: true);
            }
            fault = chain.Add(address, length, (flags & FlagWrite) != 0);
            if (fault != QueueFault.None || (flags & FlagNext) == 0) return fault;
            index = (uint)(rest >> 48);
        }
    }
}
