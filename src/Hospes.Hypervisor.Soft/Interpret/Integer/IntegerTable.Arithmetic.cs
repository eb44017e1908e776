using Hospes.Hypervisor.Soft.Decode;
using Iced.Intel;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

internal static unsafe partial class IntegerTable
{
    private static void FillArithmetic(HandlerTable t)
    {
        // Iced numbers each operation's twelve one-byte forms in opcode order, and the immediate forms by width.
        Binary<Add>(t, Code.Add_rm8_r8, Code.Add_rm8_imm8, Code.Add_rm8_imm8_82, Code.Add_rm16_imm16, Code.Add_rm16_imm8);
        Binary<Or>(t, Code.Or_rm8_r8, Code.Or_rm8_imm8, Code.Or_rm8_imm8_82, Code.Or_rm16_imm16, Code.Or_rm16_imm8);
        Binary<AddCarry>(t, Code.Adc_rm8_r8, Code.Adc_rm8_imm8, Code.Adc_rm8_imm8_82, Code.Adc_rm16_imm16, Code.Adc_rm16_imm8);
        Binary<SubtractBorrow>(t, Code.Sbb_rm8_r8, Code.Sbb_rm8_imm8, Code.Sbb_rm8_imm8_82, Code.Sbb_rm16_imm16, Code.Sbb_rm16_imm8);
        Binary<And>(t, Code.And_rm8_r8, Code.And_rm8_imm8, Code.And_rm8_imm8_82, Code.And_rm16_imm16, Code.And_rm16_imm8);
        Binary<Subtract>(t, Code.Sub_rm8_r8, Code.Sub_rm8_imm8, Code.Sub_rm8_imm8_82, Code.Sub_rm16_imm16, Code.Sub_rm16_imm8);
        Binary<Xor>(t, Code.Xor_rm8_r8, Code.Xor_rm8_imm8, Code.Xor_rm8_imm8_82, Code.Xor_rm16_imm16, Code.Xor_rm16_imm8);
        Binary<Compare>(t, Code.Cmp_rm8_r8, Code.Cmp_rm8_imm8, Code.Cmp_rm8_imm8_82, Code.Cmp_rm16_imm16, Code.Cmp_rm16_imm8);

        TestForms<byte>(t, Code.Test_rm8_r8, Code.Test_AL_imm8, Code.Test_rm8_imm8, Code.Test_rm8_imm8_F6r1);
        TestForms<ushort>(t, Code.Test_rm16_r16, Code.Test_AX_imm16, Code.Test_rm16_imm16, Code.Test_rm16_imm16_F7r1);
        TestForms<uint>(t, Code.Test_rm32_r32, Code.Test_EAX_imm32, Code.Test_rm32_imm32, Code.Test_rm32_imm32_F7r1);
        TestForms<ulong>(t, Code.Test_rm64_r64, Code.Test_RAX_imm32, Code.Test_rm64_imm32, Code.Test_rm64_imm32_F7r1);

        Single<Increment>(t, Code.Inc_rm8, Code.Inc_rm16);
        Single<Decrement>(t, Code.Dec_rm8, Code.Dec_rm16);
        Single<Negate>(t, Code.Neg_rm8, Code.Neg_rm16);
        Single<Complement>(t, Code.Not_rm8, Code.Not_rm16);
        t.Add(Code.Inc_r16, &Unary<Increment, ushort>.Reg);
        t.Add(Code.Inc_r32, &Unary<Increment, uint>.Reg);
        t.Add(Code.Dec_r16, &Unary<Decrement, ushort>.Reg);
        t.Add(Code.Dec_r32, &Unary<Decrement, uint>.Reg);
    }

    private static void Binary<TOperation>(HandlerTable t, Code rm8r8, Code rm8imm8, Code rm8imm8Alias, Code rm16imm16, Code rm16imm8)
        where TOperation : struct, IBinary
    {
        Binary<TOperation, byte>(t, rm8r8, rm8r8 + 4, rm8r8 + 8);
        Binary<TOperation, ushort>(t, rm8r8 + 1, rm8r8 + 5, rm8r8 + 9);
        Binary<TOperation, uint>(t, rm8r8 + 2, rm8r8 + 6, rm8r8 + 10);
        Binary<TOperation, ulong>(t, rm8r8 + 3, rm8r8 + 7, rm8r8 + 11);
        Immediate<TOperation, byte>(t, rm8imm8);
        Immediate<TOperation, byte>(t, rm8imm8Alias);
        Immediate<TOperation, ushort>(t, rm16imm16);
        Immediate<TOperation, uint>(t, rm16imm16 + 1);
        Immediate<TOperation, ulong>(t, rm16imm16 + 2);
        Immediate<TOperation, ushort>(t, rm16imm8);
        Immediate<TOperation, uint>(t, rm16imm8 + 1);
        Immediate<TOperation, ulong>(t, rm16imm8 + 2);
    }

    private static void Binary<TOperation, T>(HandlerTable t, Code memoryFirst, Code registerFirst, Code accumulator)
        where TOperation : struct, IBinary
        where T : unmanaged
    {
        if (TOperation.Stores) t.Add(memoryFirst, &Alu<TOperation, T>.RegReg, &Alu<TOperation, T>.MemReg, &Alu<TOperation, T>.LockedReg);
        else t.Add(memoryFirst, &Alu<TOperation, T>.RegReg, &Alu<TOperation, T>.MemReg);
        t.Add(registerFirst, &Alu<TOperation, T>.RegReg, &Alu<TOperation, T>.RegMem);
        t.Add(accumulator, &Alu<TOperation, T>.RegImm);
    }

    private static void Immediate<TOperation, T>(HandlerTable t, Code code)
        where TOperation : struct, IBinary
        where T : unmanaged
    {
        if (TOperation.Stores) t.Add(code, &Alu<TOperation, T>.RegImm, &Alu<TOperation, T>.MemImm, &Alu<TOperation, T>.LockedImm);
        else t.Add(code, &Alu<TOperation, T>.RegImm, &Alu<TOperation, T>.MemImm);
    }

    private static void TestForms<T>(HandlerTable t, Code registers, Code accumulator, Code immediate, Code alias)
        where T : unmanaged
    {
        t.Add(registers, &Alu<Test, T>.RegReg, &Alu<Test, T>.MemReg);
        t.Add(accumulator, &Alu<Test, T>.RegImm);
        t.Add(immediate, &Alu<Test, T>.RegImm, &Alu<Test, T>.MemImm);
        t.Add(alias, &Alu<Test, T>.RegImm, &Alu<Test, T>.MemImm);
    }

    private static void Single<TOperation>(HandlerTable t, Code rm8, Code rm16)
        where TOperation : struct, IUnary
    {
        t.Add(rm8, &Unary<TOperation, byte>.Reg, &Unary<TOperation, byte>.Memory, &Unary<TOperation, byte>.Locked);
        t.Add(rm16, &Unary<TOperation, ushort>.Reg, &Unary<TOperation, ushort>.Memory, &Unary<TOperation, ushort>.Locked);
        t.Add(rm16 + 1, &Unary<TOperation, uint>.Reg, &Unary<TOperation, uint>.Memory, &Unary<TOperation, uint>.Locked);
        t.Add(rm16 + 2, &Unary<TOperation, ulong>.Reg, &Unary<TOperation, ulong>.Memory, &Unary<TOperation, ulong>.Locked);
    }
}
