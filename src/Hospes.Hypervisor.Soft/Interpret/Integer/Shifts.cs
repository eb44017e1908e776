using System.Runtime.CompilerServices;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

/// <summary>
/// A shift or rotation as a type argument. The count is masked to 5 or 6 bits and not 0. OF, which is defined for counts of 1 only,
/// follows the formula for 1 with every count, as processors do.
/// </summary>
internal unsafe interface IShift
{
    /// <summary>The result, and what <see cref="SetFlags"/> makes flags of.</summary>
    static abstract ulong Compute<T>(CpuState* s, ulong a, int count, out ulong carry) where T : unmanaged;

    /// <summary>Sets the flags from the result and CF (bit 0 of <paramref name="carry"/>).</summary>
    static abstract void SetFlags<T>(CpuState* s, ulong result, ulong carry) where T : unmanaged;
}

/// <summary>How shifts and rotations set flags.</summary>
internal static unsafe class ShiftFlags
{
    /// <summary>ZF, SF, PF by result; OF is CF xor the result's top bit, so the carry into the top is that bit.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Left<T>(CpuState* s, ulong result, ulong carry)
        where T : unmanaged
    {
        long signed = Width.Sign<T>(result);
        s->FlagResult = signed;
        s->FlagAux = (carry << 63) | (((ulong)signed >> 63) << 62);
    }

    /// <summary>ZF, SF, PF by result; OF is the exclusive or of the result's two top bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Right<T>(CpuState* s, ulong result, ulong carry)
        where T : unmanaged
    {
        s->FlagResult = Width.Sign<T>(result);
        s->FlagAux = CarryOverflow(carry, TopTwoDiffer<T>(result));
    }

    /// <summary>CF and OF only; OF as in <see cref="Left"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void RotateLeft<T>(CpuState* s, ulong result, ulong carry)
        where T : unmanaged => Keep(s, (carry << 63) | ((result >> (Width.Bits<T>() - 1) & 1) << 62));

