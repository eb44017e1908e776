using System.Runtime.CompilerServices;
using Hospes.Hypervisor.Soft.Cpu;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

/// <summary>An operation on two operands as a type argument. Operands come zero-extended; bits of the result above the width are ignored.</summary>
internal unsafe interface IBinary
{
    /// <summary>Whether the result is stored (CMP and TEST only set flags).</summary>
    static abstract bool Stores { get; }

    /// <summary>The result.</summary>
    static abstract ulong Compute(CpuState* s, ulong a, ulong b);

    /// <summary>Sets the six flags from the operands and the result.</summary>
    static abstract void SetFlags(CpuState* s, ulong a, ulong b, ulong result, int bits);
}

internal readonly unsafe struct Add : IBinary
{
    public static bool Stores => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(CpuState* s, ulong a, ulong b) => a + b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetFlags(CpuState* s, ulong a, ulong b, ulong result, int bits) => Flags.SetAdd(s, a, b, result, bits);
}

internal readonly unsafe struct AddCarry : IBinary
{
    public static bool Stores => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(CpuState* s, ulong a, ulong b) => a + b + (s->FlagAux >> 63);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetFlags(CpuState* s, ulong a, ulong b, ulong result, int bits) => Flags.SetAdd(s, a, b, result, bits);
}

internal readonly unsafe struct Subtract : IBinary
{
    public static bool Stores => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(CpuState* s, ulong a, ulong b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetFlags(CpuState* s, ulong a, ulong b, ulong result, int bits) => Flags.SetSub(s, a, b, result, bits);
}

internal readonly unsafe struct SubtractBorrow : IBinary
{
    public static bool Stores => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(CpuState* s, ulong a, ulong b) => a - b - (s->FlagAux >> 63);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetFlags(CpuState* s, ulong a, ulong b, ulong result, int bits) => Flags.SetSub(s, a, b, result, bits);
}

internal readonly unsafe struct Compare : IBinary
{
    public static bool Stores => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(CpuState* s, ulong a, ulong b) => a - b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetFlags(CpuState* s, ulong a, ulong b, ulong result, int bits) => Flags.SetSub(s, a, b, result, bits);
}

internal readonly unsafe struct And : IBinary
{
    public static bool Stores => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(CpuState* s, ulong a, ulong b) => a & b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetFlags(CpuState* s, ulong a, ulong b, ulong result, int bits) => Flags.SetLogic(s, result, bits);
}

internal readonly unsafe struct Test : IBinary
{
    public static bool Stores => false;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(CpuState* s, ulong a, ulong b) => a & b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetFlags(CpuState* s, ulong a, ulong b, ulong result, int bits) => Flags.SetLogic(s, result, bits);
}

internal readonly unsafe struct Or : IBinary
{
    public static bool Stores => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(CpuState* s, ulong a, ulong b) => a | b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetFlags(CpuState* s, ulong a, ulong b, ulong result, int bits) => Flags.SetLogic(s, result, bits);
}

internal readonly unsafe struct Xor : IBinary
{
    public static bool Stores => true;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(CpuState* s, ulong a, ulong b) => a ^ b;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetFlags(CpuState* s, ulong a, ulong b, ulong result, int bits) => Flags.SetLogic(s, result, bits);
}

/// <summary>An operation on one operand as a type argument.</summary>
internal unsafe interface IUnary
{
    static abstract ulong Compute(ulong a);

    static abstract void SetFlags(CpuState* s, ulong a, ulong result, int bits);
}

internal readonly unsafe struct Increment : IUnary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(ulong a) => a + 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetFlags(CpuState* s, ulong a, ulong result, int bits)
    {
        ulong carry = s->FlagAux & Flags.AuxCarry;
        Flags.SetAdd(s, a, 1, result, bits);
        CarryBack.Restore(s, carry);
    }
}

internal readonly unsafe struct Decrement : IUnary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(ulong a) => a - 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetFlags(CpuState* s, ulong a, ulong result, int bits)
    {
        ulong carry = s->FlagAux & Flags.AuxCarry;
        Flags.SetSub(s, a, 1, result, bits);
        CarryBack.Restore(s, carry);
    }
}

internal readonly unsafe struct Negate : IUnary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(ulong a) => 0 - a;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetFlags(CpuState* s, ulong a, ulong result, int bits) => Flags.SetSub(s, 0, a, result, bits);
}

internal readonly unsafe struct Complement : IUnary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute(ulong a) => ~a;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetFlags(CpuState* s, ulong a, ulong result, int bits)
    {
    }
}

/// <summary>INC and DEC leave CF alone.</summary>
internal static unsafe class CarryBack
{
    /// <summary>Puts CF back (bit 63 of <paramref name="carry"/>); OF stays what the last operation made it.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Restore(CpuState* s, ulong carry)
    {
        // Flipping both bits changes CF and keeps their exclusive or, which is OF.
        ulong flip = (s->FlagAux ^ carry) & Flags.AuxCarry;
        s->FlagAux ^= flip | (flip >> 1);
    }
}
