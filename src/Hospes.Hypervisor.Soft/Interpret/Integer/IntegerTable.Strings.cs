using Hospes.Hypervisor.Soft.Decode;
using Iced.Intel;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

internal static unsafe partial class IntegerTable
{
    private static void FillStrings(HandlerTable t)
    {
        StringOperations<byte>(t, Code.Movsb_m8_m8, Code.Stosb_m8_AL, Code.Lodsb_AL_m8, Code.Scasb_AL_m8, Code.Cmpsb_m8_m8);
        StringOperations<ushort>(t, Code.Movsw_m16_m16, Code.Stosw_m16_AX, Code.Lodsw_AX_m16, Code.Scasw_AX_m16, Code.Cmpsw_m16_m16);
        StringOperations<uint>(t, Code.Movsd_m32_m32, Code.Stosd_m32_EAX, Code.Lodsd_EAX_m32, Code.Scasd_EAX_m32, Code.Cmpsd_m32_m32);
        StringOperations<ulong>(t, Code.Movsq_m64_m64, Code.Stosq_m64_RAX, Code.Lodsq_RAX_m64, Code.Scasq_RAX_m64, Code.Cmpsq_m64_m64);
    }

    private static void StringOperations<T>(HandlerTable t, Code move, Code store, Code load, Code scan, Code compare)
        where T : unmanaged
    {
        t.Add(move, &Strings<T>.Move);
        t.Add(store, &Strings<T>.Store);
        t.Add(load, &Strings<T>.Load);
        t.Add(scan, &Strings<T>.Scan);
        t.Add(compare, &Strings<T>.Compare);
    }
}
