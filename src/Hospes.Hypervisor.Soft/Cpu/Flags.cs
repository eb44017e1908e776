using System.Numerics;
using System.Runtime.CompilerServices;

namespace Hospes.Hypervisor.Soft.Cpu;

/// <summary>
/// The six arithmetic flags in lazy form. An instruction stores what they can be computed from; a reader computes.
/// <list type="bullet">
/// <item><see cref="CpuState.FlagResult"/> is the result, sign-extended to 64 bits.</item>
/// <item><see cref="CpuState.FlagAux"/> bit 63 is CF; bit 62 is CF xor OF (the carry into the top bit); bit 3 is AF;
/// bits 8-15 are exclusive-ored into the result's low byte before parity; bit 0 is exclusive-ored into the sign.</item>
/// </list>
/// ZF = (result == 0). SF = (result &lt; 0) xor aux[0]. PF = even parity of (result ^ aux[15:8]) low byte.
/// </summary>
internal static unsafe class Flags
{
    public const uint Cf = 1, Reserved1 = 2, Pf = 4, Af = 0x10, Zf = 0x40, Sf = 0x80, Tf = 0x100, If = 0x200, Df = 0x400, Of = 0x800,
        IoplMask = 0x3000, Nt = 0x4000, Rf = 0x10000, Vm = 0x20000, Ac = 0x40000, Vif = 0x80000, Vip = 0x100000, Id = 0x200000;

    /// <summary>CF, PF, AF, ZF, SF, OF.</summary>
    public const uint Arithmetic = Cf | Pf | Af | Zf | Sf | Of;

    public const ulong AuxCarry = 1UL << 63, AuxPartial = 1UL << 62, AuxAdjust = 8, AuxParity = 0xFF00, AuxSign = 1;

    /// <summary>Sets all six after an addition (with or without carry in) of <paramref name="bits"/> bits; operands may have garbage above.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetAdd(CpuState* s, ulong a, ulong b, ulong result, int bits)
    {
        ulong carries = (a & b) | ((a | b) & ~result);
        SetCarries(s, carries, result, bits);
    }

    /// <summary>Sets all six after a subtraction a - b (with or without borrow) of <paramref name="bits"/> bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetSub(CpuState* s, ulong a, ulong b, ulong result, int bits)
    {
        ulong borrows = (~a & b) | ((~a | b) & result);
        SetCarries(s, borrows, result, bits);
    }

    /// <summary>Sets all six after AND, OR, XOR, TEST: CF, OF, AF cleared.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetLogic(CpuState* s, ulong result, int bits)
    {
        s->FlagResult = SignExtend(result, bits);
        s->FlagAux = 0;
    }

    /// <summary>Sets ZF, SF, PF from a result; CF and OF as given; AF cleared.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetResult(CpuState* s, ulong result, int bits, bool carry, bool overflow)
    {
        s->FlagResult = SignExtend(result, bits);
        s->FlagAux = CarryOverflow(carry, overflow);
    }

    /// <summary>Sets ZF, SF, PF, AF, OF after INC or DEC; CF stays.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void KeepCarry(CpuState* s, bool carry)
    {
        ulong overflow = ((s->FlagAux >> 63) ^ (s->FlagAux >> 62)) & 1;
        ulong c = carry ? 1UL : 0;
        s->FlagAux = (s->FlagAux & ~(AuxCarry | AuxPartial)) | (c << 63) | ((c ^ overflow) << 62);
    }

    public static bool Carry(CpuState* s) => (long)s->FlagAux < 0;

    public static bool Zero(CpuState* s) => s->FlagResult == 0;

    public static bool Sign(CpuState* s) => ((ulong)(s->FlagResult >> 63) ^ s->FlagAux & AuxSign) is var x && (x & 1) != 0;

    public static bool Overflow(CpuState* s) => (((s->FlagAux >> 63) ^ (s->FlagAux >> 62)) & 1) != 0;

    public static bool Adjust(CpuState* s) => (s->FlagAux & AuxAdjust) != 0;

    public static bool Parity(CpuState* s) => (BitOperations.PopCount(((uint)s->FlagResult ^ (uint)(s->FlagAux >> 8)) & 0xFF) & 1) == 0;

    /// <summary>The whole RFLAGS value.</summary>
    public static uint Read(CpuState* s) =>
        s->SystemFlags | Reserved1 | (Carry(s) ? Cf : 0) | (Parity(s) ? Pf : 0) | (Adjust(s) ? Af : 0) | (Zero(s) ? Zf : 0)
        | (Sign(s) ? Sf : 0) | (Overflow(s) ? Of : 0);

    /// <summary>Sets the six arithmetic flags from their bits in an RFLAGS value; other bits are ignored.</summary>
    public static void WriteArithmetic(CpuState* s, uint flags)
    {
        // The result is 0 (ZF) or 1; sign and parity are corrected through the two delta fields.
        bool zero = (flags & Zf) != 0;
        s->FlagResult = zero ? 0 : 1;
        bool parityOfResult = zero;
        ulong aux = CarryOverflow((flags & Cf) != 0, (flags & Of) != 0);
        if ((flags & Af) != 0) aux |= AuxAdjust;
        if ((flags & Sf) != 0) aux |= AuxSign;
        if (((flags & Pf) != 0) != parityOfResult) aux |= 0x100;
        s->FlagAux = aux;
    }

    /// <summary>Writes the whole RFLAGS value without any check of privilege.</summary>
    public static void Write(CpuState* s, uint flags)
    {
        s->SystemFlags = flags & ~(Arithmetic | Reserved1);
        WriteArithmetic(s, flags);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SetCarries(CpuState* s, ulong carries, ulong result, int bits)
    {
        s->FlagResult = SignExtend(result, bits);
        s->FlagAux = ((carries << (64 - bits)) & (AuxCarry | AuxPartial)) | (carries & AuxAdjust);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong CarryOverflow(bool carry, bool overflow) =>
        (carry ? AuxCarry : 0) | (carry != overflow ? AuxPartial : 0);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static long SignExtend(ulong value, int bits) => (long)(value << (64 - bits)) >> (64 - bits);
}
