using System.Numerics;
using System.Runtime.CompilerServices;
using Hospes.Hypervisor.Soft.Cpu;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

/// <summary>A condition code (Intel SDM vol. 1, appendix B) as a type argument.</summary>
internal unsafe interface ICondition
{
    /// <summary>Whether it holds for the lazy flags.</summary>
    static abstract bool Holds(CpuState* s);

    /// <summary>Whether it holds for the flags of <c>a - b</c>; both zero-extended, and sign-extended in the second pair.</summary>
    static abstract bool HoldsAfterCompare(ulong a, ulong b, long signedA, long signedB);
}

/// <summary>OF.</summary>
internal readonly unsafe struct IfOverflow : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Holds(CpuState* s) => (long)(s->FlagAux ^ (s->FlagAux << 1)) < 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool HoldsAfterCompare(ulong a, ulong b, long signedA, long signedB) => (signedA < signedB) != (signedA - signedB < 0);
}

/// <summary>CF.</summary>
internal readonly unsafe struct IfBelow : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Holds(CpuState* s) => (long)s->FlagAux < 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool HoldsAfterCompare(ulong a, ulong b, long signedA, long signedB) => a < b;
}

/// <summary>ZF.</summary>
internal readonly unsafe struct IfEqual : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Holds(CpuState* s) => s->FlagResult == 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool HoldsAfterCompare(ulong a, ulong b, long signedA, long signedB) => a == b;
}

/// <summary>CF or ZF.</summary>
internal readonly unsafe struct IfBelowOrEqual : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Holds(CpuState* s) => (long)s->FlagAux < 0 || s->FlagResult == 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool HoldsAfterCompare(ulong a, ulong b, long signedA, long signedB) => a <= b;
}

/// <summary>SF.</summary>
internal readonly unsafe struct IfSign : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Holds(CpuState* s) => (s->FlagResult ^ (long)(s->FlagAux << 63)) < 0;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool HoldsAfterCompare(ulong a, ulong b, long signedA, long signedB) => signedA - signedB < 0;
}

/// <summary>PF.</summary>
internal readonly unsafe struct IfParity : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Holds(CpuState* s) => Flags.Parity(s);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool HoldsAfterCompare(ulong a, ulong b, long signedA, long signedB) =>
        (BitOperations.PopCount((byte)(a - b)) & 1) == 0;
}

/// <summary>SF != OF.</summary>
internal readonly unsafe struct IfLess : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Holds(CpuState* s)
    {
        ulong aux = s->FlagAux;
        return (s->FlagResult ^ (long)(aux ^ (aux << 1) ^ (aux << 63))) < 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool HoldsAfterCompare(ulong a, ulong b, long signedA, long signedB) => signedA < signedB;
}

/// <summary>ZF or SF != OF.</summary>
internal readonly unsafe struct IfLessOrEqual : ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Holds(CpuState* s) => s->FlagResult == 0 || IfLess.Holds(s);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool HoldsAfterCompare(ulong a, ulong b, long signedA, long signedB) => signedA <= signedB;
}

/// <summary>The opposite of a condition.</summary>
internal readonly unsafe struct Unless<TCondition> : ICondition
    where TCondition : struct, ICondition
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Holds(CpuState* s) => !TCondition.Holds(s);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool HoldsAfterCompare(ulong a, ulong b, long signedA, long signedB) => !TCondition.HoldsAfterCompare(a, b, signedA, signedB);
}
