using System.Runtime.Intrinsics;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Floating;
using Hospes.Hypervisor.Soft.Memory;
using Lane = System.Runtime.Intrinsics.Vector128<byte>;

namespace Hospes.Hypervisor.Soft.Interpret.Simd;

/// <summary>Conversions between MMX registers and floating-point numbers.</summary>
internal static unsafe class MmxConversions
{
    /// <summary>CVTPI2PS: the upper half of the XMM register stays. With a source in memory it is no MMX instruction, as on AMD's processors.</summary>
    public static void SinglesFromInt32(CpuState* s, Op* op)
    {
        ulong source = Source(s, op);
        FloatStatus status = new(s->Mxcsr);
        uint first = Float32.FromInt32((int)source, ref status);
        uint second = Float32.FromInt32((int)(source >> 32), ref status);
        FloatExceptions.Commit(s, status);
        *(ulong*)VectorState.Xmm(s, op->Reg0) = first | (ulong)second << 32;
    }

    /// <summary>CVTPI2PD: with a source in memory it is no MMX instruction (SDM vol. 2, CVTPI2PD).</summary>
    public static void DoublesFromInt32(CpuState* s, Op* op)
    {
        ulong source = Source(s, op);
        *VectorState.Xmm(s, op->Reg0) = Vector128.Create(Float64.FromInt32((int)source), Float64.FromInt32((int)(source >> 32))).AsByte();
    }

    /// <summary>CVT(T)PS2PI, CVT(T)PD2PI: the low half of what the conversion to a vector of integers gives.</summary>
    public static void ToInt32<TLane, TMemory>(CpuState* s, Op* op)
        where TLane : struct, IFloatLane
        where TMemory : unmanaged
    {
        MmxState.Check(s);
        Lane source = op->HasMemory ? VectorState.LoadLegacy<TMemory>(s, op) : *VectorState.Xmm(s, op->Reg1);
        // CVTPS2PI reads two elements only: what lies above must not raise anything.
        if (sizeof(TMemory) == 8) source = OnlyLow64.Apply(default, source, 0);
        FloatStatus status = new(s->Mxcsr);
        Lane result = TLane.Apply(default, source, 0, ref status);
        // The x87 registers have become MMX registers even when an unmasked exception follows.
        MmxState.Enter(s);
        FloatExceptions.Commit(s, status);
        MmxState.Write(s, op->Reg0, result.AsUInt64().ToScalar());
    }

    private static ulong Source(CpuState* s, Op* op)
    {
        if (op->HasMemory) return Mem.Read<ulong>(s, Mem.Address(s, op));
        MmxState.Check(s);
        MmxState.Enter(s);
        return MmxState.Read(s, op->Reg1);
    }
}
