using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Interpret.Simd;

/// <summary>How an MMX instruction is made from the operation on a 128-bit lane.</summary>
internal interface IMmxShape
{
    /// <summary>The 64-bit result for the destination, the source and the immediate.</summary>
    static abstract ulong Apply(ulong a, ulong b, byte immediate);
}

/// <summary>Elements do not depend on their neighbours: the low half of the lane.</summary>
internal readonly struct MmxLow<TOperation> : IMmxShape
    where TOperation : struct, ILaneOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Apply(ulong a, ulong b, byte immediate) =>
        TOperation.Apply(Vector128.CreateScalar(a).AsByte(), Vector128.CreateScalar(b).AsByte(), immediate).AsUInt64().ToScalar();
}

/// <summary>Unpacking the high elements: they lie in the high half of what unpacking the low half gives.</summary>
internal readonly struct MmxHigh<TOperation> : IMmxShape
    where TOperation : struct, ILaneOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Apply(ulong a, ulong b, byte immediate) =>
        TOperation.Apply(Vector128.CreateScalar(a).AsByte(), Vector128.CreateScalar(b).AsByte(), immediate).AsUInt64().GetElement(1);
}

/// <summary>Packing and horizontal instructions: source above destination make one lane, whose results are the low half.</summary>
internal readonly struct MmxJoined<TOperation> : IMmxShape
    where TOperation : struct, ILaneOperation
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Apply(ulong a, ulong b, byte immediate)
    {
        Vector128<byte> joined = Vector128.Create(a, b).AsByte();
        return TOperation.Apply(joined, joined, immediate).AsUInt64().ToScalar();
    }
}

/// <summary>MMX instructions of two operands.</summary>
/// <typeparam name="TShape">The operation.</typeparam>
/// <typeparam name="TMemory">What the memory form reads: 4 or 8 bytes.</typeparam>
internal static unsafe class Mmx<TShape, TMemory>
    where TShape : struct, IMmxShape
    where TMemory : unmanaged
{
    public static void Register(CpuState* s, Op* op)
    {
        MmxState.Check(s);
        Finish(s, op, MmxState.Read(s, op->Reg1));
    }

    public static void Memory(CpuState* s, Op* op)
    {
        MmxState.Check(s);
        ulong address = Mem.Address(s, op);
        Finish(s, op, sizeof(TMemory) == 4 ? Mem.Read<uint>(s, address) : Mem.Read<ulong>(s, address));
    }

    /// <summary>Immediate shifts: the destination is the only register.</summary>
    public static void Single(CpuState* s, Op* op)
    {
        MmxState.Check(s);
        Finish(s, op, MmxState.Read(s, op->Reg0));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Finish(CpuState* s, Op* op, ulong source)
    {
        ulong result = TShape.Apply(MmxState.Read(s, op->Reg0), source, (byte)op->Imm);
        MmxState.Enter(s);
        MmxState.Write(s, op->Reg0, result);
    }
}
