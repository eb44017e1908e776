using System.Runtime.Intrinsics;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;
using Lane = System.Runtime.Intrinsics.Vector128<byte>;

namespace Hospes.Hypervisor.Soft.Interpret.Simd;

/// <summary>PTEST, VTESTPS, VTESTPD: ZF when no bit is set in both, CF when the first covers the second; all or only sign bits.</summary>
/// <typeparam name="T">byte: all bits count; float or double: only the signs of such elements do.</typeparam>
internal static unsafe class VectorTests<T>
    where T : unmanaged
{
    public static void Register(CpuState* s, Op* op) => Test(s, *VectorState.Xmm(s, op->Reg0), *VectorState.Xmm(s, op->Reg1));

    public static void LegacyMemory(CpuState* s, Op* op)
    {
        Lane source = VectorState.LoadLegacy<Lane>(s, op);
        Test(s, *VectorState.Xmm(s, op->Reg0), source);
    }

    public static void Memory(CpuState* s, Op* op)
    {
        Lane source = VectorState.Load<Lane>(s, op);
        Test(s, *VectorState.Xmm(s, op->Reg0), source);
    }

    public static void YmmRegister(CpuState* s, Op* op) => Test(s, *VectorState.Ymm(s, op->Reg0), *VectorState.Ymm(s, op->Reg1));

    public static void YmmMemory(CpuState* s, Op* op)
    {
        Vector256<byte> source = Mem.Read<Vector256<byte>>(s, Mem.Address(s, op));
        Test(s, *VectorState.Ymm(s, op->Reg0), source);
    }

    private static void Test(CpuState* s, Lane a, Lane b) => SetFlags(s, IsClear(a & b), IsClear(~a & b));

    private static void Test(CpuState* s, Vector256<byte> a, Vector256<byte> b)
    {
        Vector256<byte> both = a & b;
        Vector256<byte> outside = ~a & b;
        SetFlags(s, IsClear(both.GetLower()) && IsClear(both.GetUpper()), IsClear(outside.GetLower()) && IsClear(outside.GetUpper()));
    }

    private static bool IsClear(Lane lane) =>
        sizeof(T) == 1 ? lane == Lane.Zero : lane.As<byte, T>().ExtractMostSignificantBits() == 0;

    private static void SetFlags(CpuState* s, bool zero, bool carry) =>
        Flags.WriteArithmetic(s, (zero ? Flags.Zf : 0) | (carry ? Flags.Cf : 0));
}

/// <summary>PBLENDVB, BLENDVPS, BLENDVPD: elements of the second source where the mask's element is negative.</summary>
/// <typeparam name="T">A signed integer as wide as the element.</typeparam>
internal static unsafe class VariableBlend<T>
    where T : unmanaged
{
    /// <summary>Legacy forms take the mask from XMM0.</summary>
    public static void Register(CpuState* s, Op* op) => Legacy(s, op, *VectorState.Xmm(s, op->Reg1));

    public static void Memory(CpuState* s, Op* op) => Legacy(s, op, VectorState.LoadLegacy<Lane>(s, op));

    public static void VexRegister(CpuState* s, Op* op) =>
        VectorState.SetZeroUpper(s, op->Reg0, Select(*VectorState.Xmm(s, op->Reg1), *VectorState.Xmm(s, op->Reg2), *VectorState.Xmm(s, op->Reg3)));

    public static void VexMemory(CpuState* s, Op* op) =>
        VectorState.SetZeroUpper(s, op->Reg0, Select(*VectorState.Xmm(s, op->Reg1), VectorState.Load<Lane>(s, op), *VectorState.Xmm(s, op->Reg3)));

    public static void YmmRegister(CpuState* s, Op* op) => Ymm(s, op, *VectorState.Ymm(s, op->Reg2));

    public static void YmmMemory(CpuState* s, Op* op) => Ymm(s, op, Mem.Read<Vector256<byte>>(s, Mem.Address(s, op)));

    private static void Legacy(CpuState* s, Op* op, Lane source)
    {
        Lane* destination = VectorState.Xmm(s, op->Reg0);
        *destination = Select(*destination, source, *VectorState.Xmm(s, 0));
    }

    private static void Ymm(CpuState* s, Op* op, Vector256<byte> source)
    {
        Lane lower = Select(*VectorState.Xmm(s, op->Reg1), source.GetLower(), *VectorState.Xmm(s, op->Reg3));
        Lane upper = Select(*VectorState.YmmUpper(s, op->Reg1), source.GetUpper(), *VectorState.YmmUpper(s, op->Reg3));
        VectorState.SetYmm(s, op->Reg0, lower, upper);
    }

    private static Lane Select(Lane a, Lane b, Lane mask) =>
        Vector128.ConditionalSelect(Vector128.LessThan(mask.As<byte, T>(), Vector128<T>.Zero).AsByte(), b, a);
}
