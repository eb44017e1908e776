using System.Numerics;
using System.Runtime.CompilerServices;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;
using static Hospes.Hypervisor.Soft.Interpret.Integer.Registers;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

/// <summary>A shift or rotate by a count that is already masked and not 0.</summary>
internal unsafe interface IShift
{
    static abstract T Apply<T>(CpuState* s, T a, int count)
        where T : unmanaged, IBinaryInteger<T>;
}

internal readonly unsafe struct ShlOp : IShift
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(CpuState* s, T a, int count)
        where T : unmanaged, IBinaryInteger<T>
    {
        int bits = sizeof(T) * 8;
        // Counts of 8- and 16-bit operands run to 31: what is shifted out beyond the width is 0.
        ulong wide = Wide(a);
        ulong r = count >= 64 ? 0 : wide << count;
        bool carry = count <= bits && (wide >> (bits - count) & 1) != 0;
        bool sign = (r >> (bits - 1) & 1) != 0;
        Flags.SetResult(s, r, bits, carry, carry != sign);
        return T.CreateTruncating(r);
    }
}

internal readonly unsafe struct ShrOp : IShift
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(CpuState* s, T a, int count)
        where T : unmanaged, IBinaryInteger<T>
    {
        int bits = sizeof(T) * 8;
        ulong wide = Wide(a);
        ulong r = wide >> count;
        bool carry = (wide >> (count - 1) & 1) != 0;
        // The bit above the result's top: defined for a count of 1, and what processors give for others.
        bool overflow = ((r >> (bits - 1) ^ r >> (bits - 2)) & 1) != 0;
        Flags.SetResult(s, r, bits, carry, overflow);
        return T.CreateTruncating(r);
    }
}

internal readonly unsafe struct SarOp : IShift
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(CpuState* s, T a, int count)
        where T : unmanaged, IBinaryInteger<T>
    {
        int bits = sizeof(T) * 8;
        long wide = (long)(Wide(a) << (64 - bits)) >> (64 - bits);
        long r = wide >> count;
        bool carry = (wide >> (count - 1) & 1) != 0;
        Flags.SetResult(s, (ulong)r, bits, carry, false);
        return T.CreateTruncating(r);
    }
}

internal readonly unsafe struct RolOp : IShift
{
    public static T Apply<T>(CpuState* s, T a, int count)
        where T : unmanaged, IBinaryInteger<T>
    {
        int bits = sizeof(T) * 8;
        T r = T.RotateLeft(a, count & (bits - 1));
        bool carry = (Wide(r) & 1) != 0, top = (Wide(r) >> (bits - 1) & 1) != 0;
        Rotates.SetFlags(s, carry, carry != top);
        return r;
    }
}

internal readonly unsafe struct RorOp : IShift
{
    public static T Apply<T>(CpuState* s, T a, int count)
        where T : unmanaged, IBinaryInteger<T>
    {
        int bits = sizeof(T) * 8;
        T r = T.RotateRight(a, count & (bits - 1));
        bool carry = (Wide(r) >> (bits - 1) & 1) != 0, next = (Wide(r) >> (bits - 2) & 1) != 0;
        Rotates.SetFlags(s, carry, carry != next);
        return r;
    }
}

internal readonly unsafe struct RclOp : IShift
{
    public static T Apply<T>(CpuState* s, T a, int count)
        where T : unmanaged, IBinaryInteger<T>
    {
        int bits = sizeof(T) * 8;
        count %= bits + 1;
        if (count == 0) return a;
        UInt128 wide = Wide(a) | (UInt128)(Flags.Carry(s) ? 1u : 0) << bits;
        wide = wide << count | wide >> (bits + 1 - count);
        bool carry = (wide >> bits & 1) != 0;
        ulong r = (ulong)wide;
        bool top = (r >> (bits - 1) & 1) != 0;
        Rotates.SetFlags(s, carry, carry != top);
        return T.CreateTruncating(r);
    }
}

internal readonly unsafe struct RcrOp : IShift
{
    public static T Apply<T>(CpuState* s, T a, int count)
        where T : unmanaged, IBinaryInteger<T>
    {
        int bits = sizeof(T) * 8;
        count %= bits + 1;
        if (count == 0) return a;
        UInt128 wide = Wide(a) | (UInt128)(Flags.Carry(s) ? 1u : 0) << bits;
        wide = wide >> count | wide << (bits + 1 - count);
        bool carry = (wide >> bits & 1) != 0;
        ulong r = (ulong)wide;
        Rotates.SetFlags(s, carry, ((r >> (bits - 1) ^ r >> (bits - 2)) & 1) != 0);
        return T.CreateTruncating(r);
    }
}

