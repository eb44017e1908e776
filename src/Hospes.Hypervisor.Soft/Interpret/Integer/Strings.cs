using System.Numerics;
using System.Runtime.CompilerServices;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;
using static Hospes.Hypervisor.Soft.Interpret.Integer.Registers;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

/// <summary>
/// MOVS, STOS, LODS, CMPS, SCAS with their repeat prefixes. Registers are brought up to date after each element or batch, so that a fault or an interrupt in
/// the middle resumes there. Forward moves and stores inside pages that the TLB has go by batches.
/// </summary>
internal static unsafe class Strings<T>
    where T : unmanaged, IBinaryInteger<T>
{
    private const int Rax = VcpuState.Rax, Rcx = VcpuState.Rcx, Rsi = VcpuState.Rsi, Rdi = VcpuState.Rdi, Es = 0;

    /// <summary>Elements between two looks at pending events.</summary>
    private const int Stride = 1024;

    public static void Movs(CpuState* s, Op* op)
    {
        if (op->Prefixes == OpPrefixes.None)
        {
            MoveOne(s, op);
            return;
        }
        for (int done = 0; Count(s, op) != 0; done++)
        {
            if (done >= Stride && Interrupted(s, op)) return;
            ulong batch = Forward64(s, op) ? MoveBatch(s, op) : 0;
            if (batch == 0)
            {
                MoveOne(s, op);
                batch = 1;
            }
            else
            {
                done += (int)(batch / 16);
            }
            SetCount(s, op, Count(s, op) - batch);
        }
    }

    public static void Stos(CpuState* s, Op* op)
    {
        if (op->Prefixes == OpPrefixes.None)
        {
            StoreOne(s, op);
            return;
        }
        for (int done = 0; Count(s, op) != 0; done++)
        {
            if (done >= Stride && Interrupted(s, op)) return;
            ulong batch = Forward64(s, op) ? StoreBatch(s, op) : 0;
            if (batch == 0)
            {
                StoreOne(s, op);
                batch = 1;
            }
            else
            {
                done += (int)(batch / 16);
            }
            SetCount(s, op, Count(s, op) - batch);
        }
    }

    public static void Lods(CpuState* s, Op* op)
    {
        if (op->Prefixes == OpPrefixes.None)
        {
            LoadOne(s, op);
            return;
        }
        for (int done = 0; Count(s, op) != 0; done++)
        {
            if (done >= Stride && Interrupted(s, op)) return;
            LoadOne(s, op);
            SetCount(s, op, Count(s, op) - 1);
        }
    }

    public static void Cmps(CpuState* s, Op* op)
    {
        if (op->Prefixes == OpPrefixes.None)
        {
            CompareOne(s, op);
            return;
        }
        bool whileEqual = (op->Prefixes & OpPrefixes.Repne) == 0;
        for (int done = 0; Count(s, op) != 0; done++)
        {
            if (done >= Stride && Interrupted(s, op)) return;
            CompareOne(s, op);
            SetCount(s, op, Count(s, op) - 1);
            if (Flags.Zero(s) != whileEqual) return;
        }
    }

    public static void Scas(CpuState* s, Op* op)
    {
        if (op->Prefixes == OpPrefixes.None)
        {
            ScanOne(s, op);
            return;
        }
        bool whileEqual = (op->Prefixes & OpPrefixes.Repne) == 0;
        for (int done = 0; Count(s, op) != 0; done++)
        {
            if (done >= Stride && Interrupted(s, op)) return;
            ScanOne(s, op);
            SetCount(s, op, Count(s, op) - 1);
            if (Flags.Zero(s) != whileEqual) return;
        }
    }

    private static void MoveOne(CpuState* s, Op* op)
    {
        T value = Mem.Read<T>(s, Source(s, op));
        Mem.Write(s, Destination(s, op, write: true), value);
        Advance(s, op, Rsi, 1);
        Advance(s, op, Rdi, 1);
    }

    private static void StoreOne(CpuState* s, Op* op)
    {
        Mem.Write(s, Destination(s, op, write: true), *(T*)&s->General[Rax]);
        Advance(s, op, Rdi, 1);
    }

    private static void LoadOne(CpuState* s, Op* op)
    {
        T value = Mem.Read<T>(s, Source(s, op));
        Advance(s, op, Rsi, 1);
        Set(s, Rax, value);
    }

    private static void CompareOne(CpuState* s, Op* op)
    {
        T a = Mem.Read<T>(s, Source(s, op)), b = Mem.Read<T>(s, Destination(s, op, write: false));
        SubOp.Apply(s, a, b);
        Advance(s, op, Rsi, 1);
        Advance(s, op, Rdi, 1);
    }

    private static void ScanOne(CpuState* s, Op* op)
    {
        T b = Mem.Read<T>(s, Destination(s, op, write: false));
        SubOp.Apply(s, *(T*)&s->General[Rax], b);
        Advance(s, op, Rdi, 1);
    }

    private static bool Forward64(CpuState* s, Op* op) =>
        op->AddressSize == 8 && (s->SystemFlags & Flags.Df) == 0 && (s->Mode & Mode.Code64) != 0 && op->Segment < 4;

    /// <summary>Moves as many elements as lie in one page on both sides. Answers how many; 0 when they overlap closely or the TLB lacks a page.</summary>
    private static ulong MoveBatch(CpuState* s, Op* op)
    {
        ulong from = s->General[Rsi], to = s->General[Rdi];
        TlbEntry* source = s->Tlb + ((from >> 12) & (TlbEntry.Count - 1)), target = s->Tlb + ((to >> 12) & (TlbEntry.Count - 1));
        if (source->Read != (from & TlbEntry.PageMask) || target->Write != (to & TlbEntry.PageMask)) return 0;
        ulong room = Math.Min(4096 - (from & 0xFFF), 4096 - (to & 0xFFF)) / (ulong)sizeof(T);
        ulong count = Math.Min(room, s->General[Rcx]);
        byte* a = (byte*)(from + source->Addend), b = (byte*)(to + target->Addend);
        ulong bytes = count * (ulong)sizeof(T);
        // A destination shortly behind the source repeats a pattern element by element; a block copy would not.
        if (count < 2 || (b > a && b < a + bytes)) return 0;
        Buffer.MemoryCopy(a, b, bytes, bytes);
        s->General[Rsi] = from + bytes;
        s->General[Rdi] = to + bytes;
        return count;
    }

    private static ulong StoreBatch(CpuState* s, Op* op)
    {
        ulong to = s->General[Rdi];
        TlbEntry* target = s->Tlb + ((to >> 12) & (TlbEntry.Count - 1));
        if (target->Write != (to & TlbEntry.PageMask)) return 0;
        ulong count = Math.Min((4096 - (to & 0xFFF)) / (ulong)sizeof(T), s->General[Rcx]);
        if (count < 2) return 0;
        new Span<T>((byte*)(to + target->Addend), (int)count).Fill(*(T*)&s->General[Rax]);
        s->General[Rdi] = to + count * (ulong)sizeof(T);
        return count;
    }

    private static bool Interrupted(CpuState* s, Op* op)
    {
        if (Volatile.Read(ref s->Events) == 0) return false;
        s->Rip = s->BlockRip + op->RipOffset;
        return true;
    }

    private static ulong Count(CpuState* s, Op* op) => s->General[Rcx] & Mask(op);

    private static void SetCount(CpuState* s, Op* op, ulong value) => SetSized(s, op, Rcx, value);

    private static ulong Source(CpuState* s, Op* op) =>
        Segmentation.Linear(s, op->Segment, s->General[Rsi] & Mask(op), sizeof(T), write: false);

    private static ulong Destination(CpuState* s, Op* op, bool write) =>
        Segmentation.Linear(s, Es, s->General[Rdi] & Mask(op), sizeof(T), write);

    private static ulong Mask(Op* op) => op->AddressSize == 8 ? ulong.MaxValue : op->AddressSize == 4 ? uint.MaxValue : (ulong)ushort.MaxValue;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Advance(CpuState* s, Op* op, int register, int elements)
    {
        long step = (s->SystemFlags & Flags.Df) != 0 ? -sizeof(T) : sizeof(T);
        SetSized(s, op, register, s->General[register] + (ulong)(step * elements));
    }

    private static void SetSized(CpuState* s, Op* op, int register, ulong value)
    {
        if (op->AddressSize == 2) *(ushort*)&s->General[register] = (ushort)value;
        else s->General[register] = op->AddressSize == 4 ? (uint)value : value;
    }
}
