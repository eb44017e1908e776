using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Floating;

namespace Hospes.Hypervisor.Soft.Interpret.X87;

/// <summary>F2XM1, FYL2X, FYL2XP1, FSIN, FCOS, FSINCOS, FPTAN and FPATAN (SDM vol. 1, 8.3.7). Precision control does not apply.</summary>
internal static unsafe class X87Transcendental
{
    public static void F2xm1(CpuState* s, Op* op)
    {
        if (!X87Unary.Begin(s, op, 1))
            return;
        FloatStatus status = Fpu.Status(s);
        Float80 result = Exponentials.Exp2Minus1(Fpu.Get(s, 0).Unpack(), ref status);
        X87Unary.Finish(s, result, status);
    }

    public static void Fyl2x(CpuState* s, Op* op)
    {
        if (!BeginPair(s, op))
            return;
        FloatStatus status = Fpu.Status(s);
        Float80 result = Exponentials.MultiplyLog2(Fpu.Get(s, 1).Unpack(), Fpu.Get(s, 0).Unpack(), ref status);
        FinishPair(s, result, status);
    }

    public static void Fyl2xp1(CpuState* s, Op* op)
    {
        if (!BeginPair(s, op))
            return;
        FloatStatus status = Fpu.Status(s);
        Float80 result = Exponentials.MultiplyLog2Of1Plus(Fpu.Get(s, 1).Unpack(), Fpu.Get(s, 0).Unpack(), ref status);
        FinishPair(s, result, status);
    }

    public static void Fpatan(CpuState* s, Op* op)
    {
        if (!BeginPair(s, op))
            return;
        FloatStatus status = Fpu.Status(s);
        Float80 result = Trigonometry.ArcTangent(Fpu.Get(s, 1).Unpack(), Fpu.Get(s, 0).Unpack(), ref status);
        FinishPair(s, result, status);
    }

    public static void Fsin(CpuState* s, Op* op)
    {
        if (!BeginAngle(s, op) || IsRefused(s))
            return;
        FloatStatus status = Fpu.Status(s);
        Float80 result = Trigonometry.Sine(Fpu.Get(s, 0).Unpack(), ref status);
        X87Unary.Finish(s, result, status);
    }

    public static void Fcos(CpuState* s, Op* op)
    {
        if (!BeginAngle(s, op) || IsRefused(s))
            return;
        FloatStatus status = Fpu.Status(s);
        Float80 result = Trigonometry.Cosine(Fpu.Get(s, 0).Unpack(), ref status);
        X87Unary.Finish(s, result, status);
    }

    public static void Fsincos(CpuState* s, Op* op)
    {
        if (!BeginPush(s, op) || IsRefused(s))
            return;
        FloatStatus status = Fpu.Status(s);
        Operand operand = Fpu.Get(s, 0).Unpack();
        Float80 sine = Trigonometry.Sine(operand, ref status);
        Float80 cosine = Trigonometry.Cosine(operand, ref status);
        FinishPush(s, sine, cosine, status);
    }

    public static void Fptan(CpuState* s, Op* op)
    {
        if (!BeginPush(s, op) || IsRefused(s))
            return;
        FloatStatus status = Fpu.Status(s);
        Float80 tangent = Trigonometry.Tangent(Fpu.Get(s, 0).Unpack(), ref status);

        // A NaN comes out twice, in place of the tangent and of the 1.
        FinishPush(s, tangent, tangent.Field == Float80.MaxField ? tangent : Float80.One, status);
    }

    /// <summary>Arguments of 2^63 and more: C2 is set and nothing else happens; smaller ones clear it.</summary>
    private static bool IsRefused(CpuState* s)
    {
        bool refused = Trigonometry.IsOutOfRange(Fpu.Get(s, 0).Unpack());
        Fpu.SetConditions(s, Fpu.C1 | Fpu.C2, refused ? Fpu.C2 : (ushort)0);
        return refused;
    }

    private static bool BeginAngle(CpuState* s, Op* op)
    {
        bool begun = X87Unary.Begin(s, op, 1);
        Fpu.SetConditions(s, Fpu.C2, 0);
        return begun;
    }

    /// <summary>Starts an instruction that takes ST(0) and ST(1) and leaves one result.</summary>
    private static bool BeginPair(CpuState* s, Op* op)
    {
        Fpu.Wait(s);
        Fpu.Track(s, op);
        if (!Fpu.IsEmpty(s, 0) && !Fpu.IsEmpty(s, 1))
            return true;
        if (Fpu.Underflow(s))
        {
            Fpu.Set(s, 1, Float80.Indefinite);
            Fpu.Pop(s);
        }

        return false;
    }

    private static void FinishPair(CpuState* s, Float80 result, in FloatStatus status)
    {
        if (!Fpu.Commit(s, status))
            return;
        Fpu.Set(s, 1, result);
        Fpu.Pop(s);
    }

    /// <summary>Starts an instruction that replaces ST(0) and pushes.</summary>
    private static bool BeginPush(CpuState* s, Op* op)
    {
        Fpu.Wait(s);
        Fpu.Track(s, op);
        Fpu.SetConditions(s, Fpu.C2, 0);
        bool empty = Fpu.IsEmpty(s, 0);
        if (!empty && Fpu.IsEmpty(s, -1))
            return true;
        if (empty ? Fpu.Underflow(s) : Fpu.Overflow(s))
        {
            Fpu.Set(s, 0, Float80.Indefinite);
            Fpu.Push(s, Float80.Indefinite);
        }

        return false;
    }

    private static void FinishPush(CpuState* s, Float80 result, Float80 pushed, in FloatStatus status)
    {
        if (!Fpu.Commit(s, status))
            return;
        Fpu.Set(s, 0, result);
        Fpu.Push(s, pushed);
    }
}
