using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Floating;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Interpret.X87;

/// <summary>Moves between stack registers: FLD, FST, FSTP, FXCH, FCMOVcc, FFREE, FINCSTP, FDECSTP, and the constants.</summary>
internal static unsafe class X87Transfer
{
    public static void Fld(CpuState* s, Op* op)
    {
        Fpu.Wait(s);
        Fpu.Track(s, op);
        if (Fpu.IsEmpty(s, op->Reg0))
        {
            if (Fpu.Underflow(s))
                Fpu.Push(s, Float80.Indefinite);
        }
        else if (!Fpu.IsEmpty(s, -1))
        {
            PushOverflow(s);
        }
        else
        {
            Float80 value = Fpu.Get(s, op->Reg0);
            Fpu.SetConditions(s, Fpu.C1, 0);
            Fpu.Push(s, value);
        }
    }

    public static void Fst(CpuState* s, Op* op) => Store(s, op, pops: false);

    public static void Fstp(CpuState* s, Op* op) => Store(s, op, pops: true);

    /// <summary>D9 D8+i, FSTPNCE: FSTP that raises nothing and stores nothing when ST(0) is empty. Not in the manuals, in every processor.</summary>
    public static void Fstpnce(CpuState* s, Op* op)
    {
        Fpu.Wait(s);
        Fpu.Track(s, op);
        Fpu.SetConditions(s, Fpu.C1, 0);
        if (!Fpu.IsEmpty(s, 0))
            Fpu.Set(s, op->Reg0, Fpu.Get(s, 0));
        Fpu.Pop(s);
    }

    public static void Fxch(CpuState* s, Op* op)
    {
        Fpu.Wait(s);
        Fpu.Track(s, op);
        int other = op->Reg1;
        bool first = Fpu.IsEmpty(s, 0);
        bool second = Fpu.IsEmpty(s, other);
        if (!first && !second)
            Fpu.SetConditions(s, Fpu.C1, 0);
        else if (!Fpu.Underflow(s))
            return;
        Float80 top = first ? Float80.Indefinite : Fpu.Get(s, 0);
        Float80 low = second ? Float80.Indefinite : Fpu.Get(s, other);
        Fpu.Set(s, 0, low);
        Fpu.Set(s, other, top);
    }

    public static void Fcmovb(CpuState* s, Op* op) => MoveIf(s, op, Flags.Carry(s));

    public static void Fcmove(CpuState* s, Op* op) => MoveIf(s, op, Flags.Zero(s));

    public static void Fcmovbe(CpuState* s, Op* op) => MoveIf(s, op, Flags.Carry(s) || Flags.Zero(s));

    public static void Fcmovu(CpuState* s, Op* op) => MoveIf(s, op, Flags.Parity(s));

    public static void Fcmovnb(CpuState* s, Op* op) => MoveIf(s, op, !Flags.Carry(s));

    public static void Fcmovne(CpuState* s, Op* op) => MoveIf(s, op, !Flags.Zero(s));

    public static void Fcmovnbe(CpuState* s, Op* op) => MoveIf(s, op, !Flags.Carry(s) && !Flags.Zero(s));

    public static void Fcmovnu(CpuState* s, Op* op) => MoveIf(s, op, !Flags.Parity(s));

    public static void Ffree(CpuState* s, Op* op)
    {
        Fpu.Wait(s);
        Fpu.Track(s, op);
        Fpu.Free(s, op->Reg0);
    }

    /// <summary>DF C0+i: FFREE, then a pop. Not in the manuals, in every processor.</summary>
    public static void Ffreep(CpuState* s, Op* op)
    {
        Ffree(s, op);
        Fpu.Pop(s);
    }

    public static void Fincstp(CpuState* s, Op* op) => Rotate(s, op, 1);

    public static void Fdecstp(CpuState* s, Op* op) => Rotate(s, op, -1);

    /// <summary>FNOP: waits and is noted, nothing more.</summary>
    public static void Fnop(CpuState* s, Op* op)
    {
        Fpu.Wait(s);
        Fpu.Track(s, op);
    }

