using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;
using Iced.Intel;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

internal static unsafe partial class IntegerTable
{
    private static void FillMoves(HandlerTable t)
    {
        Moves<byte>(t, Code.Mov_rm8_r8, Code.Mov_r8_rm8, Code.Mov_r8_imm8, Code.Mov_rm8_imm8, Code.Mov_AL_moffs8, Code.Mov_moffs8_AL);
        Moves<ushort>(t, Code.Mov_rm16_r16, Code.Mov_r16_rm16, Code.Mov_r16_imm16, Code.Mov_rm16_imm16, Code.Mov_AX_moffs16, Code.Mov_moffs16_AX);
        Moves<uint>(t, Code.Mov_rm32_r32, Code.Mov_r32_rm32, Code.Mov_r32_imm32, Code.Mov_rm32_imm32, Code.Mov_EAX_moffs32, Code.Mov_moffs32_EAX);
        Moves<ulong>(t, Code.Mov_rm64_r64, Code.Mov_r64_rm64, Code.Mov_r64_imm64, Code.Mov_rm64_imm32, Code.Mov_RAX_moffs64, Code.Mov_moffs64_RAX);

        t.Add(Code.Movbe_r16_m16, &Move<ushort>.RegMemReversed);
        t.Add(Code.Movbe_r32_m32, &Move<uint>.RegMemReversed);
        t.Add(Code.Movbe_r64_m64, &Move<ulong>.RegMemReversed);
        t.Add(Code.Movbe_m16_r16, &Move<ushort>.MemRegReversed);
        t.Add(Code.Movbe_m32_r32, &Move<uint>.MemRegReversed);
        t.Add(Code.Movbe_m64_r64, &Move<ulong>.MemRegReversed);
        t.Add(Code.Bswap_r16, &SwapWord);
        t.Add(Code.Bswap_r32, &Move<uint>.SwapBytes);
        t.Add(Code.Bswap_r64, &Move<ulong>.SwapBytes);

        Extensions<ushort, byte>(t, Code.Movzx_r16_rm8, Code.Movsx_r16_rm8);
        Extensions<uint, byte>(t, Code.Movzx_r32_rm8, Code.Movsx_r32_rm8);
        Extensions<ulong, byte>(t, Code.Movzx_r64_rm8, Code.Movsx_r64_rm8);
        Extensions<ushort, ushort>(t, Code.Movzx_r16_rm16, Code.Movsx_r16_rm16);
        Extensions<uint, ushort>(t, Code.Movzx_r32_rm16, Code.Movsx_r32_rm16);
        Extensions<ulong, ushort>(t, Code.Movzx_r64_rm16, Code.Movsx_r64_rm16);
        // With a 16-bit destination too, processors load the four bytes of the usual form.
        t.Add(Code.Movsxd_r16_rm16, &Move<ushort>.RegReg, &Extend<ushort, uint>.ZeroMem);
        t.Add(Code.Movsxd_r32_rm32, &Move<uint>.RegReg, &Move<uint>.RegMem);
        t.Add(Code.Movsxd_r64_rm32, &Extend<ulong, uint>.SignReg, &Extend<ulong, uint>.SignMem);

        t.Add(Code.Cbw, &Extend<ushort, byte>.Accumulator);
        t.Add(Code.Cwde, &Extend<uint, ushort>.Accumulator);
        t.Add(Code.Cdqe, &Extend<ulong, uint>.Accumulator);
        t.Add(Code.Cwd, &Extend<ushort, ushort>.AccumulatorToData);
        t.Add(Code.Cdq, &Extend<uint, uint>.AccumulatorToData);
        t.Add(Code.Cqo, &Extend<ulong, ulong>.AccumulatorToData);

        t.Add(Code.Lea_r16_m, &Extend<ushort, ushort>.LoadAddress);
        t.Add(Code.Lea_r32_m, &Extend<uint, uint>.LoadAddress);
        t.Add(Code.Lea_r64_m, &Extend<ulong, ulong>.LoadAddress);
        t.Add(Code.Xlat_m8, &Translate);

        Conditional<IfOverflow>(t, Code.Cmovo_r16_rm16, Code.Seto_rm8);
        Conditional<Unless<IfOverflow>>(t, Code.Cmovno_r16_rm16, Code.Setno_rm8);
        Conditional<IfBelow>(t, Code.Cmovb_r16_rm16, Code.Setb_rm8);
        Conditional<Unless<IfBelow>>(t, Code.Cmovae_r16_rm16, Code.Setae_rm8);
        Conditional<IfEqual>(t, Code.Cmove_r16_rm16, Code.Sete_rm8);
        Conditional<Unless<IfEqual>>(t, Code.Cmovne_r16_rm16, Code.Setne_rm8);
        Conditional<IfBelowOrEqual>(t, Code.Cmovbe_r16_rm16, Code.Setbe_rm8);
        Conditional<Unless<IfBelowOrEqual>>(t, Code.Cmova_r16_rm16, Code.Seta_rm8);
        Conditional<IfSign>(t, Code.Cmovs_r16_rm16, Code.Sets_rm8);
        Conditional<Unless<IfSign>>(t, Code.Cmovns_r16_rm16, Code.Setns_rm8);
        Conditional<IfParity>(t, Code.Cmovp_r16_rm16, Code.Setp_rm8);
        Conditional<Unless<IfParity>>(t, Code.Cmovnp_r16_rm16, Code.Setnp_rm8);
        Conditional<IfLess>(t, Code.Cmovl_r16_rm16, Code.Setl_rm8);
        Conditional<Unless<IfLess>>(t, Code.Cmovge_r16_rm16, Code.Setge_rm8);
        Conditional<IfLessOrEqual>(t, Code.Cmovle_r16_rm16, Code.Setle_rm8);
        Conditional<Unless<IfLessOrEqual>>(t, Code.Cmovg_r16_rm16, Code.Setg_rm8);
    }

