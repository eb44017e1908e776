using System.Runtime.CompilerServices;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

/// <summary>rSI, rDI and rCX as string instructions use them: by address size, with the direction flag, page by page where that is possible.</summary>
internal static unsafe class StringPointers
{
    private const int EsNumber = 0;
    private const ulong PageBytes = 4096;

    /// <summary>The linear address of the source element, DS or its override.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Source(CpuState* s, Op* op, int size)
    {
        ulong offset = AddressMask.Apply(s->General[6], op->AddressSize);
        if (op->Segment < 4 && (s->Mode & Mode.Code64) != 0) return offset;
        return Segmentation.Linear(s, op->Segment, offset, size, write: false);
    }

    /// <summary>The linear address of the destination element, always in ES.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Destination(CpuState* s, Op* op, int size, bool write)
    {
        ulong offset = AddressMask.Apply(s->General[7], op->AddressSize);
        return (s->Mode & Mode.Code64) != 0 ? offset : Segmentation.Linear(s, EsNumber, offset, size, write);
    }

    /// <summary>The repetition count.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Count(CpuState* s, Op* op) => AddressMask.Apply(s->General[1], op->AddressSize);

    /// <summary>Sets the repetition count.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetCount(CpuState* s, Op* op, ulong count) => Set(s, op, Register.Rcx, count);

    /// <summary>Moves rSI over elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AdvanceSource(CpuState* s, Op* op, int size, ulong elements) =>
        Set(s, op, Register.Rsi, s->General[6] + Distance(s, size, elements));

    /// <summary>Moves rDI over elements.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void AdvanceDestination(CpuState* s, Op* op, int size, ulong elements) =>
        Set(s, op, Register.Rdi, s->General[7] + Distance(s, size, elements));

    /// <summary>Whether the instruction repeats.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Repeats(Op* op) => (op->Prefixes & (OpPrefixes.Rep | OpPrefixes.Repne)) != 0;

    /// <summary>Whether DF is set.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool Down(CpuState* s) => (s->SystemFlags & Flags.Df) != 0;

    /// <summary>Lets the instruction begin anew from its registers: for interrupts, single steps, and after accesses outside plain memory.</summary>
    public static void StartAgain(CpuState* s, Op* op) => s->Rip = s->BlockRip + op->RipOffset;

    /// <summary>Whether someone asks for the processor, so that a long instruction must stop between elements.</summary>
    public static bool Interrupted(CpuState* s) => Volatile.Read(ref s->Events) != 0 || (s->Mode & Mode.SingleStep) != 0;

    /// <summary>
    /// How many elements from <paramref name="linear"/> on, in the direction of DF, lie wholly in its page, in the segment and below the wrap of
    /// the address size; 0 when the first crosses a page. The first element has been checked against the segment.
    /// </summary>
    public static ulong Contiguous(CpuState* s, Op* op, int segment, ulong offset, ulong linear, int size)
    {
        ulong width = (ulong)size, inPage = linear & (PageBytes - 1);
        if (inPage + width > PageBytes) return 0;
        offset = AddressMask.Apply(offset, op->AddressSize);
        if (Down(s))
        {
            if ((s->Mode & Mode.Code64) == 0 && (CpuState.Segment(s, segment)->Attributes & ExpandDownKind) == ExpandDownData) return 1;
            return Math.Min(inPage, offset) / width + 1;
        }
        ulong top = AddressMask.Of(op->AddressSize);
        if ((s->Mode & Mode.Code64) == 0) top = Math.Min(top, Top(s, CpuState.Segment(s, segment)));
        // At least one: the first element ends at or below the top.
        return Math.Min((PageBytes - inPage) / width, (top - offset - (width - 1)) / width + 1);
    }

    /// <summary>The host's address of plain readable memory at a linear address, or null.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* Readable(CpuState* s, ulong linear)
    {
        TlbEntry* entry = s->Tlb + TlbEntry.Index(linear);
        ulong inPage = linear ^ entry->Read;
        return inPage < PageBytes ? (byte*)(entry->Host + inPage) : null;
    }

    /// <summary>The host's address of plain writable memory at a linear address, or null.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static byte* Writable(CpuState* s, ulong linear)
    {
        TlbEntry* entry = s->Tlb + TlbEntry.Index(linear);
        ulong inPage = linear ^ entry->Write;
        return inPage < PageBytes ? (byte*)(entry->Host + inPage) : null;
    }

    private const int ExpandDownKind = SegmentRegister.CodeOrData | SegmentRegister.Code | SegmentRegister.ExpandDown;
    private const int ExpandDownData = SegmentRegister.CodeOrData | SegmentRegister.ExpandDown;

    private static ulong Top(CpuState* s, SegmentRegister* segment)
    {
        bool expandsDown = (s->Mode & (Mode.Protected | Mode.Virtual8086)) == Mode.Protected
            && (segment->Attributes & ExpandDownKind) == ExpandDownData;
        if (!expandsDown) return segment->Limit;
        return (segment->Attributes & SegmentRegister.Big) != 0 ? uint.MaxValue : ushort.MaxValue;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Distance(CpuState* s, int size, ulong elements) => Down(s) ? 0 - elements * (ulong)size : elements * (ulong)size;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Set(CpuState* s, Op* op, byte register, ulong value)
    {
        if (op->AddressSize == 8) Register.Set<ulong>(s, register, value);
        else if (op->AddressSize == 4) Register.Set<uint>(s, register, value);
        else Register.Set<ushort>(s, register, value);
    }
}
