using Hospes.Hypervisor.Soft.Decode;
using Iced.Intel;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

internal static unsafe partial class IntegerTable
{
    private static void FillMultiplication(HandlerTable t)
    {
        Multiplications<byte>(t, Code.Mul_rm8, Code.Imul_rm8, Code.Div_rm8, Code.Idiv_rm8);
        Multiplications<ushort>(t, Code.Mul_rm16, Code.Imul_rm16, Code.Div_rm16, Code.Idiv_rm16);
        Multiplications<uint>(t, Code.Mul_rm32, Code.Imul_rm32, Code.Div_rm32, Code.Idiv_rm32);
        Multiplications<ulong>(t, Code.Mul_rm64, Code.Imul_rm64, Code.Div_rm64, Code.Idiv_rm64);
        Products<ushort>(t, Code.Imul_r16_rm16, Code.Imul_r16_rm16_imm16, Code.Imul_r16_rm16_imm8);
        Products<uint>(t, Code.Imul_r32_rm32, Code.Imul_r32_rm32_imm32, Code.Imul_r32_rm32_imm8);
        Products<ulong>(t, Code.Imul_r64_rm64, Code.Imul_r64_rm64_imm32, Code.Imul_r64_rm64_imm8);
    }

    private static void Multiplications<T>(HandlerTable t, Code multiply, Code signedMultiply, Code divide, Code signedDivide)
        where T : unmanaged
    {
        t.Add(multiply, &Multiplication<T>.UnsignedReg, &Multiplication<T>.UnsignedMem);
        t.Add(signedMultiply, &Multiplication<T>.SignedReg, &Multiplication<T>.SignedMem);
        t.Add(divide, &Multiplication<T>.DivideReg, &Multiplication<T>.DivideMem);
        t.Add(signedDivide, &Multiplication<T>.SignedDivideReg, &Multiplication<T>.SignedDivideMem);
    }

    private static void Products<T>(HandlerTable t, Code two, Code three, Code threeByte)
        where T : unmanaged
    {
        t.Add(two, &Multiplication<T>.RegReg, &Multiplication<T>.RegMem);
        t.Add(three, &Multiplication<T>.RegRegImm, &Multiplication<T>.RegMemImm);
        t.Add(threeByte, &Multiplication<T>.RegRegImm, &Multiplication<T>.RegMemImm);
    }
}