    private static void Moves<T>(HandlerTable t, Code memoryFirst, Code registerFirst, Code immediate, Code memoryImmediate, Code load, Code store)
        where T : unmanaged
    {
        t.Add(memoryFirst, &Move<T>.RegReg, &Move<T>.MemReg);
        t.Add(registerFirst, &Move<T>.RegReg, &Move<T>.RegMem);
        t.Add(immediate, &Move<T>.RegImm);
        t.Add(memoryImmediate, &Move<T>.RegImm, &Move<T>.MemImm);
        t.Add(load, &Move<T>.RegMem);
        t.Add(store, &Move<T>.MemReg);
    }

    private static void Extensions<TTo, TFrom>(HandlerTable t, Code zero, Code sign)
        where TTo : unmanaged
        where TFrom : unmanaged
    {
        t.Add(zero, &Extend<TTo, TFrom>.ZeroReg, &Extend<TTo, TFrom>.ZeroMem);
        t.Add(sign, &Extend<TTo, TFrom>.SignReg, &Extend<TTo, TFrom>.SignMem);
    }

    private static void Conditional<TCondition>(HandlerTable t, Code move16, Code set)
        where TCondition : struct, ICondition
    {
        t.Add(move16, &ConditionalMove<TCondition, ushort>.Reg, &ConditionalMove<TCondition, ushort>.Memory);
        t.Add(move16 + 1, &ConditionalMove<TCondition, uint>.Reg, &ConditionalMove<TCondition, uint>.Memory);
        t.Add(move16 + 2, &ConditionalMove<TCondition, ulong>.Reg, &ConditionalMove<TCondition, ulong>.Memory);
        t.Add(set, &SetByte<TCondition>.Reg, &SetByte<TCondition>.Memory);
    }

    /// <summary>BSWAP of a 16-bit register is undefined; processors answer 0.</summary>
    private static void SwapWord(CpuState* s, Op* op) => Register.Set<ushort>(s, op->Reg0, 0);

    /// <summary>XLAT: AL = [rBX + AL]. The index is AL alone, so the address can't come from <see cref="Mem.Address"/>.</summary>
    private static void Translate(CpuState* s, Op* op)
    {
        ulong offset = AddressMask.Apply(Register.Get<ulong>(s, Register.Rbx) + Register.Get<byte>(s, Register.Rax), op->AddressSize);
        Register.Set<byte>(s, Register.Rax, Mem.Read<byte>(s, Segmentation.Linear(s, op->Segment, offset, 1, write: false)));
    }
}
