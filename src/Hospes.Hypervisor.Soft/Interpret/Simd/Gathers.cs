using System.Numerics;
using System.Runtime.Intrinsics;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Interpret.Simd;

/// <summary>
/// VGATHERxPx, VPGATHERxx. Elements are loaded in order; each clears its mask element when it is there, so that an instruction that
/// faults in the middle continues with the elements that are missing (SDM vol. 2, VPGATHERDD).
/// </summary>
/// <typeparam name="TElement">uint or ulong.</typeparam>
/// <typeparam name="TIndex">int or long.</typeparam>
internal static unsafe class Gathers<TElement, TIndex>
    where TElement : unmanaged, IBinaryInteger<TElement>
    where TIndex : unmanaged, IBinaryInteger<TIndex>
{
    // SAFETY: counts times sizes stay within the 32 bytes of a register.

    public static void Two(CpuState* s, Op* op) => Run(s, op, 2);

    public static void Four(CpuState* s, Op* op) => Run(s, op, 4);

    public static void Eight(CpuState* s, Op* op) => Run(s, op, 8);

    private static void Run(CpuState* s, Op* op, int count)
    {
        TElement* destination = (TElement*)VectorState.Ymm(s, op->Reg0);
        TElement* mask = (TElement*)VectorState.Ymm(s, op->Reg2);
        TIndex* index = (TIndex*)VectorState.Ymm(s, op->Reg3);
        ulong start = Mem.Offset(s, op);
        // A set mask element is all ones from here on, so that a fault leaves masks as the processor does.
        for (int i = 0; i < count; i++) mask[i] = TElement.IsZero(mask[i] >>> (sizeof(TElement) * 8 - 1)) ? TElement.Zero : TElement.AllBitsSet;
        for (int i = 0; i < count; i++)
        {
            if (TElement.IsZero(mask[i])) continue;
            ulong offset = start + (ulong.CreateTruncating(index[i]) << op->Scale);
            ulong address = op->Address == AddressKind.Flat64 ? offset : Segmentation.Linear(s, op, offset);
            destination[i] = Mem.Read<TElement>(s, address);
            mask[i] = TElement.Zero;
        }
        new Span<byte>(mask, 32).Clear();
        int used = count * sizeof(TElement);
        new Span<byte>((byte*)destination + used, 32 - used).Clear();
    }
}
