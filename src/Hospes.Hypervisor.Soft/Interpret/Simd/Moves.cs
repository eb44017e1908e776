using System.Runtime.Intrinsics;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;
using Lane = System.Runtime.Intrinsics.Vector128<byte>;

namespace Hospes.Hypervisor.Soft.Interpret.Simd;

/// <summary>Moves of whole vectors between registers and memory, legacy and VEX.</summary>
internal static unsafe class Moves
{
    public static void Xmm(CpuState* s, Op* op) => *VectorState.Xmm(s, op->Reg0) = *VectorState.Xmm(s, op->Reg1);

    public static void XmmZeroUpper(CpuState* s, Op* op) => VectorState.SetZeroUpper(s, op->Reg0, *VectorState.Xmm(s, op->Reg1));

    public static void Ymm(CpuState* s, Op* op) => *VectorState.Ymm(s, op->Reg0) = *VectorState.Ymm(s, op->Reg1);

    public static void LoadXmm(CpuState* s, Op* op) => *VectorState.Xmm(s, op->Reg0) = Mem.Read<Lane>(s, Mem.Address(s, op));

    public static void LoadXmmAligned(CpuState* s, Op* op) =>
        *VectorState.Xmm(s, op->Reg0) = Mem.Read<Lane>(s, VectorState.AlignedAddress(s, op, 16));

    public static void LoadXmmZeroUpper(CpuState* s, Op* op) =>
        VectorState.SetZeroUpper(s, op->Reg0, Mem.Read<Lane>(s, Mem.Address(s, op)));

    public static void LoadXmmAlignedZeroUpper(CpuState* s, Op* op) =>
        VectorState.SetZeroUpper(s, op->Reg0, Mem.Read<Lane>(s, VectorState.AlignedAddress(s, op, 16)));

    public static void LoadYmm(CpuState* s, Op* op) => *VectorState.Ymm(s, op->Reg0) = Mem.Read<Vector256<byte>>(s, Mem.Address(s, op));

    public static void LoadYmmAligned(CpuState* s, Op* op) =>
        *VectorState.Ymm(s, op->Reg0) = Mem.Read<Vector256<byte>>(s, VectorState.AlignedAddress(s, op, 32));

    public static void StoreXmm(CpuState* s, Op* op) => Mem.Write(s, Mem.Address(s, op), *VectorState.Xmm(s, op->Reg1));

    public static void StoreXmmAligned(CpuState* s, Op* op) =>
        Mem.Write(s, VectorState.AlignedAddress(s, op, 16), *VectorState.Xmm(s, op->Reg1));

    public static void StoreYmm(CpuState* s, Op* op) => Mem.Write(s, Mem.Address(s, op), *VectorState.Ymm(s, op->Reg1));

    public static void StoreYmmAligned(CpuState* s, Op* op) =>
        Mem.Write(s, VectorState.AlignedAddress(s, op, 32), *VectorState.Ymm(s, op->Reg1));

    /// <summary>VZEROUPPER: only the eight low registers outside 64-bit mode.</summary>
    public static void ZeroUpper(CpuState* s, Op* op)
    {
        for (int i = 0; i < RegisterCount(s); i++) *VectorState.YmmUpper(s, i) = Lane.Zero;
    }

    /// <summary>VZEROALL: only the eight low registers outside 64-bit mode.</summary>
    public static void ZeroAll(CpuState* s, Op* op)
    {
        for (int i = 0; i < RegisterCount(s); i++) *VectorState.Ymm(s, i) = Vector256<byte>.Zero;
    }

    private static int RegisterCount(CpuState* s) => (s->Mode & Mode.Code64) != 0 ? 16 : 8;
}
