using Hospes.Hypervisor.Soft.Decode;
using Iced.Intel;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

internal static unsafe partial class IntegerTable
{
    private static void FillBranches(HandlerTable t)
    {
        Branches<ushort>(t, Code.Jmp_rel8_16, Code.Jmp_rel16, Code.Jmp_rm16, Code.Call_rel16, Code.Call_rm16, Code.Retnw, Code.Retnw_imm16);
        Branches<uint>(t, Code.Jmp_rel8_32, Code.Jmp_rel32_32, Code.Jmp_rm32, Code.Call_rel32_32, Code.Call_rm32, Code.Retnd, Code.Retnd_imm16);
        Branches<ulong>(t, Code.Jmp_rel8_64, Code.Jmp_rel32_64, Code.Jmp_rm64, Code.Call_rel32_64, Code.Call_rm64, Code.Retnq, Code.Retnq_imm16);

        ConditionalBranches<IfOverflow>(t, Code.Jo_rel8_16, Code.Jo_rel16);
        ConditionalBranches<Unless<IfOverflow>>(t, Code.Jno_rel8_16, Code.Jno_rel16);
        ConditionalBranches<IfBelow>(t, Code.Jb_rel8_16, Code.Jb_rel16);
        ConditionalBranches<Unless<IfBelow>>(t, Code.Jae_rel8_16, Code.Jae_rel16);
        ConditionalBranches<IfEqual>(t, Code.Je_rel8_16, Code.Je_rel16);
        ConditionalBranches<Unless<IfEqual>>(t, Code.Jne_rel8_16, Code.Jne_rel16);
        ConditionalBranches<IfBelowOrEqual>(t, Code.Jbe_rel8_16, Code.Jbe_rel16);
        ConditionalBranches<Unless<IfBelowOrEqual>>(t, Code.Ja_rel8_16, Code.Ja_rel16);
        ConditionalBranches<IfSign>(t, Code.Js_rel8_16, Code.Js_rel16);
        ConditionalBranches<Unless<IfSign>>(t, Code.Jns_rel8_16, Code.Jns_rel16);
        ConditionalBranches<IfParity>(t, Code.Jp_rel8_16, Code.Jp_rel16);
        ConditionalBranches<Unless<IfParity>>(t, Code.Jnp_rel8_16, Code.Jnp_rel16);
        ConditionalBranches<IfLess>(t, Code.Jl_rel8_16, Code.Jl_rel16);
        ConditionalBranches<Unless<IfLess>>(t, Code.Jge_rel8_16, Code.Jge_rel16);
        ConditionalBranches<IfLessOrEqual>(t, Code.Jle_rel8_16, Code.Jle_rel16);
        ConditionalBranches<Unless<IfLessOrEqual>>(t, Code.Jg_rel8_16, Code.Jg_rel16);

        Loops<ushort, ushort>(t, Code.Loop_rel8_16_CX, Code.Loope_rel8_16_CX, Code.Loopne_rel8_16_CX, Code.Jcxz_rel8_16);
        Loops<ushort, uint>(t, Code.Loop_rel8_32_CX, Code.Loope_rel8_32_CX, Code.Loopne_rel8_32_CX, Code.Jcxz_rel8_32);
        Loops<uint, ushort>(t, Code.Loop_rel8_16_ECX, Code.Loope_rel8_16_ECX, Code.Loopne_rel8_16_ECX, Code.Jecxz_rel8_16);
        Loops<uint, uint>(t, Code.Loop_rel8_32_ECX, Code.Loope_rel8_32_ECX, Code.Loopne_rel8_32_ECX, Code.Jecxz_rel8_32);
        Loops<uint, ulong>(t, Code.Loop_rel8_64_ECX, Code.Loope_rel8_64_ECX, Code.Loopne_rel8_64_ECX, Code.Jecxz_rel8_64);
        Loops<ulong, ushort>(t, Code.Loop_rel8_16_RCX, Code.Loope_rel8_16_RCX, Code.Loopne_rel8_16_RCX, Code.Jrcxz_rel8_16);
        Loops<ulong, ulong>(t, Code.Loop_rel8_64_RCX, Code.Loope_rel8_64_RCX, Code.Loopne_rel8_64_RCX, Code.Jrcxz_rel8_64);
    }

    private static void Branches<T>(HandlerTable t, Code jumpShort, Code jumpNear, Code jump, Code callNear, Code call, Code ret, Code retImmediate)
        where T : unmanaged
    {
        t.Add(jumpShort, &Branch<T>.Jump);
        t.Add(jumpNear, &Branch<T>.Jump);
        t.Add(jump, &Branch<T>.JumpReg, &Branch<T>.JumpMem);
        t.Add(callNear, &Branch<T>.Call);
        t.Add(call, &Branch<T>.CallReg, &Branch<T>.CallMem);
        t.Add(ret, &Branch<T>.Return);
        t.Add(retImmediate, &Branch<T>.ReturnReleasing);
    }

    private static void ConditionalBranches<TCondition>(HandlerTable t, Code short16, Code near16)
        where TCondition : struct, ICondition
    {
        t.Add(short16, &ConditionalBranch<TCondition, ushort>.Jump);
        t.Add(short16 + 1, &ConditionalBranch<TCondition, uint>.Jump);
        t.Add(short16 + 2, &ConditionalBranch<TCondition, ulong>.Jump);
        t.Add(near16, &ConditionalBranch<TCondition, ushort>.Jump);
        t.Add(near16 + 1, &ConditionalBranch<TCondition, uint>.Jump);
        t.Add(near16 + 2, &ConditionalBranch<TCondition, ulong>.Jump);
    }

    private static void Loops<TCount, T>(HandlerTable t, Code loop, Code whileEqual, Code whileUnequal, Code ifZero)
        where TCount : unmanaged
        where T : unmanaged
    {
        t.Add(loop, &CountedBranch<TCount, T>.Loop);
        t.Add(whileEqual, &CountedBranch<TCount, T>.LoopWhileEqual);
        t.Add(whileUnequal, &CountedBranch<TCount, T>.LoopWhileUnequal);
        t.Add(ifZero, &CountedBranch<TCount, T>.JumpIfZero);
    }
}
