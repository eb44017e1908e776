using Hospes.Hypervisor.Kvm.Native;

namespace Hospes.Hypervisor.Kvm.Memory;

/// <summary>
/// The ring in which the kernel tells of the pages that one vCPU has written (Linux, KVM API, 8.29 "KVM_CAP_DIRTY_LOG_RING"). Read by whoever
/// holds the guest's collecting lock.
/// </summary>
internal sealed unsafe class DirtyRing : IDisposable
{
    // SAFETY: the ring is mapped in TryMap with the size that every index is taken modulo of, and unmapped in Dispose, after the last Collect.

    /// <summary>The page of a vCPU's descriptor at which its ring starts.</summary>
    private const int FirstPage = 64;

    private readonly KvmDirtyEntry* _entries;
    private readonly uint _count;
    private uint _next;

    private DirtyRing(KvmDirtyEntry* entries, uint count)
    {
        _entries = entries;
        _count = count;
    }

    /// <summary>Maps a vCPU's ring.</summary>
    public static DirtyRing? TryMap(int vcpu, uint count)
    {
        nint at = LibC.Map(0, count * (nuint)sizeof(KvmDirtyEntry), LibC.ProtRead | LibC.ProtWrite, LibC.MapShared, vcpu, FirstPage * Environment.SystemPageSize);
        return at == -1 ? null : new DirtyRing((KvmDirtyEntry*)at, count);
    }

    /// <summary>Takes every entry over. The kernel may use them again after <c>KVM_RESET_DIRTY_RINGS</c>.</summary>
    /// <returns>Whether there were any.</returns>
    public bool Collect(MemorySlots slots)
    {
        bool any = false;
        while (true)
        {
            KvmDirtyEntry* entry = _entries + _next % _count;
            if ((Volatile.Read(ref entry->Flags) & (KvmDirtyEntry.Dirty | KvmDirtyEntry.Reset)) != KvmDirtyEntry.Dirty) return any;
            // The upper half of the slot's word names the address space: 0, as there is no system-management memory.
            slots.MarkDirty(entry->Slot & 0xFFFF, entry->Offset);
            Volatile.Write(ref entry->Flags, KvmDirtyEntry.Reset);
            _next++;
            any = true;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _ = LibC.Unmap((nint)_entries, _count * (nuint)sizeof(KvmDirtyEntry));
}
