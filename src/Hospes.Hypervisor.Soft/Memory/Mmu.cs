namespace Hospes.Hypervisor.Soft.Memory;

/// <summary>The memory management unit of one virtual processor: page walks, TLB fills, and the slow paths of <see cref="Mem"/>.</summary>
internal abstract unsafe class Mmu
{
    /// <summary>Reads across pages, from devices, or after a TLB miss.</summary>
    public abstract void Read(ulong address, byte* destination, int size);

    /// <summary>Writes across pages, to devices, to pages that hold decoded code, or after a TLB miss.</summary>
    public abstract void Write(ulong address, byte* source, int size);

    /// <summary>See <see cref="Mem.BeginModify"/>: answers a host pointer, or scratch with the value in it.</summary>
    public abstract byte* BeginModify(ulong address, int size);

    /// <summary>Faults unless the whole range can be accessed.</summary>
    public abstract void Probe(ulong address, int size, bool write);

    public abstract void EnterSplitLock();

    public abstract void LeaveSplitLock();
}
