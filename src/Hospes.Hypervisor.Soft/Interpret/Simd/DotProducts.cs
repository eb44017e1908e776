using System.Runtime.Intrinsics;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Floating;
using Hospes.Hypervisor.Soft.Memory;
using Lane = System.Runtime.Intrinsics.Vector128<byte>;

namespace Hospes.Hypervisor.Soft.Interpret.Simd;

/// <summary>
/// DPPS: products that the immediate's high bits choose, added in pairs, to the elements that its low bits choose. It works in three
/// steps; a step that raises an unmasked exception is the last one.
/// </summary>
internal readonly struct DotSingles : IFloatLane
{
    public static Lane Apply(Lane a, Lane b, byte immediate, ref FloatStatus status)
    {
        Lane products = Multiply(a, b, immediate, ref status);
        if (status.Unmasked != 0) return default;
        status.Settle();
        Vector64<uint> sums = AddPairs(products, ref status);
        if (status.Unmasked != 0) return default;
        status.Settle();
        return Spread(sums, immediate, ref status);
    }

    /// <summary>What is not chosen is not multiplied, so that it raises nothing.</summary>
    internal static Lane Multiply(Lane a, Lane b, byte immediate, ref FloatStatus status)
    {
        Lane x = Blend<uint>.Apply(default, a, (byte)(immediate >> 4));
        Lane y = Blend<uint>.Apply(default, b, (byte)(immediate >> 4));
        return PackedSingles<FloatMultiply>.Apply(x, y, 0, ref status);
    }

    internal static Vector64<uint> AddPairs(Lane products, ref FloatStatus status)
    {
        Vector128<uint> p = products.AsUInt32();
        uint lower = Float32.Add(p.GetElement(0), p.GetElement(1), ref status);
        uint upper = Float32.Add(p.GetElement(2), p.GetElement(3), ref status);
        return Vector64.Create(lower, upper);
    }

    internal static Lane Spread(Vector64<uint> sums, byte immediate, ref FloatStatus status)
    {
        uint sum = Float32.Add(sums.GetElement(0), sums.GetElement(1), ref status);
        return Blend<uint>.Apply(default, Vector128.Create(sum).AsByte(), immediate);
    }
}

/// <summary>VDPPS of YMM registers: each step is made for both lanes before the next one begins.</summary>
internal static unsafe class DotSinglesYmm
{
    public static void Register(CpuState* s, Op* op) => Apply(s, op, *VectorState.Ymm(s, op->Reg2));

    public static void Memory(CpuState* s, Op* op) => Apply(s, op, Mem.Read<Vector256<byte>>(s, Mem.Address(s, op)));

    private static void Apply(CpuState* s, Op* op, Vector256<byte> b)
    {
        Vector256<byte> a = *VectorState.Ymm(s, op->Reg1);
        byte immediate = (byte)op->Imm;
        FloatStatus status = new(s->Mxcsr);
        Lane lower = DotSingles.Multiply(a.GetLower(), b.GetLower(), immediate, ref status);
        Lane upper = DotSingles.Multiply(a.GetUpper(), b.GetUpper(), immediate, ref status);
        EndStep(s, ref status);
        Vector64<uint> lowerSums = DotSingles.AddPairs(lower, ref status);
        Vector64<uint> upperSums = DotSingles.AddPairs(upper, ref status);
        EndStep(s, ref status);
        lower = DotSingles.Spread(lowerSums, immediate, ref status);
        upper = DotSingles.Spread(upperSums, immediate, ref status);
        FloatExceptions.Commit(s, status);
        VectorState.SetYmm(s, op->Reg0, lower, upper);
    }

    private static void EndStep(CpuState* s, ref FloatStatus status)
    {
        if (status.Unmasked != 0) FloatExceptions.Commit(s, status);
        status.Settle();
    }
}

/// <summary>DPPD.</summary>
internal readonly struct DotDoubles : IFloatLane
{
    public static Lane Apply(Lane a, Lane b, byte immediate, ref FloatStatus status)
    {
        Lane x = Blend<ulong>.Apply(default, a, (byte)(immediate >> 4));
        Lane y = Blend<ulong>.Apply(default, b, (byte)(immediate >> 4));
        Vector128<ulong> products = PackedDoubles<FloatMultiply>.Apply(x, y, 0, ref status).AsUInt64();
        if (status.Unmasked != 0) return default;
        status.Settle();
        ulong sum = Float64.Add(products.GetElement(0), products.GetElement(1), ref status);
        return Blend<ulong>.Apply(default, Vector128.Create(sum).AsByte(), immediate);
    }
}
