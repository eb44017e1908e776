using System.Runtime.Intrinsics;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Floating;
using Hospes.Hypervisor.Soft.Memory;
using Lane = System.Runtime.Intrinsics.Vector128<byte>;

namespace Hospes.Hypervisor.Soft.Interpret.Simd;

/// <summary>Which of the three operands are multiplied and which is added (SDM vol. 2, VFMADD132PS).</summary>
internal interface IFusedOrder
{
    /// <summary>Answers the two factors and the addend for operands 1 (destination), 2 and 3.</summary>
    static abstract (T X, T Y, T Z) Arrange<T>(T first, T second, T third);
}

/// <summary>1 × 3 + 2.</summary>
internal readonly struct Order132 : IFusedOrder
{
    public static (T X, T Y, T Z) Arrange<T>(T first, T second, T third) => (first, third, second);
}

/// <summary>2 × 1 + 3.</summary>
internal readonly struct Order213 : IFusedOrder
{
    public static (T X, T Y, T Z) Arrange<T>(T first, T second, T third) => (second, first, third);
}

/// <summary>2 × 3 + 1.</summary>
internal readonly struct Order231 : IFusedOrder
{
    public static (T X, T Y, T Z) Arrange<T>(T first, T second, T third) => (second, third, first);
}

/// <summary>What is negated before the addition.</summary>
internal interface IFusedSigns
{
    static abstract bool NegatesProduct { get; }

    static abstract bool NegatesEvenAddend { get; }

    static abstract bool NegatesOddAddend { get; }
}

/// <summary>VFMADD.</summary>
internal readonly struct FusedAdd : IFusedSigns
{
    public static bool NegatesProduct => false;

    public static bool NegatesEvenAddend => false;

    public static bool NegatesOddAddend => false;
}

/// <summary>VFMSUB.</summary>
internal readonly struct FusedSubtract : IFusedSigns
{
    public static bool NegatesProduct => false;

    public static bool NegatesEvenAddend => true;

    public static bool NegatesOddAddend => true;
}

/// <summary>VFNMADD.</summary>
internal readonly struct FusedNegatedAdd : IFusedSigns
{
    public static bool NegatesProduct => true;

    public static bool NegatesEvenAddend => false;

    public static bool NegatesOddAddend => false;
}

/// <summary>VFNMSUB.</summary>
internal readonly struct FusedNegatedSubtract : IFusedSigns
{
    public static bool NegatesProduct => true;

    public static bool NegatesEvenAddend => true;

    public static bool NegatesOddAddend => true;
}

/// <summary>VFMADDSUB: odd elements are added, even ones subtracted.</summary>
internal readonly struct FusedAddSubtract : IFusedSigns
{
    public static bool NegatesProduct => false;

    public static bool NegatesEvenAddend => true;

    public static bool NegatesOddAddend => false;
}

/// <summary>VFMSUBADD: odd elements are subtracted, even ones added.</summary>
internal readonly struct FusedSubtractAdd : IFusedSigns
{
    public static bool NegatesProduct => false;

    public static bool NegatesEvenAddend => false;

    public static bool NegatesOddAddend => true;
}