    /// <summary>Answers a push onto a full register.</summary>
    public static void PushOverflow(CpuState* s)
    {
        if (Fpu.Overflow(s))
            Fpu.Push(s, Float80.Indefinite);
    }

    private static void Store(CpuState* s, Op* op, bool pops)
    {
        Fpu.Wait(s);
        Fpu.Track(s, op);
        Float80 value = Fpu.Get(s, 0);
        if (!Fpu.IsEmpty(s, 0))
            Fpu.SetConditions(s, Fpu.C1, 0);
        else if (Fpu.Underflow(s))
            value = Float80.Indefinite;
        else
            return;
        Fpu.Set(s, op->Reg0, value);
        if (pops)
            Fpu.Pop(s);
    }

    private static void MoveIf(CpuState* s, Op* op, bool condition)
    {
        Fpu.Wait(s);
        Fpu.Track(s, op);
        if (Fpu.IsEmpty(s, 0) || Fpu.IsEmpty(s, op->Reg1))
        {
            if (Fpu.Underflow(s))
                Fpu.Set(s, 0, Float80.Indefinite);
            return;
        }

        if (condition)
            Fpu.Set(s, 0, Fpu.Get(s, op->Reg1));
    }

    private static void Rotate(CpuState* s, Op* op, int by)
    {
        Fpu.Wait(s);
        Fpu.Track(s, op);
        Fpu.SetTop(s, Fpu.Top(s) + by);
        Fpu.SetConditions(s, Fpu.C1, 0);
    }
}

/// <summary>
/// FLD1, FLDZ and the irrational constants, kept to 66 bits or more and rounded by RC (SDM vol. 1, 8.3.8). They raise no
/// inexact exception.
/// </summary>
internal static unsafe class X87Constants
{
    public static void Fld1(CpuState* s, Op* op) => Load(s, op, Float80.One, 0);

    public static void Fldz(CpuState* s, Op* op) => Load(s, op, Float80.PositiveZero, 0);

    /// <summary>log2(10).</summary>
    public static void Fldl2t(CpuState* s, Op* op) => Load(s, op, new Float80(0x4000, 0xd49a784bcd1b8afe), 0x492bf6ff4dafdb4c);

    /// <summary>log2(e).</summary>
    public static void Fldl2e(CpuState* s, Op* op) => Load(s, op, new Float80(0x3fff, 0xb8aa3b295c17f0bb), 0xbe87fed0691d3e88);

    /// <summary>π.</summary>
    public static void Fldpi(CpuState* s, Op* op) => Load(s, op, new Float80(0x4000, 0xc90fdaa22168c234), 0xc4c6628b80dc1cd1);

    /// <summary>log10(2).</summary>
    public static void Fldlg2(CpuState* s, Op* op) => Load(s, op, new Float80(0x3ffd, 0x9a209a84fbcff798), 0x8f8959ac0b7c9178);

    /// <summary>ln(2).</summary>
    public static void Fldln2(CpuState* s, Op* op) => Load(s, op, new Float80(0x3ffe, 0xb17217f7d1cf79ab), 0xc9e3b39803f2f6af);

    /// <param name="s">The processor.</param>
    /// <param name="op">The instruction.</param>
    /// <param name="cut">The constant's first 64 bits.</param>
    /// <param name="rest">Its next 64 bits.</param>
    private static void Load(CpuState* s, Op* op, Float80 cut, ulong rest)
    {
        Fpu.Wait(s);
        Fpu.Track(s, op);
        if (!Fpu.IsEmpty(s, -1))
        {
            X87Transfer.PushOverflow(s);
            return;
        }

        bool up = Rounder.Increments(Fpu.Status(s).Rounding, sign: false, (cut.Significand & 1) != 0, (rest >> 63) != 0, rest << 1 != 0);
        Fpu.SetConditions(s, Fpu.C1, 0);
        Fpu.Push(s, up ? new Float80(cut.SignExponent, cut.Significand + 1) : cut);
    }
}
