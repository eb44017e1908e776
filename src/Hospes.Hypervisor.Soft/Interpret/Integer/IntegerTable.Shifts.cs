using Hospes.Hypervisor.Soft.Decode;
using Iced.Intel;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

internal static unsafe partial class IntegerTable
{
    private static void FillShifts(HandlerTable t)
    {
        Shifts<RotateLeft>(t, Code.Rol_rm8_1, Code.Rol_rm16_1, Code.Rol_rm8_CL, Code.Rol_rm16_CL, Code.Rol_rm8_imm8, Code.Rol_rm16_imm8);
        Shifts<RotateRight>(t, Code.Ror_rm8_1, Code.Ror_rm16_1, Code.Ror_rm8_CL, Code.Ror_rm16_CL, Code.Ror_rm8_imm8, Code.Ror_rm16_imm8);
        Shifts<RotateCarryLeft>(t, Code.Rcl_rm8_1, Code.Rcl_rm16_1, Code.Rcl_rm8_CL, Code.Rcl_rm16_CL, Code.Rcl_rm8_imm8, Code.Rcl_rm16_imm8);
        Shifts<RotateCarryRight>(t, Code.Rcr_rm8_1, Code.Rcr_rm16_1, Code.Rcr_rm8_CL, Code.Rcr_rm16_CL, Code.Rcr_rm8_imm8, Code.Rcr_rm16_imm8);
        Shifts<ShiftLeft>(t, Code.Shl_rm8_1, Code.Shl_rm16_1, Code.Shl_rm8_CL, Code.Shl_rm16_CL, Code.Shl_rm8_imm8, Code.Shl_rm16_imm8);
        Shifts<ShiftLeft>(t, Code.Sal_rm8_1, Code.Sal_rm16_1, Code.Sal_rm8_CL, Code.Sal_rm16_CL, Code.Sal_rm8_imm8, Code.Sal_rm16_imm8);
        Shifts<ShiftRight>(t, Code.Shr_rm8_1, Code.Shr_rm16_1, Code.Shr_rm8_CL, Code.Shr_rm16_CL, Code.Shr_rm8_imm8, Code.Shr_rm16_imm8);
        Shifts<ShiftArithmetic>(t, Code.Sar_rm8_1, Code.Sar_rm16_1, Code.Sar_rm8_CL, Code.Sar_rm16_CL, Code.Sar_rm8_imm8, Code.Sar_rm16_imm8);
        DoubleShifts<ushort>(t, Code.Shld_rm16_r16_imm8, Code.Shld_rm16_r16_CL, Code.Shrd_rm16_r16_imm8, Code.Shrd_rm16_r16_CL);
        DoubleShifts<uint>(t, Code.Shld_rm32_r32_imm8, Code.Shld_rm32_r32_CL, Code.Shrd_rm32_r32_imm8, Code.Shrd_rm32_r32_CL);
        DoubleShifts<ulong>(t, Code.Shld_rm64_r64_imm8, Code.Shld_rm64_r64_CL, Code.Shrd_rm64_r64_imm8, Code.Shrd_rm64_r64_CL);
    }

    private static void Shifts<TShift>(HandlerTable t, Code one8, Code one16, Code cl8, Code cl16, Code imm8, Code imm16)
        where TShift : struct, IShift
    {
        Shifts<TShift, ByOne>(t, one8, one16);
        Shifts<TShift, ByCl>(t, cl8, cl16);
        Shifts<TShift, ByImmediate>(t, imm8, imm16);
    }

    private static void Shifts<TShift, TCount>(HandlerTable t, Code rm8, Code rm16)
        where TShift : struct, IShift
        where TCount : struct, ICount
    {
        t.Add(rm8, &Shift<TShift, TCount, byte>.Reg, &Shift<TShift, TCount, byte>.Memory);
        t.Add(rm16, &Shift<TShift, TCount, ushort>.Reg, &Shift<TShift, TCount, ushort>.Memory);
        t.Add(rm16 + 1, &Shift<TShift, TCount, uint>.Reg, &Shift<TShift, TCount, uint>.Memory);
        t.Add(rm16 + 2, &Shift<TShift, TCount, ulong>.Reg, &Shift<TShift, TCount, ulong>.Memory);
    }

    private static void DoubleShifts<T>(HandlerTable t, Code leftImmediate, Code leftCl, Code rightImmediate, Code rightCl)
        where T : unmanaged
    {
        t.Add(leftImmediate, &DoubleShift<ByImmediate, T>.LeftReg, &DoubleShift<ByImmediate, T>.LeftMem);
        t.Add(leftCl, &DoubleShift<ByCl, T>.LeftReg, &DoubleShift<ByCl, T>.LeftMem);
        t.Add(rightImmediate, &DoubleShift<ByImmediate, T>.RightReg, &DoubleShift<ByImmediate, T>.RightMem);
        t.Add(rightCl, &DoubleShift<ByCl, T>.RightReg, &DoubleShift<ByCl, T>.RightMem);
    }
}
