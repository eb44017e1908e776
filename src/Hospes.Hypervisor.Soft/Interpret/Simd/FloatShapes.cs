using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Floating;
using Hospes.Hypervisor.Soft.Memory;
using Lane = System.Runtime.Intrinsics.Vector128<byte>;

namespace Hospes.Hypervisor.Soft.Interpret.Simd;

/// <summary>As <see cref="ILaneOperation"/>, for instructions that MXCSR controls and that raise floating-point exceptions.</summary>
internal interface IFloatLane
{
    static abstract Lane Apply(Lane a, Lane b, byte immediate, ref FloatStatus status);
}

/// <summary>The floating-point exceptions of vector instructions.</summary>
internal static unsafe class FloatExceptions
{
    /// <summary>
    /// Merges what was raised into MXCSR; an unmasked exception then is #XM, or #UD where the system has not said that it handles #XM.
    /// To be called before the destination changes.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Commit(CpuState* s, in FloatStatus status)
    {
        if ((status.Flags | status.Settled) != 0) Report(s, status);
    }

    private static void Report(CpuState* s, in FloatStatus status)
    {
        s->Mxcsr |= status.Reported;
        if (status.Unmasked != 0) Fault.Raise(s, (s->Cr4 & ControlRegisters.Cr4Osxmmexcpt) != 0 ? Vector.SimdError : Vector.InvalidOpcode, 0);
    }
}

/// <summary>Legacy SSE floating-point instructions of two operands.</summary>
internal static unsafe class FloatLegacy<TLane, TMemory>
    where TLane : struct, IFloatLane
    where TMemory : unmanaged
{
    public static void Register(CpuState* s, Op* op) => Apply(s, op, *VectorState.Xmm(s, op->Reg1));

    public static void Memory(CpuState* s, Op* op) => Apply(s, op, VectorState.LoadLegacy<TMemory>(s, op));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Apply(CpuState* s, Op* op, Lane source)
    {
        FloatStatus status = new(s->Mxcsr);
        Lane* destination = VectorState.Xmm(s, op->Reg0);
        Lane result = TLane.Apply(*destination, source, (byte)op->Imm, ref status);
        FloatExceptions.Commit(s, status);
        *destination = result;
    }
}

/// <summary>VEX.128 floating-point instructions.</summary>
internal static unsafe class FloatVex128<TLane, TMemory>
    where TLane : struct, IFloatLane
    where TMemory : unmanaged
{
    public static void Register(CpuState* s, Op* op) => Apply(s, op, *VectorState.Xmm(s, op->Reg1), *VectorState.Xmm(s, op->Reg2));

    public static void Memory(CpuState* s, Op* op)
    {
        Lane source = VectorState.Load<TMemory>(s, op);
        Apply(s, op, *VectorState.Xmm(s, op->Reg1), source);
    }

    public static void UnaryRegister(CpuState* s, Op* op) => Apply(s, op, default, *VectorState.Xmm(s, op->Reg1));

    public static void UnaryMemory(CpuState* s, Op* op) => Apply(s, op, default, VectorState.Load<TMemory>(s, op));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Apply(CpuState* s, Op* op, Lane a, Lane b)
    {
        FloatStatus status = new(s->Mxcsr);
        Lane result = TLane.Apply(a, b, (byte)op->Imm, ref status);
        FloatExceptions.Commit(s, status);
        VectorState.SetZeroUpper(s, op->Reg0, result);
    }
}

/// <summary>VEX.256 floating-point instructions that work on both lanes alike.</summary>
internal static unsafe class FloatVex256<TLane>
    where TLane : struct, IFloatLane
{
    public static void Register(CpuState* s, Op* op) => Apply(s, op, *VectorState.Ymm(s, op->Reg1), *VectorState.Ymm(s, op->Reg2));

    public static void Memory(CpuState* s, Op* op)
    {
        Vector256<byte> source = Mem.Read<Vector256<byte>>(s, Mem.Address(s, op));
        Apply(s, op, *VectorState.Ymm(s, op->Reg1), source);
    }

    public static void UnaryRegister(CpuState* s, Op* op) => Apply(s, op, default, *VectorState.Ymm(s, op->Reg1));

    public static void UnaryMemory(CpuState* s, Op* op) => Apply(s, op, default, Mem.Read<Vector256<byte>>(s, Mem.Address(s, op)));

    private static void Apply(CpuState* s, Op* op, Vector256<byte> a, Vector256<byte> b)
    {
        FloatStatus status = new(s->Mxcsr);
        Lane lower = TLane.Apply(a.GetLower(), b.GetLower(), (byte)op->Imm, ref status);
        Lane upper = TLane.Apply(a.GetUpper(), b.GetUpper(), (byte)op->Imm, ref status);
        FloatExceptions.Commit(s, status);
        VectorState.SetYmm(s, op->Reg0, lower, upper);
    }
}

/// <summary>Conversions to elements of twice the width: a lane of the result takes half a lane of the source.</summary>
internal static unsafe class FloatWiden256<TLane>
    where TLane : struct, IFloatLane
{
    public static void Register(CpuState* s, Op* op) => Apply(s, op, *VectorState.Xmm(s, op->Reg1));

    public static void Memory(CpuState* s, Op* op) => Apply(s, op, VectorState.Load<Lane>(s, op));

    private static void Apply(CpuState* s, Op* op, Lane source)
    {
        FloatStatus status = new(s->Mxcsr);
        Lane lower = TLane.Apply(default, source, 0, ref status);
        Lane upper = TLane.Apply(default, Vector128.Create(source.GetUpper(), source.GetUpper()), 0, ref status);
        FloatExceptions.Commit(s, status);
        VectorState.SetYmm(s, op->Reg0, lower, upper);
    }
}

/// <summary>Conversions of a YMM source to elements of half the width.</summary>
internal static unsafe class FloatNarrow256<TLane>
    where TLane : struct, IFloatLane
{
    public static void Register(CpuState* s, Op* op) => Apply(s, op, *VectorState.Ymm(s, op->Reg1));

    public static void Memory(CpuState* s, Op* op) => Apply(s, op, Mem.Read<Vector256<byte>>(s, Mem.Address(s, op)));

    private static void Apply(CpuState* s, Op* op, Vector256<byte> source)
    {
        FloatStatus status = new(s->Mxcsr);
        Lane lower = TLane.Apply(default, source.GetLower(), 0, ref status);
        Lane upper = TLane.Apply(default, source.GetUpper(), 0, ref status);
        FloatExceptions.Commit(s, status);
        VectorState.SetZeroUpper(s, op->Reg0, Vector128.Create(lower.GetLower(), upper.GetLower()));
    }
}