    /// <summary>CF and OF only; OF as in <see cref="Right"/>.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void RotateRight<T>(CpuState* s, ulong result, ulong carry)
        where T : unmanaged => Keep(s, CarryOverflow(carry, TopTwoDiffer<T>(result)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong TopTwoDiffer<T>(ulong result)
        where T : unmanaged => ((result >> (Width.Bits<T>() - 1)) ^ (result >> (Width.Bits<T>() - 2))) & 1;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong CarryOverflow(ulong carry, ulong overflow) => (carry << 63) | ((carry ^ overflow) << 62);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Keep(CpuState* s, ulong carries) =>
        s->FlagAux = (s->FlagAux & ~(Flags.AuxCarry | Flags.AuxPartial)) | carries;
}

internal readonly unsafe struct ShiftLeft : IShift
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute<T>(CpuState* s, ulong a, int count, out ulong carry)
        where T : unmanaged
    {
        if (typeof(T) == typeof(ulong))
        {
            carry = (a >> (64 - count)) & 1;
            return a << count;
        }
        ulong wide = a << count;
        carry = (wide >> Width.Bits<T>()) & 1;
        return Width.Truncate<T>(wide);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetFlags<T>(CpuState* s, ulong result, ulong carry)
        where T : unmanaged => ShiftFlags.Left<T>(s, result, carry);
}

internal readonly unsafe struct ShiftRight : IShift
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute<T>(CpuState* s, ulong a, int count, out ulong carry)
        where T : unmanaged
    {
        carry = (a >> (count - 1)) & 1;
        return a >> count;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetFlags<T>(CpuState* s, ulong result, ulong carry)
        where T : unmanaged => ShiftFlags.Right<T>(s, result, carry);
}

internal readonly unsafe struct ShiftArithmetic : IShift
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute<T>(CpuState* s, ulong a, int count, out ulong carry)
        where T : unmanaged
    {
        long signed = Width.Sign<T>(a);
        carry = (ulong)(signed >> (count - 1)) & 1;
        return Width.Truncate<T>((ulong)(signed >> count));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetFlags<T>(CpuState* s, ulong result, ulong carry)
        where T : unmanaged => ShiftFlags.Right<T>(s, result, carry);
}

internal readonly unsafe struct RotateLeft : IShift
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute<T>(CpuState* s, ulong a, int count, out ulong carry)
        where T : unmanaged
    {
        int n = count & (Width.Bits<T>() - 1);
        ulong result = Width.Truncate<T>((a << n) | (a >> ((Width.Bits<T>() - n) & 63)));
        if (n == 0) result = a;
        carry = result & 1;
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetFlags<T>(CpuState* s, ulong result, ulong carry)
        where T : unmanaged => ShiftFlags.RotateLeft<T>(s, result, carry);
}

internal readonly unsafe struct RotateRight : IShift
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Compute<T>(CpuState* s, ulong a, int count, out ulong carry)
        where T : unmanaged
    {
        int n = count & (Width.Bits<T>() - 1);
        ulong result = Width.Truncate<T>((a >> n) | (a << ((Width.Bits<T>() - n) & 63)));
        if (n == 0) result = a;
        carry = (result >> (Width.Bits<T>() - 1)) & 1;
        return result;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetFlags<T>(CpuState* s, ulong result, ulong carry)
        where T : unmanaged => ShiftFlags.RotateRight<T>(s, result, carry);
}

/// <summary>RCL: a rotation through CF, so one bit wider than the operand.</summary>
internal readonly unsafe struct RotateCarryLeft : IShift
{
    public static ulong Compute<T>(CpuState* s, ulong a, int count, out ulong carry)
        where T : unmanaged
    {
        int bits = Width.Bits<T>();
        carry = s->FlagAux >> 63;
        int n = count % (bits + 1);
        if (n == 0) return a;
        ulong carryIn = carry;
        carry = (a >> (bits - n)) & 1;
        ulong result = n == 64 ? 0 : a << n;
        result |= carryIn << (n - 1);
        if (n > 1) result |= a >> (bits + 1 - n);
        return Width.Truncate<T>(result);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetFlags<T>(CpuState* s, ulong result, ulong carry)
        where T : unmanaged => ShiftFlags.RotateLeft<T>(s, result, carry);
}

/// <summary>RCR.</summary>
internal readonly unsafe struct RotateCarryRight : IShift
{
    public static ulong Compute<T>(CpuState* s, ulong a, int count, out ulong carry)
        where T : unmanaged
    {
        int bits = Width.Bits<T>();
        carry = s->FlagAux >> 63;
        int n = count % (bits + 1);
        if (n == 0) return a;
        ulong carryIn = carry;
        carry = (a >> (n - 1)) & 1;
        ulong result = n == 64 ? 0 : a >> n;
        result |= carryIn << (bits - n);
        if (n > 1) result |= a << (bits + 1 - n);
        return Width.Truncate<T>(result);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetFlags<T>(CpuState* s, ulong result, ulong carry)
        where T : unmanaged => ShiftFlags.RotateRight<T>(s, result, carry);
}

/// <summary>Where a shift takes its count from.</summary>
internal unsafe interface ICount
{
    static abstract int Get(CpuState* s, Op* op);
}

internal readonly unsafe struct ByOne : ICount
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Get(CpuState* s, Op* op) => 1;
}

internal readonly unsafe struct ByImmediate : ICount
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Get(CpuState* s, Op* op) => (byte)op->Imm;
}

internal readonly unsafe struct ByCl : ICount
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Get(CpuState* s, Op* op) => (byte)s->General[1];
}

/// <summary>The operand shapes of shifts and rotations.</summary>
internal static unsafe class Shift<TShift, TCount, T>
    where TShift : struct, IShift
    where TCount : struct, ICount
    where T : unmanaged
{
    private static int CountMask => typeof(T) == typeof(ulong) ? 63 : 31;

    public static void Reg(CpuState* s, Op* op)
    {
        int count = TCount.Get(s, op) & CountMask;
        ulong a = Register.Get<T>(s, op->Reg0);
        if (count == 0)
        {
            // No flag changes, but a 32-bit register still loses its upper half.
            Register.Set<T>(s, op->Reg0, a);
            return;
        }
        ulong result = TShift.Compute<T>(s, a, count, out ulong carry);
        Register.Set<T>(s, op->Reg0, result);
        TShift.SetFlags<T>(s, result, carry);
    }

    public static void Memory(CpuState* s, Op* op)
    {
        ulong address = Mem.Address(s, op);
        int count = TCount.Get(s, op) & CountMask;
        T* at = Mem.BeginModify<T>(s, address);
        if (count == 0)
        {
            Mem.EndModify(s, address, at);
            return;
        }
        ulong result = TShift.Compute<T>(s, Width.Widen(*at), count, out ulong carry);
        *at = Width.Narrow<T>(result);
        Mem.EndModify(s, address, at);
        TShift.SetFlags<T>(s, result, carry);
    }
}

/// <summary>SHLD and SHRD. Counts above 16 with 16-bit operands, undefined, bring in the source once more and clear CF.</summary>
internal static unsafe class DoubleShift<TCount, T>
    where TCount : struct, ICount
    where T : unmanaged
{
    private static int CountMask => typeof(T) == typeof(ulong) ? 63 : 31;

    public static void LeftReg(CpuState* s, Op* op) => Reg(s, op, left: true);

    public static void RightReg(CpuState* s, Op* op) => Reg(s, op, left: false);

    public static void LeftMem(CpuState* s, Op* op) => Memory(s, op, left: true);

    public static void RightMem(CpuState* s, Op* op) => Memory(s, op, left: false);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Reg(CpuState* s, Op* op, bool left)
    {
        int count = TCount.Get(s, op) & CountMask;
        ulong a = Register.Get<T>(s, op->Reg0);
        if (count == 0)
        {
            Register.Set<T>(s, op->Reg0, a);
            return;
        }
        ulong result = Compute(a, Register.Get<T>(s, op->Reg1), count, left, out ulong carry);
        Register.Set<T>(s, op->Reg0, result);
        SetFlags(s, result, carry, left);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Memory(CpuState* s, Op* op, bool left)
    {
        ulong address = Mem.Address(s, op);
        int count = TCount.Get(s, op) & CountMask;
        T* at = Mem.BeginModify<T>(s, address);
        if (count == 0)
        {
            Mem.EndModify(s, address, at);
            return;
        }
        ulong result = Compute(Width.Widen(*at), Register.Get<T>(s, op->Reg1), count, left, out ulong carry);
        *at = Width.Narrow<T>(result);
        Mem.EndModify(s, address, at);
        SetFlags(s, result, carry, left);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Compute(ulong a, ulong b, int count, bool left, out ulong carry)
    {
        int bits = Width.Bits<T>();
        if (typeof(T) == typeof(ushort))
        {
            ulong triple = left ? (a << 32) | (b << 16) | b : (b << 32) | (b << 16) | a;
            carry = count > bits ? 0 : left ? (triple >> (48 - count)) & 1 : (triple >> (count - 1)) & 1;
            return (ushort)(left ? triple >> (32 - count) : triple >> count);
        }
        carry = (left ? a >> (bits - count) : a >> (count - 1)) & 1;
        return Width.Truncate<T>(left ? (a << count) | (b >> (bits - count)) : (a >> count) | (b << (bits - count)));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SetFlags(CpuState* s, ulong result, ulong carry, bool left)
    {
        if (left) ShiftFlags.Left<T>(s, result, carry);
        else ShiftFlags.Right<T>(s, result, carry);
    }
}
