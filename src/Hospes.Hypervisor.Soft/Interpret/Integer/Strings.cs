using System.Runtime.CompilerServices;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

/// <summary>
/// MOVS, STOS, LODS, SCAS and CMPS. Repeated moves and stores work on the host's memory, a page at a time; an element that can't (it crosses
/// a page, misses the TLB, or touches a device) is done alone and the instruction then starts again, so that no answer of a device
/// outlives its element.
/// </summary>
internal static unsafe class Strings<T>
    where T : unmanaged
{
    // SAFETY: batches touch only whole elements inside the two pages whose TLB entries were just checked.
    private const int ElementsBetweenLooks = 1024;

    private static int Size => sizeof(T);

    public static void Move(CpuState* s, Op* op)
    {
        if (!StringPointers.Repeats(op))
        {
            MoveOne(s, op);
            return;
        }
        while (StringPointers.Count(s, op) is > 0 and ulong count)
        {
            ulong done = MoveBatch(s, op, count);
            bool alone = done == 0;
            if (alone)
            {
                MoveOne(s, op);
                done = 1;
            }
            StringPointers.SetCount(s, op, count - done);
            if (count != done && (alone || StringPointers.Interrupted(s)))
            {
                StringPointers.StartAgain(s, op);
                return;
            }
        }
    }

    public static void Store(CpuState* s, Op* op)
    {
        if (!StringPointers.Repeats(op))
        {
            StoreOne(s, op);
            return;
        }
        while (StringPointers.Count(s, op) is > 0 and ulong count)
        {
            ulong done = StoreBatch(s, op, count);
            bool alone = done == 0;
            if (alone)
            {
                StoreOne(s, op);
                done = 1;
            }
            StringPointers.SetCount(s, op, count - done);
            if (count != done && (alone || StringPointers.Interrupted(s)))
            {
                StringPointers.StartAgain(s, op);
                return;
            }
        }
    }

    public static void Load(CpuState* s, Op* op)
    {
        if (!StringPointers.Repeats(op))
        {
            LoadOne(s, op);
            return;
        }
        for (int i = 1; StringPointers.Count(s, op) is > 0 and ulong count; i++)
        {
            LoadOne(s, op);
            StringPointers.SetCount(s, op, count - 1);
            if (Pauses(s, op, i, count)) return;
        }
    }

    public static void Scan(CpuState* s, Op* op)
    {
        if (!StringPointers.Repeats(op))
        {
            ScanOne(s, op);
            return;
        }
        bool whileEqual = (op->Prefixes & OpPrefixes.Repne) == 0;
        for (int i = 1; StringPointers.Count(s, op) is > 0 and ulong count; i++)
        {
            ScanOne(s, op);
            StringPointers.SetCount(s, op, count - 1);
            if (Flags.Zero(s) != whileEqual || Pauses(s, op, i, count)) return;
        }
    }

    public static void Compare(CpuState* s, Op* op)
    {
        if (!StringPointers.Repeats(op))
        {
            CompareOne(s, op);
            return;
        }
        bool whileEqual = (op->Prefixes & OpPrefixes.Repne) == 0;
        for (int i = 1; StringPointers.Count(s, op) is > 0 and ulong count; i++)
        {
            CompareOne(s, op);
            StringPointers.SetCount(s, op, count - 1);
            if (Flags.Zero(s) != whileEqual || Pauses(s, op, i, count)) return;
        }
    }

    /// <summary>Whether to leave with elements to go; the instruction then continues from its registers.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool Pauses(CpuState* s, Op* op, int done, ulong countBefore)
    {
        if ((done % ElementsBetweenLooks != 0 && (s->Mode & Mode.SingleStep) == 0) || countBefore == 1 || !StringPointers.Interrupted(s)) return false;
        StringPointers.StartAgain(s, op);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void MoveOne(CpuState* s, Op* op)
    {
        ulong source = StringPointers.Source(s, op, Size);
        ulong destination = StringPointers.Destination(s, op, Size, write: true);
        Mem.Write(s, destination, Mem.Read<T>(s, source));
        StringPointers.AdvanceSource(s, op, Size, 1);
        StringPointers.AdvanceDestination(s, op, Size, 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void StoreOne(CpuState* s, Op* op)
    {
        ulong destination = StringPointers.Destination(s, op, Size, write: true);
        Mem.Write(s, destination, Width.Narrow<T>(s->General[0]));
        StringPointers.AdvanceDestination(s, op, Size, 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void LoadOne(CpuState* s, Op* op)
    {
        ulong value = Width.Widen(Mem.Read<T>(s, StringPointers.Source(s, op, Size)));
        Register.Set<T>(s, Register.Rax, value);
        StringPointers.AdvanceSource(s, op, Size, 1);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void ScanOne(CpuState* s, Op* op)
    {
        ulong b = Width.Widen(Mem.Read<T>(s, StringPointers.Destination(s, op, Size, write: false)));
        ulong a = Register.Get<T>(s, Register.Rax);
        StringPointers.AdvanceDestination(s, op, Size, 1);
        Flags.SetSub(s, a, b, a - b, Width.Bits<T>());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CompareOne(CpuState* s, Op* op)
    {
        ulong a = Width.Widen(Mem.Read<T>(s, StringPointers.Source(s, op, Size)));
        ulong b = Width.Widen(Mem.Read<T>(s, StringPointers.Destination(s, op, Size, write: false)));
        StringPointers.AdvanceSource(s, op, Size, 1);
        StringPointers.AdvanceDestination(s, op, Size, 1);
        Flags.SetSub(s, a, b, a - b, Width.Bits<T>());
    }

    /// <summary>Moves as many elements as plain memory allows without a further look; 0 when not even one.</summary>
    private static ulong MoveBatch(CpuState* s, Op* op, ulong count)
    {
        if ((s->Mode & Mode.SingleStep) != 0) return 0;
        ulong source = StringPointers.Source(s, op, Size);
        ulong destination = StringPointers.Destination(s, op, Size, write: true);
        byte* from = StringPointers.Readable(s, source), to = StringPointers.Writable(s, destination);
        if (from == null || to == null) return 0;
        ulong n = Math.Min(count, Math.Min(
            StringPointers.Contiguous(s, op, op->Segment, s->General[6], source, Size),
            StringPointers.Contiguous(s, op, 0, s->General[7], destination, Size)));
        ulong bytes = n * (ulong)Size;
        if (StringPointers.Down(s))
        {
            for (ulong i = 0; i < n; i++, from -= Size, to -= Size) Unsafe.WriteUnaligned(to, Unsafe.ReadUnaligned<T>(from));
        }
        else if (to > from && (ulong)(to - from) < bytes)
        {
            // The elements written are read again further on: a pattern is being spread.
            for (ulong i = 0; i < n; i++, from += Size, to += Size) Unsafe.WriteUnaligned(to, Unsafe.ReadUnaligned<T>(from));
        }
        else
        {
            Buffer.MemoryCopy(from, to, bytes, bytes);
        }
        StringPointers.AdvanceSource(s, op, Size, n);
        StringPointers.AdvanceDestination(s, op, Size, n);
        return n;
    }

    /// <summary>As <see cref="MoveBatch"/> for STOS.</summary>
    private static ulong StoreBatch(CpuState* s, Op* op, ulong count)
    {
        if ((s->Mode & Mode.SingleStep) != 0) return 0;
        ulong destination = StringPointers.Destination(s, op, Size, write: true);
        byte* to = StringPointers.Writable(s, destination);
        if (to == null) return 0;
        ulong n = Math.Min(count, StringPointers.Contiguous(s, op, 0, s->General[7], destination, Size));
        if (n == 0) return 0;
        byte* lowest = StringPointers.Down(s) ? to - (n - 1) * (ulong)Size : to;
        new Span<T>(lowest, (int)n).Fill(Width.Narrow<T>(s->General[0]));
        StringPointers.AdvanceDestination(s, op, Size, n);
        return n;
    }
}
