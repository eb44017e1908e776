using Hospes.Hypervisor.Soft.Decode;
using Iced.Intel;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

/// <summary>The stack and the string instructions.</summary>
internal static unsafe partial class IntegerTable
{
    private static void FillStack(HandlerTable t)
    {
        t.Add(Code.Push_r16, &StackOps<ushort>.PushRegister);
        t.Add(Code.Push_rm16, &StackOps<ushort>.PushRegister, &StackOps<ushort>.PushMemory);
        t.Add(Code.Pop_r16, &StackOps<ushort>.PopRegister);
        t.Add(Code.Pop_rm16, &StackOps<ushort>.PopRegister, &StackOps<ushort>.PopMemory);
        t.Add(Code.Push_imm16, &StackOps<ushort>.PushImmediate);
        t.Add(Code.Pushw_imm8, &StackOps<ushort>.PushImmediate);
        t.Add(Code.Pushaw, &StackOps<ushort>.PushAll);
        t.Add(Code.Popaw, &StackOps<ushort>.PopAll);
        t.Add(Code.Pushfw, &StackOps<ushort>.PushFlags);
        t.Add(Code.Popfw, &StackOps<ushort>.PopFlags);
        t.Add(Code.Enterw_imm16_imm8, &StackOps<ushort>.Enter);
        t.Add(Code.Leavew, &StackOps<ushort>.Leave);
        t.Add(Code.Push_r32, &StackOps<uint>.PushRegister);
        t.Add(Code.Push_rm32, &StackOps<uint>.PushRegister, &StackOps<uint>.PushMemory);
        t.Add(Code.Pop_r32, &StackOps<uint>.PopRegister);
        t.Add(Code.Pop_rm32, &StackOps<uint>.PopRegister, &StackOps<uint>.PopMemory);
        t.Add(Code.Pushd_imm32, &StackOps<uint>.PushImmediate);
        t.Add(Code.Pushd_imm8, &StackOps<uint>.PushImmediate);
        t.Add(Code.Pushad, &StackOps<uint>.PushAll);
        t.Add(Code.Popad, &StackOps<uint>.PopAll);
        t.Add(Code.Pushfd, &StackOps<uint>.PushFlags);
        t.Add(Code.Popfd, &StackOps<uint>.PopFlags);
        t.Add(Code.Enterd_imm16_imm8, &StackOps<uint>.Enter);
        t.Add(Code.Leaved, &StackOps<uint>.Leave);
        t.Add(Code.Push_r64, &StackOps<ulong>.PushRegister);
        t.Add(Code.Push_rm64, &StackOps<ulong>.PushRegister, &StackOps<ulong>.PushMemory);
        t.Add(Code.Pop_r64, &StackOps<ulong>.PopRegister);
        t.Add(Code.Pop_rm64, &StackOps<ulong>.PopRegister, &StackOps<ulong>.PopMemory);
        t.Add(Code.Pushq_imm32, &StackOps<ulong>.PushImmediate);
        t.Add(Code.Pushq_imm8, &StackOps<ulong>.PushImmediate);
        t.Add(Code.Pushfq, &StackOps<ulong>.PushFlags);
        t.Add(Code.Popfq, &StackOps<ulong>.PopFlags);
        t.Add(Code.Enterq_imm16_imm8, &StackOps<ulong>.Enter);
        t.Add(Code.Leaveq, &StackOps<ulong>.Leave);
        t.Add(Code.Movsb_m8_m8, &Strings<byte>.Movs);
        t.Add(Code.Stosb_m8_AL, &Strings<byte>.Stos);
        t.Add(Code.Lodsb_AL_m8, &Strings<byte>.Lods);
        t.Add(Code.Cmpsb_m8_m8, &Strings<byte>.Cmps);
        t.Add(Code.Scasb_AL_m8, &Strings<byte>.Scas);
        t.Add(Code.Movsw_m16_m16, &Strings<ushort>.Movs);
        t.Add(Code.Stosw_m16_AX, &Strings<ushort>.Stos);
        t.Add(Code.Lodsw_AX_m16, &Strings<ushort>.Lods);
        t.Add(Code.Cmpsw_m16_m16, &Strings<ushort>.Cmps);
        t.Add(Code.Scasw_AX_m16, &Strings<ushort>.Scas);
        t.Add(Code.Movsd_m32_m32, &Strings<uint>.Movs);
        t.Add(Code.Stosd_m32_EAX, &Strings<uint>.Stos);
        t.Add(Code.Lodsd_EAX_m32, &Strings<uint>.Lods);
        t.Add(Code.Cmpsd_m32_m32, &Strings<uint>.Cmps);
        t.Add(Code.Scasd_EAX_m32, &Strings<uint>.Scas);
        t.Add(Code.Movsq_m64_m64, &Strings<ulong>.Movs);
        t.Add(Code.Stosq_m64_RAX, &Strings<ulong>.Stos);
        t.Add(Code.Lodsq_RAX_m64, &Strings<ulong>.Lods);
        t.Add(Code.Cmpsq_m64_m64, &Strings<ulong>.Cmps);
        t.Add(Code.Scasq_RAX_m64, &Strings<ulong>.Scas);
    }
}
