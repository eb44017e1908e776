using Hospes.Hypervisor.Soft.Decode;
using Iced.Intel;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

internal static unsafe partial class IntegerTable
{
    private static void FillExchanges(HandlerTable t)
    {
        Exchanges<byte>(t, Code.Xchg_rm8_r8, Code.Xadd_rm8_r8, Code.Cmpxchg_rm8_r8);
        Exchanges<ushort>(t, Code.Xchg_rm16_r16, Code.Xadd_rm16_r16, Code.Cmpxchg_rm16_r16);
        Exchanges<uint>(t, Code.Xchg_rm32_r32, Code.Xadd_rm32_r32, Code.Cmpxchg_rm32_r32);
        Exchanges<ulong>(t, Code.Xchg_rm64_r64, Code.Xadd_rm64_r64, Code.Cmpxchg_rm64_r64);
        t.Add(Code.Xchg_r16_AX, &Exchange<ushort>.SwapReg);
        t.Add(Code.Xchg_r32_EAX, &Exchange<uint>.SwapReg);
        t.Add(Code.Xchg_r64_RAX, &Exchange<ulong>.SwapReg);
        t.Add(Code.Cmpxchg8b_m64, null, &ExchangePair.Bytes8, &ExchangePair.Bytes8);
        t.Add(Code.Cmpxchg16b_m128, null, &ExchangePair.Bytes16, &ExchangePair.Bytes16);
    }

    private static void Exchanges<T>(HandlerTable t, Code swap, Code add, Code compare)
        where T : unmanaged
    {
        t.Add(swap, &Exchange<T>.SwapReg, &Exchange<T>.SwapMem, &Exchange<T>.SwapMem);
        t.Add(add, &Exchange<T>.AddReg, &Exchange<T>.AddMem, &Exchange<T>.AddLocked);
        t.Add(compare, &Exchange<T>.CompareReg, &Exchange<T>.CompareMem, &Exchange<T>.CompareLocked);
    }
}
