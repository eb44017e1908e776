using Hospes.Hypervisor.Kvm.Native;

namespace Hospes.Hypervisor.Kvm.Memory;

/// <summary>One stretch of RAM that the kernel knows.</summary>
/// <param name="Number">The slot's number.</param>
/// <param name="Address">Its first guest-physical address.</param>
/// <param name="Size">Its bytes.</param>
/// <param name="Range">The range that it is a part of.</param>
internal readonly record struct MemorySlot(uint Number, ulong Address, ulong Size, MemoryRange Range)
{
    /// <summary>Its first byte's offset in the range.</summary>
    public ulong Offset => Address - Range.Address;
}

/// <summary>
/// What the kernel knows of guest memory: every mapped range less the pages that traps lie over. Thread-safe.
/// </summary>
internal sealed unsafe class MemorySlots(VmFile vm, TrapTable traps)
{
    /// <summary>Slots that a range whose blocks come and go is cut into at most: older kernels know 509 in all.</summary>
    private const ulong MostParts = 128;

    private readonly Lock _gate = new();
    private readonly List<MemorySlot> _slots = [];
    private readonly Stack<uint> _free = new();
    private uint _next;
    private bool _logging;

    /// <summary>Whether every change so far was taken by the kernel; once false the guest cannot run.</summary>
    public bool IsComplete { get; private set; } = true;

    /// <summary>Tells the kernel of a new range. Of one with blocks, none is there yet.</summary>
    public void Add(MemoryRange range)
    {
        if (range.BlockSize != 0) return;
        lock (_gate) Fill(range, range.Address, range.End);
    }

    /// <summary>
    /// Tells the kernel of blocks that came or went. A slot can't be cut while processors use it, so the range is cut from the beginning into parts of
    /// one block or a few, and the kernel knows those in which any block is.
    /// </summary>
    public void Change(MemoryRange range, ulong address, ulong size)
    {
        ulong part = Math.Max(range.BlockSize, System.Numerics.BitOperations.RoundUpToPowerOf2((range.Size + MostParts - 1) / MostParts));
        lock (_gate)
        {
            for (ulong offset = (address - range.Address) / part * part; offset < address + size - range.Address; offset += part)
            {
                ulong start = range.Address + offset, end = Math.Min(start + part, range.End);
                bool isKnown = _slots.Exists(slot => slot.Range == range && slot.Address >= start && slot.Address < end);
                if (range.CountThere(offset, end - start) == 0) Drop(range, start, end);
                else if (!isKnown) Fill(range, start, end);
            }
        }
    }

    /// <summary>Takes the pages of a trap out of RAM.</summary>
    public void Cover(Trap trap)
    {
        lock (_gate)
        {
            for (int i = _slots.Count - 1; i >= 0; i--)
            {
                MemorySlot slot = _slots[i];
                if (trap.Address >= slot.Address + slot.Size || trap.End <= slot.Address) continue;
                // A slot cannot be cut: it goes and its rest comes back. An access in between finds no memory, and KvmVcpu serves it by hand.
                DropAt(i);
                Fill(slot.Range, slot.Address, slot.Address + slot.Size);
            }
        }
    }

    /// <summary>Starts or ends the kernel's log.</summary>
    public void SetLogging(bool enabled)
    {
        lock (_gate)
        {
            _logging = enabled;
            foreach (MemorySlot slot in _slots) Tell(slot, slot.Size);
        }
    }

    /// <summary>Fetches the kernel's log into the ranges'.</summary>
    public void Collect()
    {
        lock (_gate)
        {
            foreach (MemorySlot slot in _slots) Collect(slot);
        }
    }

    /// <summary>Marks a page by its slot's number and its offset in it, as dirty rings tell of it.</summary>
    public void MarkDirty(uint number, ulong page)
    {
        lock (_gate)
        {
            foreach (MemorySlot slot in _slots)
            {
                if (slot.Number == number && page < slot.Size / GuestMemory.PageSize) slot.Range.MarkDirty(slot.Offset + page * GuestMemory.PageSize);
            }
        }
    }

    /// <summary>Takes the slots of a stretch away.</summary>
    private void Drop(MemoryRange range, ulong start, ulong end)
    {
        for (int i = _slots.Count - 1; i >= 0; i--)
        {
            if (_slots[i].Range == range && _slots[i].Address >= start && _slots[i].Address < end) DropAt(i);
        }
    }

    private void DropAt(int index)
    {
        MemorySlot slot = _slots[index];
        Tell(slot, size: 0);
        _slots.RemoveAt(index);
        _free.Push(slot.Number);
    }

    /// <summary>Makes slots of a stretch's parts that no trap lies over.</summary>
    private void Fill(MemoryRange range, ulong start, ulong end)
    {
        foreach (Trap trap in traps.Memory)
        {
            if (trap.End <= start) continue;
            if (trap.Address >= end) break;
            if (trap.Address > start) Add(range, start, trap.Address);
            start = trap.End;
        }
        if (start < end) Add(range, start, end);
    }

    private void Add(MemoryRange range, ulong start, ulong end)
    {
        if (!_free.TryPop(out uint number)) number = _next++;
        var slot = new MemorySlot(number, start, end - start, range);
        _slots.Add(slot);
        Tell(slot, slot.Size);
    }

    private void Tell(MemorySlot slot, ulong size)
    {
        var region = new KvmMemoryRegion
        {
            Slot = slot.Number,
            Flags = _logging && size != 0 ? KvmMemoryRegion.LogDirtyPages : 0,
            GuestAddress = slot.Address,
            Size = size,
            HostAddress = (ulong)slot.Range.HostAddress + slot.Offset,
        };
        if (vm.Control(KvmRequests.SetUserMemoryRegion, (nint)(&region)) < 0) IsComplete = false;
    }

    private void Collect(MemorySlot slot)
    {
        var words = new ulong[(slot.Size / GuestMemory.PageSize + 63) / 64];
        fixed (ulong* bitmap = words)
        {
            var log = new KvmDirtyLog { Slot = slot.Number, Bitmap = (nint)bitmap };
            if (vm.Control(KvmRequests.GetDirtyLog, (nint)(&log)) < 0) return;
        }
        for (int i = 0; i < words.Length; i++)
        {
            for (ulong rest = words[i]; rest != 0; rest &= rest - 1)
            {
                ulong page = (ulong)i * 64 + (ulong)System.Numerics.BitOperations.TrailingZeroCount(rest);
                slot.Range.MarkDirty(slot.Offset + page * GuestMemory.PageSize);
            }
        }
    }
}
