using System.Runtime.CompilerServices;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Floating;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Interpret.X87;

/// <summary>
/// The x87 unit's registers and status (SDM vol. 1, chapter 8): the stack over eight physical registers, the tags in their
/// abridged form, and the bookkeeping that each instruction shares.
/// </summary>
/// <remarks>
/// <para>
/// A physical register is 16 bytes of the state: significand, then sign and exponent. MMn is the significand of physical
/// register n, whatever TOP says.
/// </para>
/// <para>
/// FIP, FCS and FOP follow every instruction but the control instructions; FDP and FDS every one of these with a memory
/// operand. They are kept and saved always, pending exception or not.
/// </para>
/// <para>
/// A pending unmasked exception raises #MF at the next waiting instruction when CR0.NE is set. With NE clear a processor
/// signals FERR# to an external interrupt controller; this machine has none wired there, so the instruction goes on, as
/// a processor with IGNNE# asserted does.
/// </para>
/// </remarks>
internal static unsafe class Fpu
{
    // SAFETY: register pointers are CpuState.X87Registers + 16 * n with n masked to 0-7, inside the state's allocation.

    public const ushort StackFault = 1 << 6;
    public const ushort Summary = 1 << 7;
    public const ushort C0 = 1 << 8;
    public const ushort C1 = 1 << 9;
    public const ushort C2 = 1 << 10;
    public const ushort C3 = 1 << 14;
    public const ushort Busy = 1 << 15;
    public const ushort Conditions = C0 | C1 | C2 | C3;

    /// <summary>The control word after FNINIT: everything masked, nearest, 64 bits.</summary>
    public const ushort InitialControlWord = 0x37f;

    /// <summary>Bits of the control word that can be written; bit 6 reads as 1, the rest as 0.</summary>
    public const ushort WritableControl = 0x1f3f;

    /// <summary>The control word's bit that always reads as 1.</summary>
    public const ushort FixedControl = 1 << 6;

    private const int TopShift = 11;
    private const ushort TopMask = 7 << TopShift;
    private const int RegisterBytes = 16;

    /// <summary>Bits of the opcode that FOP holds: the low three of the first byte and the ModRM byte.</summary>
    public const ushort OpcodeMask = 0x7ff;

    /// <summary>The number of the physical register that is ST(0).</summary>
    public static int Top(CpuState* s) => (s->Fsw >> TopShift) & 7;

    public static void SetTop(CpuState* s, int top) => s->Fsw = (ushort)((s->Fsw & ~TopMask) | ((top & 7) << TopShift));

    /// <summary>The physical register behind ST(i).</summary>
    public static int Physical(CpuState* s, int i) => (Top(s) + i) & 7;

    /// <summary>Where a physical register lies.</summary>
    public static byte* Register(CpuState* s, int physical) => s->X87Registers + RegisterBytes * (physical & 7);

    public static bool IsEmpty(CpuState* s, int i) => (s->Ftw & (1 << Physical(s, i))) == 0;

    public static Float80 Get(CpuState* s, int i)
    {
        byte* register = Register(s, Physical(s, i));
        return new Float80(*(ushort*)(register + 8), *(ulong*)register);
    }

    /// <summary>Writes ST(i) and marks it full.</summary>
    public static void Set(CpuState* s, int i, Float80 value)
    {
        int physical = Physical(s, i);
        byte* register = Register(s, physical);
        *(ulong*)register = value.Significand;
        *(ushort*)(register + 8) = value.SignExponent;
        s->Ftw |= (byte)(1 << physical);
    }

    public static void Free(CpuState* s, int i) => s->Ftw &= (byte)~(1 << Physical(s, i));

    public static void Pop(CpuState* s)
    {
        Free(s, 0);
        SetTop(s, Top(s) + 1);
    }

    /// <summary>Pushes; the caller has seen that the register is empty, or answers an overflow.</summary>
    public static void Push(CpuState* s, Float80 value)
    {
        SetTop(s, Top(s) - 1);
        Set(s, 0, value);
    }

