using System.Numerics;
using System.Runtime.CompilerServices;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;
using static Hospes.Hypervisor.Soft.Interpret.Integer.Registers;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

/// <summary>MUL, IMUL, DIV, IDIV, MULX.</summary>
internal static unsafe class Multiply<T>
    where T : unmanaged, IBinaryInteger<T>
{
    private const byte Rax = 0, Rdx = 16;

    private static int Bits => sizeof(T) * 8;

    public static void Mul(CpuState* s, Op* op)
    {
        UInt128 product = (UInt128)Wide(Get<T>(s, Rax)) * Wide(Operand0<T>(s, op));
        SetPair(s, product);
        SetFlags(s, (ulong)product, product >> Bits != 0);
    }

    public static void Imul(CpuState* s, Op* op)
    {
        Int128 product = (Int128)Signed(Get<T>(s, Rax)) * Signed(Operand0<T>(s, op));
        SetPair(s, (UInt128)product);
        SetFlags(s, (ulong)product, product != Signed(T.CreateTruncating(product)));
    }

    public static void ImulTwo(CpuState* s, Op* op) => Product(s, op, Get<T>(s, op->Reg0), Operand1<T>(s, op));

    public static void ImulThree(CpuState* s, Op* op) => Product(s, op, Operand1<T>(s, op), Immediate<T>(op));

    public static void Div(CpuState* s, Op* op)
    {
        ulong divisor = Wide(Operand0<T>(s, op));
        if (divisor == 0) Fault.Divide(s);
        UInt128 dividend = Pair(s);
        if (dividend >> 64 == 0)
        {
            ulong low = (ulong)dividend, fast = low / divisor;
            if (sizeof(T) < 8 && fast >> Bits != 0) Fault.Divide(s);
            SetQuotient(s, fast, low - fast * divisor);
            return;
        }
        UInt128 quotient = dividend / divisor;
        if (quotient >> Bits != 0) Fault.Divide(s);
        SetQuotient(s, (ulong)quotient, (ulong)(dividend - quotient * divisor));
    }

    public static void Idiv(CpuState* s, Op* op)
    {
        long divisor = Signed(Operand0<T>(s, op));
        if (divisor == 0) Fault.Divide(s);
        Int128 dividend = (Int128)(Pair(s) << (128 - 2 * Bits)) >> (128 - 2 * Bits);
        // The one division that Int128 itself refuses.
        if (dividend == Int128.MinValue && divisor == -1) Fault.Divide(s);
        Int128 quotient = dividend / divisor;
        if (quotient != Signed(T.CreateTruncating(quotient))) Fault.Divide(s);
        SetQuotient(s, (ulong)quotient, (ulong)(dividend - quotient * divisor));
    }

    public static void Mulx(CpuState* s, Op* op)
    {
        T source = op->HasMemory ? Mem.Read<T>(s, Mem.Address(s, op)) : Get<T>(s, op->Reg2);
        UInt128 product = (UInt128)Wide(Get<T>(s, Rdx)) * Wide(source);
        // When both destinations are one register the high half stays.
        Set(s, op->Reg1, T.CreateTruncating((ulong)product));
        Set(s, op->Reg0, T.CreateTruncating((ulong)(product >> Bits)));
    }

    private static void Product(CpuState* s, Op* op, T a, T b)
    {
        Int128 product = (Int128)Signed(a) * Signed(b);
        T low = T.CreateTruncating(product);
        Set(s, op->Reg0, low);
        SetFlags(s, (ulong)product, product != Signed(low));
    }

    /// <summary>CF and OF tell whether the upper half matters; SF, ZF, PF follow the lower half as on the processors at hand, AF is cleared.</summary>
    private static void SetFlags(CpuState* s, ulong low, bool significant) => Flags.SetResult(s, low, Bits, significant, significant);

    private static long Signed(T value) => (long)(Wide(value) << (64 - Bits)) >> (64 - Bits);

    private static UInt128 Pair(CpuState* s) => sizeof(T) == 1
        ? Get<ushort>(s, Rax)
        : (UInt128)Wide(Get<T>(s, Rdx)) << Bits | Wide(Get<T>(s, Rax));

    private static void SetPair(CpuState* s, UInt128 value)
    {
        if (sizeof(T) == 1)
        {
            Set(s, Rax, (ushort)value);
            return;
        }
        Set(s, Rax, T.CreateTruncating((ulong)value));
        Set(s, Rdx, T.CreateTruncating((ulong)(value >> Bits)));
    }

    private static void SetQuotient(CpuState* s, ulong quotient, ulong remainder)
    {
        Set(s, Rax, T.CreateTruncating(quotient));
        // AH holds the remainder of byte divisions.
        Set(s, sizeof(T) == 1 ? (byte)1 : Rdx, T.CreateTruncating(remainder));
    }
}
