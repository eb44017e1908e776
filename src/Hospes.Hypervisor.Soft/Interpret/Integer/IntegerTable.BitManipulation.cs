using Hospes.Hypervisor.Soft.Decode;
using Iced.Intel;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

internal static unsafe partial class IntegerTable
{
    private static void FillBitManipulation(HandlerTable t)
    {
        // Iced numbers the 64-bit form behind the 32-bit one.
        BitManipulations<uint>(t, 0);
        BitManipulations<ulong>(t, 1);
        t.Add(Code.Crc32_r32_rm8, &Checksum<byte>.Reg, &Checksum<byte>.Memory);
        t.Add(Code.Crc32_r64_rm8, &Checksum<byte>.Reg, &Checksum<byte>.Memory);
        t.Add(Code.Crc32_r32_rm16, &Checksum<ushort>.Reg, &Checksum<ushort>.Memory);
        t.Add(Code.Crc32_r32_rm32, &Checksum<uint>.Reg, &Checksum<uint>.Memory);
        t.Add(Code.Crc32_r64_rm64, &Checksum<ulong>.Reg, &Checksum<ulong>.Memory);
    }

    private static void BitManipulations<T>(HandlerTable t, int wide)
        where T : unmanaged
    {
        t.Add(Code.VEX_Andn_r32_r32_rm32 + wide, &BitManipulation<T>.AndNot);
        t.Add(Code.VEX_Bextr_r32_rm32_r32 + wide, &BitManipulation<T>.Extract);
        t.Add(Code.VEX_Blsi_r32_rm32 + wide, &BitManipulation<T>.IsolateLowest);
        t.Add(Code.VEX_Blsmsk_r32_rm32 + wide, &BitManipulation<T>.MaskToLowest);
        t.Add(Code.VEX_Blsr_r32_rm32 + wide, &BitManipulation<T>.ResetLowest);
        t.Add(Code.VEX_Bzhi_r32_rm32_r32 + wide, &BitManipulation<T>.ZeroHigh);
        t.Add(Code.VEX_Mulx_r32_r32_rm32 + wide, &BitManipulation<T>.Multiply);
        t.Add(Code.VEX_Pdep_r32_r32_rm32 + wide, &BitManipulation<T>.Deposit);
        t.Add(Code.VEX_Pext_r32_r32_rm32 + wide, &BitManipulation<T>.Gather);
        t.Add(Code.VEX_Rorx_r32_rm32_imm8 + wide, &BitManipulation<T>.RotateRight);
        t.Add(Code.VEX_Sarx_r32_rm32_r32 + wide, &BitManipulation<T>.ShiftArithmetic);
        t.Add(Code.VEX_Shlx_r32_rm32_r32 + wide, &BitManipulation<T>.ShiftLeft);
        t.Add(Code.VEX_Shrx_r32_rm32_r32 + wide, &BitManipulation<T>.ShiftRight);
        t.Add(Code.Adcx_r32_rm32 + wide, &BitManipulation<T>.AddWithCarry);
        t.Add(Code.Adox_r32_rm32 + wide, &BitManipulation<T>.AddWithOverflow);
    }
}