    /// <summary>What every waiting instruction does first: delivers an exception that is pending.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Wait(CpuState* s)
    {
        if ((s->Fsw & Summary) != 0)
            DeliverPending(s);
    }

    /// <summary>Notes which instruction ran: for those without a memory operand. The decoder has put the opcode into Imm.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Track(CpuState* s, Op* op)
    {
        s->Fip = s->BlockRip + op->RipOffset;
        s->Fcs = s->Cs.Selector;
        s->Fop = (ushort)(op->Imm & OpcodeMask);
    }

    /// <summary>Notes which instruction ran and where its memory operand is.</summary>
    public static void TrackMemory(CpuState* s, Op* op)
    {
        Track(s, op);
        ulong offset = Mem.Offset(s, op);
        s->Fdp = op->AddressSize switch
        {
            2 => (ushort)offset,
            4 => (uint)offset,
            _ => offset,
        };
        s->Fds = CpuState.Segment(s, op->Segment)->Selector;
    }

    /// <summary>Makes the status of an operation from the control word.</summary>
    public static FloatStatus Status(CpuState* s) => FloatStatus.FromControlWord(s->Fcw);

    /// <summary>
    /// Merges what an operation raised into the status word. Answers whether its destination is to be written:
    /// not after an unmasked invalid, denormal or zero-divide exception (SDM vol. 1, 8.5).
    /// </summary>
    public static bool Commit(CpuState* s, in FloatStatus status)
    {
        ushort word = (ushort)(s->Fsw & ~C1);
        word |= (ushort)status.Reported;
        bool writes = (status.Unmasked & FloatFlags.PreComputation) == 0;
        if (status.RoundedUp && writes)
            word |= C1;
        if (status.Unmasked != 0)
            word |= Summary | Busy;
        s->Fsw = word;
        return writes;
    }

    /// <summary>Raises a stack underflow. Answers whether it is masked, so that the indefinite takes the missing value's place.</summary>
    public static bool Underflow(CpuState* s) => RaiseStackFault(s, 0);

    /// <summary>Raises a stack overflow. Answers whether it is masked.</summary>
    public static bool Overflow(CpuState* s) => RaiseStackFault(s, C1);

    /// <summary>Whether invalid operations are masked: tells what a stack fault will do before anything is changed.</summary>
    public static bool InvalidIsMasked(CpuState* s) => (s->Fcw & FloatFlags.Invalid) != 0;

    public static void SetConditions(CpuState* s, ushort mask, ushort value) => s->Fsw = (ushort)((s->Fsw & ~mask) | value);

    /// <summary>Writes the control word and lets the summary bit follow the masks.</summary>
    public static void SetControl(CpuState* s, ushort value)
    {
        s->Fcw = (ushort)((value & WritableControl) | FixedControl);
        UpdateSummary(s);
    }

    /// <summary>Recomputes ES and B from flags and masks.</summary>
    public static void UpdateSummary(CpuState* s)
    {
        bool pending = (s->Fsw & ~s->Fcw & FloatFlags.All) != 0;
        s->Fsw = (ushort)(pending ? s->Fsw | Summary | Busy : s->Fsw & ~(Summary | Busy));
    }

    /// <summary>FNINIT: registers keep their contents but are empty.</summary>
    public static void Initialize(CpuState* s)
    {
        s->Fcw = InitialControlWord;
        s->Fsw = 0;
        s->Ftw = 0;
        s->Fop = 0;
        s->Fip = 0;
        s->Fdp = 0;
        s->Fcs = 0;
        s->Fds = 0;
    }

    private static bool RaiseStackFault(CpuState* s, ushort direction)
    {
        bool masked = InvalidIsMasked(s);
        ushort word = (ushort)((s->Fsw & ~C1) | StackFault | FloatFlags.Invalid | direction);
        if (!masked)
            word |= Summary | Busy;
        s->Fsw = word;
        return masked;
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void DeliverPending(CpuState* s)
    {
        if ((s->Cr0 & NumericError) != 0)
            Fault.Raise(s, Vector.X87Error, 0);
    }

    /// <summary>CR0.NE (SDM vol. 3, 2.5).</summary>
    private const ulong NumericError = 1 << 5;
}
