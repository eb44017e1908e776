using Hospes.Hypervisor.Soft.Decode;
using Iced.Intel;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

internal static unsafe partial class IntegerTable
{
    private static void FillStack(HandlerTable t)
    {
        PushPop<ushort>(t, Code.Push_r16, Code.Push_rm16, Code.Push_imm16, Code.Pushw_imm8, Code.Pop_r16, Code.Pop_rm16);
        PushPop<uint>(t, Code.Push_r32, Code.Push_rm32, Code.Pushd_imm32, Code.Pushd_imm8, Code.Pop_r32, Code.Pop_rm32);
        PushPop<ulong>(t, Code.Push_r64, Code.Push_rm64, Code.Pushq_imm32, Code.Pushq_imm8, Code.Pop_r64, Code.Pop_rm64);
        t.Add(Code.Pushaw, &StackOps<ushort>.PushAll);
        t.Add(Code.Pushad, &StackOps<uint>.PushAll);
        t.Add(Code.Popaw, &StackOps<ushort>.PopAll);
        t.Add(Code.Popad, &StackOps<uint>.PopAll);
        t.Add(Code.Enterw_imm16_imm8, &StackOps<ushort>.Enter);
        t.Add(Code.Enterd_imm16_imm8, &StackOps<uint>.Enter);
        t.Add(Code.Enterq_imm16_imm8, &StackOps<ulong>.Enter);
        t.Add(Code.Leavew, &StackOps<ushort>.Leave);
        t.Add(Code.Leaved, &StackOps<uint>.Leave);
        t.Add(Code.Leaveq, &StackOps<ulong>.Leave);
    }

    private static void PushPop<T>(HandlerTable t, Code push, Code pushMemory, Code pushImmediate, Code pushByte, Code pop, Code popMemory)
        where T : unmanaged
    {
        t.Add(push, &StackOps<T>.PushReg);
        t.Add(pushMemory, &StackOps<T>.PushReg, &StackOps<T>.PushMem);
        t.Add(pushImmediate, &StackOps<T>.PushImm);
        t.Add(pushByte, &StackOps<T>.PushImm);
        t.Add(pop, &StackOps<T>.PopReg);
        t.Add(popMemory, &StackOps<T>.PopReg, &StackOps<T>.PopMem);
    }

    private static void FillFlags(HandlerTable t)
    {
        t.Add(Code.Pushfw, &FlagOps.PushWord);
        t.Add(Code.Pushfd, &FlagOps.PushDword);
        t.Add(Code.Pushfq, &FlagOps.PushQword);
        t.Add(Code.Popfw, &FlagOps.PopWord);
        t.Add(Code.Popfd, &FlagOps.PopDword);
        t.Add(Code.Popfq, &FlagOps.PopQword);
        t.Add(Code.Lahf, &FlagOps.LoadAh);
        t.Add(Code.Sahf, &FlagOps.StoreAh);
        t.Add(Code.Salc, &FlagOps.SetAlFromCarry);
        t.Add(Code.Clc, &FlagOps.ClearCarry);
        t.Add(Code.Stc, &FlagOps.SetCarry);
        t.Add(Code.Cmc, &FlagOps.ComplementCarry);
        t.Add(Code.Cld, &FlagOps.ClearDirection);
        t.Add(Code.Std, &FlagOps.SetDirection);
    }
}
