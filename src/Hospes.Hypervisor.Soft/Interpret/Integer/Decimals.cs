using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

/// <summary>Decimal adjustment (Intel SDM vol. 2, DAA, DAS, AAA, AAS, AAM, AAD). Undefined flags: OF is cleared, SF, ZF and PF follow AL.</summary>
internal static unsafe class Decimals
{
    public static void AdjustAfterAdd(CpuState* s, Op* op) => AdjustPacked(s, subtract: false);

    public static void AdjustAfterSubtract(CpuState* s, Op* op) => AdjustPacked(s, subtract: true);

    public static void AsciiAfterAdd(CpuState* s, Op* op) => AdjustAscii(s, subtract: false);

    public static void AsciiAfterSubtract(CpuState* s, Op* op) => AdjustAscii(s, subtract: true);

    public static void AsciiAfterMultiply(CpuState* s, Op* op)
    {
        uint number = (byte)op->Imm, al = (byte)s->General[0];
        if (number == 0) Fault.Divide(s);
        Register.Set<ushort>(s, Register.Rax, ((al / number) << 8) | (al % number));
        Flags.SetLogic(s, al % number, 8);
    }

    public static void AsciiBeforeDivide(CpuState* s, Op* op)
    {
        uint ax = (ushort)s->General[0];
        uint al = (byte)((byte)ax + (ax >> 8) * (byte)op->Imm);
        Register.Set<ushort>(s, Register.Rax, al);
        Flags.SetLogic(s, al, 8);
    }

    private static void AdjustPacked(CpuState* s, bool subtract)
    {
        uint al = (byte)s->General[0], old = al;
        bool oldCarry = Flags.Carry(s), carry = false;
        bool low = (al & 15) > 9 || Flags.Adjust(s);
        if (low)
        {
            carry = oldCarry || (subtract ? al < 6 : al > 0xF9);
            al = subtract ? al - 6 : al + 6;
        }
        bool high = old > 0x99 || oldCarry;
        if (high)
        {
            al = subtract ? al - 0x60 : al + 0x60;
            carry = true;
        }
        // DAA without a high correction clears CF; DAS keeps a borrow of the low correction.
        if (!subtract && !high) carry = false;
        Register.Set<byte>(s, Register.Rax, al);
        Flags.SetResult(s, al, 8, carry, overflow: false);
        if (low) s->FlagAux |= Flags.AuxAdjust;
    }

    private static void AdjustAscii(CpuState* s, bool subtract)
    {
        uint ax = (ushort)s->General[0];
        bool adjust = (ax & 15) > 9 || Flags.Adjust(s);
        if (adjust) ax = subtract ? ax - 0x106 : ax + 0x106;
        ax = ax & 0xFF0F;
        Register.Set<ushort>(s, Register.Rax, ax);
        Flags.SetResult(s, ax, 8, adjust, overflow: false);
        if (adjust) s->FlagAux |= Flags.AuxAdjust;
    }
}
