using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using static Hospes.Hypervisor.Soft.Interpret.Integer.Registers;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

/// <summary>DAA, DAS, AAA, AAS, AAM, AAD (Intel SDM vol. 2).</summary>
internal static unsafe class DecimalAdjust
{
    private const byte Al = 0, Ax = 0;

    public static void Daa(CpuState* s, Op* op) => Packed(s, subtract: false);

    public static void Das(CpuState* s, Op* op) => Packed(s, subtract: true);

    public static void Aaa(CpuState* s, Op* op) => Unpacked(s, subtract: false);

    public static void Aas(CpuState* s, Op* op) => Unpacked(s, subtract: true);

    public static void Aam(CpuState* s, Op* op)
    {
        byte radix = (byte)op->Imm, al = Get<byte>(s, Al);
        if (radix == 0) Fault.Divide(s);
        Set(s, Ax, (ushort)(al / radix << 8 | al % radix));
        Flags.SetLogic(s, (byte)(al % radix), 8);
    }

    public static void Aad(CpuState* s, Op* op)
    {
        ushort ax = Get<ushort>(s, Ax);
        byte al = (byte)((byte)ax + (ax >> 8) * (byte)op->Imm);
        Set(s, Ax, (ushort)al);
        Flags.SetLogic(s, al, 8);
    }

    private static void Packed(CpuState* s, bool subtract)
    {
        byte old = Get<byte>(s, Al), al = old;
        bool carry = Flags.Carry(s), adjust = (old & 15) > 9 || Flags.Adjust(s), carryOut = false;
        int sign = subtract ? -1 : 1;
        if (adjust)
        {
            carryOut = carry || (subtract ? old < 6 : old > 0xF9);
            al = (byte)(al + sign * 6);
        }
        if (old > 0x99 || carry)
        {
            al = (byte)(al + sign * 0x60);
            carryOut = true;
        }
        else if (!subtract)
        {
            carryOut = false;
        }
        Set(s, Al, al);
        Flags.SetLogic(s, al, 8);
        Flags.WriteArithmetic(s, (Flags.Read(s) & ~(Flags.Cf | Flags.Af)) | (carryOut ? Flags.Cf : 0) | (adjust ? Flags.Af : 0));
    }

    private static void Unpacked(CpuState* s, bool subtract)
    {
        ushort ax = Get<ushort>(s, Ax);
        bool adjust = (ax & 15) > 9 || Flags.Adjust(s);
        if (adjust) ax = (ushort)(subtract ? ax - 0x106 : ax + 0x106);
        ax &= 0xFF0F;
        Set(s, Ax, ax);
        Flags.SetLogic(s, (byte)ax, 8);
        Flags.WriteArithmetic(s, (Flags.Read(s) & ~(Flags.Cf | Flags.Af)) | (adjust ? Flags.Cf | Flags.Af : 0));
    }
}
