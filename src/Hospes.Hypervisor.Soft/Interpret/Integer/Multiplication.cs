using System.Runtime.CompilerServices;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

/// <summary>MUL, IMUL, DIV and IDIV. Flags that multiplication leaves undefined follow the low half; division changes none.</summary>
internal static unsafe class Multiplication<T>
    where T : unmanaged
{
    public static void UnsignedReg(CpuState* s, Op* op) => Unsigned(s, Register.Get<T>(s, op->Reg0));

    public static void UnsignedMem(CpuState* s, Op* op) => Unsigned(s, Load(s, op));

    public static void SignedReg(CpuState* s, Op* op) => Signed(s, Register.Get<T>(s, op->Reg0));

    public static void SignedMem(CpuState* s, Op* op) => Signed(s, Load(s, op));

    /// <summary>IMUL with two operands.</summary>
    public static void RegReg(CpuState* s, Op* op) => Truncating(s, op, Register.Get<T>(s, op->Reg0), Register.Get<T>(s, op->Reg1));

    public static void RegMem(CpuState* s, Op* op)
    {
        ulong b = Load(s, op);
        Truncating(s, op, Register.Get<T>(s, op->Reg0), b);
    }

    /// <summary>IMUL with three operands.</summary>
    public static void RegRegImm(CpuState* s, Op* op) => Truncating(s, op, Register.Get<T>(s, op->Reg1), op->Imm);

    public static void RegMemImm(CpuState* s, Op* op) => Truncating(s, op, Load(s, op), op->Imm);

    public static void DivideReg(CpuState* s, Op* op) => Divide(s, Register.Get<T>(s, op->Reg0));

    public static void DivideMem(CpuState* s, Op* op) => Divide(s, Load(s, op));

    public static void SignedDivideReg(CpuState* s, Op* op) => SignedDivide(s, Register.Get<T>(s, op->Reg0));

    public static void SignedDivideMem(CpuState* s, Op* op) => SignedDivide(s, Load(s, op));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Load(CpuState* s, Op* op) => Width.Widen(Mem.Read<T>(s, Mem.Address(s, op)));

    private static void Unsigned(CpuState* s, ulong b)
    {
        ulong low, high;
        ulong a = Register.Get<T>(s, Register.Rax);
        if (typeof(T) == typeof(ulong))
        {
            high = Math.BigMul(a, b, out low);
        }
        else
        {
            low = a * b;
            high = low >> Width.Bits<T>();
        }
        SetPair(s, low, high);
        Flags.SetResult(s, low, Width.Bits<T>(), high != 0, high != 0);
    }

    private static void Signed(CpuState* s, ulong b)
    {
        ulong low, high;
        long a = Width.Sign<T>(Register.Get<T>(s, Register.Rax));
        if (typeof(T) == typeof(ulong))
        {
            high = (ulong)Math.BigMul(a, (long)b, out long signedLow);
            low = (ulong)signedLow;
        }
        else
        {
            low = (ulong)(a * Width.Sign<T>(b));
            high = (ulong)((long)low >> Width.Bits<T>());
        }
        SetPair(s, low, high);
        bool lost = Width.Sign<T>(low) >> 63 != (long)high;
        Flags.SetResult(s, low, Width.Bits<T>(), lost, lost);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Truncating(CpuState* s, Op* op, ulong a, ulong b)
    {
        long low = unchecked(Width.Sign<T>(a) * Width.Sign<T>(b));
        bool lost;
        if (typeof(T) == typeof(ulong)) lost = Math.BigMul((long)a, (long)b, out _) != low >> 63;
        else lost = Width.Sign<T>((ulong)low) != low;
        Register.Set<T>(s, op->Reg0, (ulong)low);
        Flags.SetResult(s, (ulong)low, Width.Bits<T>(), lost, lost);
    }

    private static void Divide(CpuState* s, ulong divisor)
    {
        if (divisor == 0) Fault.Divide(s);
        ulong quotient, remainder;
        if (typeof(T) == typeof(ulong))
        {
            ulong high = s->General[2], low = s->General[0];
            if (high >= divisor) Fault.Divide(s);
            if (high == 0)
            {
                (quotient, remainder) = Math.DivRem(low, divisor);
            }
            else
            {
                (UInt128 wide, UInt128 rest) = UInt128.DivRem(new UInt128(high, low), divisor);
                quotient = (ulong)wide;
                remainder = (ulong)rest;
            }
        }
        else
        {
            ulong dividend = typeof(T) == typeof(byte) ? Register.Get<ushort>(s, Register.Rax)
                : (Register.Get<T>(s, Register.Rdx) << Width.Bits<T>()) | Register.Get<T>(s, Register.Rax);
            (quotient, remainder) = Math.DivRem(dividend, divisor);
            if (quotient > Width.Mask<T>()) Fault.Divide(s);
        }
        SetPair(s, quotient, remainder);
    }

    private static void SignedDivide(CpuState* s, ulong operand)
    {
        long divisor = Width.Sign<T>(operand);
        if (divisor == 0) Fault.Divide(s);
        long quotient, remainder;
        if (typeof(T) == typeof(ulong))
        {
            long high = (long)s->General[2], low = (long)s->General[0];
            if (high == low >> 63 && !(low == long.MinValue && divisor == -1))
            {
                (quotient, remainder) = Math.DivRem(low, divisor);
            }
            else
            {
                Int128 dividend = new((ulong)high, (ulong)low);
                // The one dividend whose quotient Int128 can't hold; its true quotient does not fit either.
                if (dividend == Int128.MinValue && divisor == -1) Fault.Divide(s);
                (Int128 wide, Int128 rest) = Int128.DivRem(dividend, divisor);
                quotient = (long)wide;
                remainder = (long)rest;
                if (wide != quotient) Fault.Divide(s);
            }
        }
        else
        {
            long dividend = typeof(T) == typeof(byte) ? (short)s->General[0]
                : typeof(T) == typeof(ushort) ? (int)((Register.Get<ushort>(s, Register.Rdx) << 16) | Register.Get<ushort>(s, Register.Rax))
                : (long)((Register.Get<uint>(s, Register.Rdx) << 32) | Register.Get<uint>(s, Register.Rax));
            if (dividend == long.MinValue && divisor == -1) Fault.Divide(s);
            (quotient, remainder) = Math.DivRem(dividend, divisor);
            if (Width.Sign<T>((ulong)quotient) != quotient) Fault.Divide(s);
        }
        SetPair(s, (ulong)quotient, (ulong)remainder);
    }

    /// <summary>AX for bytes, otherwise rAX and rDX.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SetPair(CpuState* s, ulong low, ulong high)
    {
        if (typeof(T) == typeof(byte))
        {
            Register.Set<ushort>(s, Register.Rax, (high << 8) | (byte)low);
            return;
        }
        Register.Set<T>(s, Register.Rax, low);
        Register.Set<T>(s, Register.Rdx, high);
    }
}
