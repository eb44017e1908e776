using System.Runtime.Intrinsics;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;
using Lane = System.Runtime.Intrinsics.Vector128<byte>;

namespace Hospes.Hypervisor.Soft.Interpret.Simd;

/// <summary>AVX and AVX2 instructions that move lanes or move elements across lanes.</summary>
internal static unsafe class LaneMoves
{
    /// <summary>VBROADCASTF128, VBROADCASTI128.</summary>
    public static void Broadcast(CpuState* s, Op* op)
    {
        Lane lane = VectorState.Load<Lane>(s, op);
        VectorState.SetYmm(s, op->Reg0, lane, lane);
    }

    /// <summary>VINSERTF128, VINSERTI128.</summary>
    public static void Insert(CpuState* s, Op* op) => Insert(s, op, *VectorState.Xmm(s, op->Reg2));

    public static void InsertMemory(CpuState* s, Op* op) => Insert(s, op, VectorState.Load<Lane>(s, op));

    /// <summary>VEXTRACTF128, VEXTRACTI128.</summary>
    public static void Extract(CpuState* s, Op* op) => VectorState.SetZeroUpper(s, op->Reg0, Chosen(s, op));

    public static void ExtractMemory(CpuState* s, Op* op) => Mem.Write(s, Mem.Address(s, op), Chosen(s, op));

    /// <summary>VPERM2F128, VPERM2I128: each half is one of four lanes or zero.</summary>
    public static void Permute2(CpuState* s, Op* op) => Permute2(s, op, *VectorState.Ymm(s, op->Reg2));

    public static void Permute2Memory(CpuState* s, Op* op) => Permute2(s, op, Mem.Read<Vector256<byte>>(s, Mem.Address(s, op)));

    /// <summary>VPERMQ, VPERMPD.</summary>
    public static void PermuteQuadwords(CpuState* s, Op* op) => PermuteQuadwords(s, op, *VectorState.Ymm(s, op->Reg1));

    public static void PermuteQuadwordsMemory(CpuState* s, Op* op) =>
        PermuteQuadwords(s, op, Mem.Read<Vector256<byte>>(s, Mem.Address(s, op)));

    /// <summary>VPERMD, VPERMPS: indices in the first source.</summary>
    public static void PermuteDoublewords(CpuState* s, Op* op) => PermuteDoublewords(s, op, *VectorState.Ymm(s, op->Reg2));

    public static void PermuteDoublewordsMemory(CpuState* s, Op* op) =>
        PermuteDoublewords(s, op, Mem.Read<Vector256<byte>>(s, Mem.Address(s, op)));

    private static void Insert(CpuState* s, Op* op, Lane lane)
    {
        Vector256<byte> value = *VectorState.Ymm(s, op->Reg1);
        *VectorState.Ymm(s, op->Reg0) = (op->Imm & 1) != 0 ? value.WithUpper(lane) : value.WithLower(lane);
    }

    private static Lane Chosen(CpuState* s, Op* op) =>
        (op->Imm & 1) != 0 ? *VectorState.YmmUpper(s, op->Reg1) : *VectorState.Xmm(s, op->Reg1);

    private static void Permute2(CpuState* s, Op* op, Vector256<byte> second)
    {
        Vector256<byte> first = *VectorState.Ymm(s, op->Reg1);
        VectorState.SetYmm(s, op->Reg0, Choose(first, second, (int)op->Imm), Choose(first, second, (int)op->Imm >> 4));
    }

    private static Lane Choose(Vector256<byte> first, Vector256<byte> second, int selector)
    {
        const int Zero = 8;
        if ((selector & Zero) != 0) return Lane.Zero;
        Vector256<byte> source = (selector & 2) != 0 ? second : first;
        return (selector & 1) != 0 ? source.GetUpper() : source.GetLower();
    }

    private static void PermuteQuadwords(CpuState* s, Op* op, Vector256<byte> source)
    {
        int control = (int)op->Imm;
        // SAFETY: every index is masked to 0 to 3.
        ulong* elements = (ulong*)&source;
        *VectorState.Ymm(s, op->Reg0) = Vector256.Create(
            elements[control & 3], elements[(control >> 2) & 3], elements[(control >> 4) & 3], elements[(control >> 6) & 3]).AsByte();
    }

    private static void PermuteDoublewords(CpuState* s, Op* op, Vector256<byte> source)
    {
        Vector256<uint> indices = VectorState.Ymm(s, op->Reg1)->AsUInt32() & Vector256.Create(7U);
        *VectorState.Ymm(s, op->Reg0) = Vector256.Shuffle(source.AsUInt32(), indices).AsByte();
    }
}
