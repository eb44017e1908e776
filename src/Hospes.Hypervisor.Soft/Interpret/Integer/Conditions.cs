using System.Numerics;
using System.Runtime.CompilerServices;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;
using static Hospes.Hypervisor.Soft.Interpret.Integer.Registers;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

/// <summary>A condition of Jcc, SETcc and CMOVcc.</summary>
internal unsafe interface ICondition
{
    static abstract bool Holds(CpuState* s);
}

internal readonly unsafe struct OnOverflow : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Holds(CpuState* s) => Flags.Overflow(s);
}

internal readonly unsafe struct OnCarry : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Holds(CpuState* s) => Flags.Carry(s);
}

internal readonly unsafe struct OnZero : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Holds(CpuState* s) => Flags.Zero(s);
}

internal readonly unsafe struct OnCarryOrZero : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Holds(CpuState* s) => Flags.Carry(s) || Flags.Zero(s);
}

internal readonly unsafe struct OnSign : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Holds(CpuState* s) => Flags.Sign(s);
}

internal readonly unsafe struct OnParity : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Holds(CpuState* s) => Flags.Parity(s);
}

internal readonly unsafe struct OnLess : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Holds(CpuState* s) => Flags.Sign(s) != Flags.Overflow(s);
}

internal readonly unsafe struct OnLessOrEqual : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Holds(CpuState* s) => Flags.Zero(s) || Flags.Sign(s) != Flags.Overflow(s);
}

/// <summary>The opposite of a condition.</summary>
internal readonly unsafe struct Not<T> : ICondition
    where T : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Holds(CpuState* s) => !T.Holds(s);
}

/// <summary>Jcc and SETcc.</summary>
internal static unsafe class Conditional<TCondition>
    where TCondition : ICondition
{
    public static void Jump(CpuState* s, Op* op)
    {
        if (TCondition.Holds(s)) Branches.To(s, op->Imm);
    }

    public static void SetRegister(CpuState* s, Op* op) => Set(s, op->Reg0, TCondition.Holds(s) ? (byte)1 : (byte)0);

    public static void SetMemory(CpuState* s, Op* op) => Mem.Write(s, Mem.Address(s, op), TCondition.Holds(s) ? (byte)1 : (byte)0);
}

/// <summary>CMOVcc: the source is read, and a 32-bit destination's upper half cleared, whether the condition holds or not.</summary>
internal static unsafe class ConditionalMove<TCondition, T>
    where TCondition : ICondition
    where T : unmanaged, IBinaryInteger<T>
{
    public static void Register(CpuState* s, Op* op)
    {
        T value = Get<T>(s, op->Reg1);
        Set(s, op->Reg0, TCondition.Holds(s) ? value : Get<T>(s, op->Reg0));
    }

    public static void Memory(CpuState* s, Op* op)
    {
        T value = Mem.Read<T>(s, Mem.Address(s, op));
        Set(s, op->Reg0, TCondition.Holds(s) ? value : Get<T>(s, op->Reg0));
    }
}
