using System.Runtime.Intrinsics;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Interpret.Simd;

/// <summary>MOVD, MOVQ, PINSRW, PEXTRW, PMOVMSKB and the like on MMX registers.</summary>
internal static unsafe class MmxMoves
{
    // SAFETY: general registers are byte offsets inside CpuState, made by the decoder.

    /// <summary>MOVQ between MMX registers.</summary>
    public static void Register(CpuState* s, Op* op)
    {
        MmxState.Check(s);
        Set(s, op, MmxState.Read(s, op->Reg1));
    }

    public static void Load32(CpuState* s, Op* op)
    {
        MmxState.Check(s);
        Set(s, op, Mem.Read<uint>(s, Mem.Address(s, op)));
    }

    public static void Load64(CpuState* s, Op* op)
    {
        MmxState.Check(s);
        Set(s, op, Mem.Read<ulong>(s, Mem.Address(s, op)));
    }

    public static void FromGeneral32(CpuState* s, Op* op)
    {
        MmxState.Check(s);
        Set(s, op, *(uint*)((byte*)s + op->Reg1));
    }

    public static void FromGeneral64(CpuState* s, Op* op)
    {
        MmxState.Check(s);
        Set(s, op, *(ulong*)((byte*)s + op->Reg1));
    }

    public static void Store32(CpuState* s, Op* op)
    {
        MmxState.Check(s);
        Mem.Write(s, Mem.Address(s, op), (uint)MmxState.Read(s, op->Reg1));
        MmxState.Enter(s);
    }

    /// <summary>MOVQ, MOVNTQ.</summary>
    public static void Store64(CpuState* s, Op* op)
    {
        MmxState.Check(s);
        Mem.Write(s, Mem.Address(s, op), MmxState.Read(s, op->Reg1));
        MmxState.Enter(s);
    }

    public static void ToGeneral32(CpuState* s, Op* op) => SetGeneral(s, op, (uint)Source(s, op));

    public static void ToGeneral64(CpuState* s, Op* op) => SetGeneral(s, op, Source(s, op));

    /// <summary>MOVQ2DQ.</summary>
    public static void ToXmm(CpuState* s, Op* op)
    {
        ulong value = Source(s, op);
        MmxState.Enter(s);
        *VectorState.Xmm(s, op->Reg0) = Vector128.CreateScalar(value).AsByte();
    }

    /// <summary>MOVDQ2Q.</summary>
    public static void FromXmm(CpuState* s, Op* op)
    {
        MmxState.Check(s);
        Set(s, op, *(ulong*)VectorState.Xmm(s, op->Reg1));
    }

    /// <summary>PMOVMSKB.</summary>
    public static void ByteMask(CpuState* s, Op* op) =>
        SetGeneral(s, op, Vector128.CreateScalar(Source(s, op)).AsByte().ExtractMostSignificantBits());

    /// <summary>PEXTRW.</summary>
    public static void Extract(CpuState* s, Op* op) => SetGeneral(s, op, (ushort)(Source(s, op) >> Position(op)));

    /// <summary>PINSRW.</summary>
    public static void Insert(CpuState* s, Op* op)
    {
        MmxState.Check(s);
        Insert(s, op, *(ushort*)((byte*)s + op->Reg1));
    }

    public static void InsertMemory(CpuState* s, Op* op)
    {
        MmxState.Check(s);
        Insert(s, op, Mem.Read<ushort>(s, Mem.Address(s, op)));
    }

    /// <summary>EMMS.</summary>
    public static void Empty(CpuState* s, Op* op)
    {
        MmxState.Check(s);
        MmxState.Leave(s);
    }

    private static void Insert(CpuState* s, Op* op, ushort word) =>
        Set(s, op, (MmxState.Read(s, op->Reg0) & ~((ulong)ushort.MaxValue << Position(op))) | (ulong)word << Position(op));

    private static int Position(Op* op) => ((int)op->Imm & 3) * 16;

    private static ulong Source(CpuState* s, Op* op)
    {
        MmxState.Check(s);
        return MmxState.Read(s, op->Reg1);
    }

    private static void Set(CpuState* s, Op* op, ulong value)
    {
        MmxState.Enter(s);
        MmxState.Write(s, op->Reg0, value);
    }

    private static void SetGeneral(CpuState* s, Op* op, ulong value)
    {
        MmxState.Enter(s);
        *(ulong*)((byte*)s + op->Reg0) = value;
    }
}