/// <summary>Rotates change CF and OF only.</summary>
internal static unsafe class Rotates
{
    public static void SetFlags(CpuState* s, bool carry, bool overflow)
    {
        ulong aux = s->FlagAux & ~(Flags.AuxCarry | Flags.AuxPartial);
        if (carry) aux |= Flags.AuxCarry;
        if (carry != overflow) aux |= Flags.AuxPartial;
        s->FlagAux = aux;
    }
}

/// <summary>The forms of a shift or rotate.</summary>
internal static unsafe class Shift<TOp, T>
    where TOp : IShift
    where T : unmanaged, IBinaryInteger<T>
{
    private const byte Cl = 8;

    private static int Mask => sizeof(T) == 8 ? 63 : 31;

    public static void RegisterImmediate(CpuState* s, Op* op) => Register(s, op, (int)op->Imm & Mask);

    public static void RegisterCl(CpuState* s, Op* op) => Register(s, op, Get<byte>(s, Cl) & Mask);

    public static void MemoryImmediate(CpuState* s, Op* op) => Memory(s, op, (int)op->Imm & Mask);

    public static void MemoryCl(CpuState* s, Op* op) => Memory(s, op, Get<byte>(s, Cl) & Mask);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Register(CpuState* s, Op* op, int count)
    {
        T a = Get<T>(s, op->Reg0);
        // A count of 0 changes no flag, but a 32-bit result is still written.
        Set(s, op->Reg0, count == 0 ? a : TOp.Apply(s, a, count));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Memory(CpuState* s, Op* op, int count)
    {
        ulong address = Mem.Address(s, op);
        T* at = Mem.BeginModify<T>(s, address);
        if (count != 0) *at = TOp.Apply(s, *at, count);
        Mem.EndModify(s, address, at);
    }
}

/// <summary>SHLD and SHRD.</summary>
internal static unsafe class DoubleShift<T>
    where T : unmanaged, IBinaryInteger<T>
{
    private const byte Cl = 8;

    public static void LeftImmediate(CpuState* s, Op* op) => Run(s, op, (int)op->Imm, left: true);

    public static void LeftCl(CpuState* s, Op* op) => Run(s, op, Get<byte>(s, Cl), left: true);

    public static void RightImmediate(CpuState* s, Op* op) => Run(s, op, (int)op->Imm, left: false);

    public static void RightCl(CpuState* s, Op* op) => Run(s, op, Get<byte>(s, Cl), left: false);

    private static void Run(CpuState* s, Op* op, int count, bool left)
    {
        count &= sizeof(T) == 8 ? 63 : 31;
        T fill = Get<T>(s, op->Reg1);
        if (!op->HasMemory)
        {
            T a = Get<T>(s, op->Reg0);
            Set(s, op->Reg0, count == 0 ? a : Apply(s, a, fill, count, left));
            return;
        }
        ulong address = Mem.Address(s, op);
        T* at = Mem.BeginModify<T>(s, address);
        if (count != 0) *at = Apply(s, *at, fill, count, left);
        Mem.EndModify(s, address, at);
    }

    private static T Apply(CpuState* s, T a, T fill, int count, bool left)
    {
        int bits = sizeof(T) * 8;
        // Counts beyond 16 of 16-bit operands are undefined: processors shift destination, source, destination.
        UInt128 wide;
        bool carry;
        ulong r;
        if (left)
        {
            wide = (UInt128)Wide(a) << bits | Wide(fill);
            if (count > bits) wide = ((UInt128)Wide(fill) << bits | Wide(a)) & Ones(2 * bits);
            int by = count > bits ? count - bits : count;
            r = (ulong)(wide << by >> bits) & (ulong)Ones(bits);
            carry = (wide >> (2 * bits - by) & 1) != 0;
        }
        else
        {
            wide = (UInt128)Wide(fill) << bits | Wide(a);
            if (count > bits) wide = (UInt128)Wide(a) << bits | Wide(fill);
            int by = count > bits ? count - bits : count;
            r = (ulong)(wide >> by) & (ulong)Ones(bits);
            carry = (wide >> (by - 1) & 1) != 0;
        }
        bool overflow = ((r ^ Wide(a)) >> (bits - 1) & 1) != 0;
        Flags.SetResult(s, r, bits, carry, overflow);
        return T.CreateTruncating(r);
    }

    private static UInt128 Ones(int bits) => bits == 128 ? UInt128.MaxValue : (UInt128.One << bits) - 1;
}
