using System.Runtime.CompilerServices;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;

namespace Hospes.Hypervisor.Soft.Memory;

/// <summary>Guest memory as instructions see it: linear addresses through the TLB. Faults leave by <see cref="Interpret.Fault"/>.</summary>
internal static unsafe class Mem
{
    // SAFETY: host pointers come from the TLB, which holds only whole pages of mapped guest RAM and is flushed before a range goes.

    /// <summary>The linear address of the instruction's memory operand.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Address(CpuState* s, Op* op)
    {
        ulong address = *(ulong*)((byte*)s + op->Base) + (*(ulong*)((byte*)s + op->Index) << op->Scale) + op->Disp;
        return op->Address == AddressKind.Flat64 ? address : Segmentation.Linear(s, op, address);
    }

    /// <summary>The memory operand's offset without segment: what LEA computes, untruncated.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Offset(CpuState* s, Op* op) =>
        *(ulong*)((byte*)s + op->Base) + (*(ulong*)((byte*)s + op->Index) << op->Scale) + op->Disp;

    /// <summary>Reads <typeparamref name="T"/> at a linear address with the current privilege.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Read<T>(CpuState* s, ulong address)
        where T : unmanaged
    {
        TlbEntry* entry = s->Tlb + TlbEntry.Index(address);
        ulong offset = address ^ entry->Read;
        if (offset <= 4096 - (ulong)sizeof(T)) return Unsafe.ReadUnaligned<T>((byte*)(entry->Host + offset));
        return ReadSlow<T>(s, address);
    }

    /// <summary>Writes <typeparamref name="T"/> at a linear address with the current privilege.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write<T>(CpuState* s, ulong address, T value)
        where T : unmanaged
    {
        TlbEntry* entry = s->Tlb + TlbEntry.Index(address);
        ulong offset = address ^ entry->Write;
        if (offset <= 4096 - (ulong)sizeof(T)) Unsafe.WriteUnaligned((byte*)(entry->Host + offset), value);
        else WriteSlow(s, address, value);
    }

    /// <summary>
    /// Begins a read-modify-write: checks that the operand can be read and written, and answers where to work. Where memory can't be
    /// touched in place the value is copied to <see cref="CpuState.Scratch"/>; <see cref="EndModify"/> then writes it back.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T* BeginModify<T>(CpuState* s, ulong address)
        where T : unmanaged
    {
        TlbEntry* entry = s->Tlb + TlbEntry.Index(address);
        ulong offset = address ^ entry->Write;
        if (offset <= 4096 - (ulong)sizeof(T)) return (T*)(entry->Host + offset);
        return BeginModifySlow<T>(s, address);
    }

    /// <summary>Ends what <see cref="BeginModify"/> began. Call it with the pointer it gave, after the last change.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void EndModify<T>(CpuState* s, ulong address, T* at)
        where T : unmanaged
    {
        if ((byte*)at == s->Scratch) WriteSlow(s, address, *at);
    }

    /// <summary>As <see cref="BeginModify"/> for a locked instruction: the caller uses the host's atomics on the answer. A copy in scratch, and
    /// an operand that is not aligned to its size, is worked on under the guest's split lock until <see cref="EndLocked"/>.</summary>
    public static T* BeginLocked<T>(CpuState* s, ulong address)
        where T : unmanaged
    {
        TlbEntry* entry = s->Tlb + TlbEntry.Index(address);
        ulong offset = address ^ entry->Write;
        if (offset <= 4096 - (ulong)sizeof(T)) return (T*)(entry->Host + offset);
        T* at = BeginModifySlow<T>(s, address);
        if ((byte*)at != s->Scratch) return at;
        SoftVcpu.From(s).Mmu.EnterSplitLock();
        // Read again under the lock, so that two processors in the slow path do not lose an update.
        *at = ReadSlow<T>(s, address);
        return at;
    }

    /// <summary>Ends what <see cref="BeginLocked"/> began.</summary>
    public static void EndLocked<T>(CpuState* s, ulong address, T* at)
        where T : unmanaged
    {
        if ((byte*)at != s->Scratch) return;
        try
        {
            WriteSlow(s, address, *at);
        }
        finally
        {
            SoftVcpu.From(s).Mmu.LeaveSplitLock();
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static T ReadSlow<T>(CpuState* s, ulong address)
        where T : unmanaged
    {
        T value;
        SoftVcpu.From(s).Mmu.Read(address, (byte*)&value, sizeof(T));
        return value;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void WriteSlow<T>(CpuState* s, ulong address, T value)
        where T : unmanaged => SoftVcpu.From(s).Mmu.Write(address, (byte*)&value, sizeof(T));

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static T* BeginModifySlow<T>(CpuState* s, ulong address)
        where T : unmanaged
    {
        byte* at = SoftVcpu.From(s).Mmu.BeginModify(address, sizeof(T));
        return (T*)at;
    }
}