/// <summary>The FMA instructions of one kind and one order.</summary>
internal static unsafe class Fused<TSigns, TOrder>
    where TSigns : struct, IFusedSigns
    where TOrder : struct, IFusedOrder
{
    public static void Singles(CpuState* s, Op* op) => Singles(s, op, *VectorState.Xmm(s, op->Reg2));

    public static void SinglesMemory(CpuState* s, Op* op) => Singles(s, op, VectorState.Load<Lane>(s, op));

    public static void SinglesYmm(CpuState* s, Op* op) => Singles(s, op, *VectorState.Ymm(s, op->Reg2));

    public static void SinglesYmmMemory(CpuState* s, Op* op) => Singles(s, op, Mem.Read<Vector256<byte>>(s, Mem.Address(s, op)));

    public static void Doubles(CpuState* s, Op* op) => Doubles(s, op, *VectorState.Xmm(s, op->Reg2));

    public static void DoublesMemory(CpuState* s, Op* op) => Doubles(s, op, VectorState.Load<Lane>(s, op));

    public static void DoublesYmm(CpuState* s, Op* op) => Doubles(s, op, *VectorState.Ymm(s, op->Reg2));

    public static void DoublesYmmMemory(CpuState* s, Op* op) => Doubles(s, op, Mem.Read<Vector256<byte>>(s, Mem.Address(s, op)));

    public static void Single(CpuState* s, Op* op) => Single(s, op, *(uint*)VectorState.Xmm(s, op->Reg2));

    public static void SingleMemory(CpuState* s, Op* op) => Single(s, op, Mem.Read<uint>(s, Mem.Address(s, op)));

    public static void Double(CpuState* s, Op* op) => Double(s, op, *(ulong*)VectorState.Xmm(s, op->Reg2));

    public static void DoubleMemory(CpuState* s, Op* op) => Double(s, op, Mem.Read<ulong>(s, Mem.Address(s, op)));

    private static void Singles(CpuState* s, Op* op, Lane third)
    {
        FloatStatus status = new(s->Mxcsr);
        Lane result = Singles(*VectorState.Xmm(s, op->Reg0), *VectorState.Xmm(s, op->Reg1), third, ref status);
        FloatExceptions.Commit(s, status);
        VectorState.SetZeroUpper(s, op->Reg0, result);
    }

    private static void Singles(CpuState* s, Op* op, Vector256<byte> third)
    {
        FloatStatus status = new(s->Mxcsr);
        Lane lower = Singles(*VectorState.Xmm(s, op->Reg0), *VectorState.Xmm(s, op->Reg1), third.GetLower(), ref status);
        Lane upper = Singles(*VectorState.YmmUpper(s, op->Reg0), *VectorState.YmmUpper(s, op->Reg1), third.GetUpper(), ref status);
        FloatExceptions.Commit(s, status);
        VectorState.SetYmm(s, op->Reg0, lower, upper);
    }

    private static void Doubles(CpuState* s, Op* op, Lane third)
    {
        FloatStatus status = new(s->Mxcsr);
        Lane result = Doubles(*VectorState.Xmm(s, op->Reg0), *VectorState.Xmm(s, op->Reg1), third, ref status);
        FloatExceptions.Commit(s, status);
        VectorState.SetZeroUpper(s, op->Reg0, result);
    }

    private static void Doubles(CpuState* s, Op* op, Vector256<byte> third)
    {
        FloatStatus status = new(s->Mxcsr);
        Lane lower = Doubles(*VectorState.Xmm(s, op->Reg0), *VectorState.Xmm(s, op->Reg1), third.GetLower(), ref status);
        Lane upper = Doubles(*VectorState.YmmUpper(s, op->Reg0), *VectorState.YmmUpper(s, op->Reg1), third.GetUpper(), ref status);
        FloatExceptions.Commit(s, status);
        VectorState.SetYmm(s, op->Reg0, lower, upper);
    }

    private static void Single(CpuState* s, Op* op, uint third)
    {
        FloatStatus status = new(s->Mxcsr);
        uint result = Element(*(uint*)VectorState.Xmm(s, op->Reg0), *(uint*)VectorState.Xmm(s, op->Reg1), third, odd: false, ref status);
        FloatExceptions.Commit(s, status);
        VectorState.SetZeroUpper(s, op->Reg0, VectorState.Xmm(s, op->Reg0)->AsUInt32().WithElement(0, result).AsByte());
    }

    private static void Double(CpuState* s, Op* op, ulong third)
    {
        FloatStatus status = new(s->Mxcsr);
        ulong result = Element(*(ulong*)VectorState.Xmm(s, op->Reg0), *(ulong*)VectorState.Xmm(s, op->Reg1), third, odd: false, ref status);
        FloatExceptions.Commit(s, status);
        VectorState.SetZeroUpper(s, op->Reg0, VectorState.Xmm(s, op->Reg0)->AsUInt64().WithElement(0, result).AsByte());
    }

    private static Lane Singles(Lane first, Lane second, Lane third, ref FloatStatus status)
    {
        Vector128<uint> a = first.AsUInt32();
        Vector128<uint> b = second.AsUInt32();
        Vector128<uint> c = third.AsUInt32();
        uint r0 = Element(a.GetElement(0), b.GetElement(0), c.GetElement(0), odd: false, ref status);
        uint r1 = Element(a.GetElement(1), b.GetElement(1), c.GetElement(1), odd: true, ref status);
        uint r2 = Element(a.GetElement(2), b.GetElement(2), c.GetElement(2), odd: false, ref status);
        uint r3 = Element(a.GetElement(3), b.GetElement(3), c.GetElement(3), odd: true, ref status);
        return Vector128.Create(r0, r1, r2, r3).AsByte();
    }

    private static Lane Doubles(Lane first, Lane second, Lane third, ref FloatStatus status)
    {
        Vector128<ulong> a = first.AsUInt64();
        Vector128<ulong> b = second.AsUInt64();
        Vector128<ulong> c = third.AsUInt64();
        ulong r0 = Element(a.GetElement(0), b.GetElement(0), c.GetElement(0), odd: false, ref status);
        ulong r1 = Element(a.GetElement(1), b.GetElement(1), c.GetElement(1), odd: true, ref status);
        return Vector128.Create(r0, r1).AsByte();
    }

    private static uint Element(uint first, uint second, uint third, bool odd, ref FloatStatus status)
    {
        (uint x, uint y, uint z) = TOrder.Arrange(first, second, third);
        if (TSigns.NegatesProduct) x = Negate(x);
        if (odd ? TSigns.NegatesOddAddend : TSigns.NegatesEvenAddend) z = Negate(z);
        return Float32.MultiplyAdd(x, y, z, ref status);
    }

    private static ulong Element(ulong first, ulong second, ulong third, bool odd, ref FloatStatus status)
    {
        (ulong x, ulong y, ulong z) = TOrder.Arrange(first, second, third);
        if (TSigns.NegatesProduct) x = Negate(x);
        if (odd ? TSigns.NegatesOddAddend : TSigns.NegatesEvenAddend) z = Negate(z);
        return Float64.MultiplyAdd(x, y, z, ref status);
    }

    // A NaN that is handed on keeps its sign.
    private static uint Negate(uint value) => Interchange<Binary32>.IsNaN(value) ? value : value ^ (uint)Interchange<Binary32>.Sign;

    private static ulong Negate(ulong value) => Interchange<Binary64>.IsNaN(value) ? value : value ^ Interchange<Binary64>.Sign;
}
