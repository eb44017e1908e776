using System.Runtime.CompilerServices;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Interpret;

namespace Hospes.Hypervisor.Soft.Memory;

/// <summary>From offsets inside segments to linear addresses (Intel SDM vol. 3, chapter 5).</summary>
internal static unsafe class Segmentation
{
    private const int Ss = 2;

    /// <summary>The linear address for an address that is not flat.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static ulong Linear(CpuState* s, Op* op, ulong offset)
    {
        switch (op->Address)
        {
            case AddressKind.Flat32:
                return (uint)offset;
            case AddressKind.Based64:
                if (op->AddressSize == 4) offset = (uint)offset;
                return op->Segment < 4 ? offset : offset + CpuState.Segment(s, op->Segment)->Base;
            default:
                offset &= op->AddressSize == 2 ? ushort.MaxValue : uint.MaxValue;
                return Linear(s, op->Segment, offset, op->AccessSize, op->Writes);
        }
    }

    /// <summary>The linear address of an access outside 64-bit mode, checked against the segment's rights and limit.</summary>
    /// <param name="s">The processor.</param>
    /// <param name="number">The segment register, 0 to 5.</param>
    /// <param name="offset">The offset, already truncated to the address size.</param>
    /// <param name="size">How many bytes are accessed.</param>
    /// <param name="write">Whether they are written.</param>
    public static ulong Linear(CpuState* s, int number, ulong offset, int size, bool write)
    {
        if ((s->Mode & Mode.Code64) != 0) return number < 4 ? offset : offset + CpuState.Segment(s, number)->Base;
        SegmentRegister* segment = CpuState.Segment(s, number);
        if (!Allows(s, segment, offset, size, write))
        {
            if (number == Ss) Fault.Stack(s);
            Fault.GeneralProtection(s);
        }
        return (uint)(segment->Base + offset);
    }

    private static bool Allows(CpuState* s, SegmentRegister* segment, ulong offset, int size, bool write)
    {
        ushort attributes = segment->Attributes;
        ulong last = offset + (ulong)Math.Max(size, 1) - 1;
        if ((s->Mode & (Mode.Protected | Mode.Virtual8086)) == Mode.Protected)
        {
            if (!segment->IsUsable) return false;
            bool code = (attributes & SegmentRegister.Code) != 0;
            if (write ? code || (attributes & SegmentRegister.Writable) == 0 : code && (attributes & SegmentRegister.Readable) == 0) return false;
            if (!code && (attributes & SegmentRegister.ExpandDown) != 0)
            {
                ulong top = (attributes & SegmentRegister.Big) != 0 ? uint.MaxValue : (ulong)ushort.MaxValue;
                return offset > segment->Limit && last <= top;
            }
        }
        return last <= segment->Limit;
    }
}
