using System.Buffers.Binary;
using Hospes.Oracle.Native;
using Iced.Intel;

namespace Hospes.Oracle.Generate;

/// <summary>
/// Everything that two correct processors may do differently, in one place: what is left out of the comparison bit
/// by bit, why, and what is required instead.
/// </summary>
internal static class Deviations
{
    private static readonly (int, int)[] Pointers16 = [(6, 8)];
    private static readonly (int, int)[] Pointers32 = [(12, 16)];
    private static readonly (int, int)[] PointersInSaveArea = [(6, 18), (28, 4)];
    private static readonly (int, int)[] PointersInExtendedArea = [(6, 18), (28, 4), (512, 1)];

    /// <summary>Whether the result itself is undefined: SHLD and SHRD of 16 bits by more than 16 (SDM volume 2).</summary>
    public static bool HasUndefinedResult(in Instruction instruction, ref CpuImage state)
    {
        const int size = 16, countMask = 31;
        return instruction.Mnemonic is Mnemonic.Shld or Mnemonic.Shrd && instruction.Op1Register.GetSize() == 2
            && (instruction.Op2Kind == OpKind.Register ? (int)state[Greg.Rcx] & countMask : instruction.Immediate8 & countMask) > size;
    }

    /// <summary>RFLAGS that are undefined: as listed, and OF after a rotation through carry by more than 1, whatever is left of the count.</summary>
    public static ulong UndefinedFlags(in Instruction instruction)
    {
        var bits = instruction.RflagsUndefined;
        if (instruction.Mnemonic is Mnemonic.Rcl or Mnemonic.Rcr && instruction.Op1Kind == OpKind.Immediate8 && (instruction.Immediate8 & 31) != 1)
        {
            bits |= RflagsBits.OF;
        }

        return FlagsOf(bits);
    }

    /// <summary>
    /// Whether an instruction that faults may have done some of its work already, and which of its faults comes first: ENTER
    /// with its many pushes; CALL, which may push before it looks at its target.
    /// </summary>
    public static bool FaultsInAnyOrder(in Instruction instruction) => instruction.Mnemonic is Mnemonic.Enter or Mnemonic.Call;

    /// <summary>Whether the instruction reads two operands in memory, of which either may be looked at first: CMPS.</summary>
    public static bool ReadsTwoOperands(in Instruction instruction) => instruction.Mnemonic is Mnemonic.Cmpsb or Mnemonic.Cmpsw or Mnemonic.Cmpsd or Mnemonic.Cmpsq;

    /// <summary>Whether an element's address may wrap at 4 GiB or not: masked moves whose operand crosses that line with 32-bit addresses.</summary>
    public static bool MayWrap(in Instruction instruction, ulong one, ulong other) =>
        instruction.Mnemonic is Mnemonic.Vpmaskmovd or Mnemonic.Vpmaskmovq or Mnemonic.Vmaskmovps or Mnemonic.Vmaskmovpd && (one ^ other) == 1UL << 32;

    /// <summary>
    /// Whether an instruction that faults may leave its registers half done, in a way of the processor's own: a gather
    /// clears the mask of what it has loaded, and may or may not have loaded what follows the fault.
    /// </summary>
    public static bool LeavesVectorsOpen(in Instruction instruction, ulong trap)
    {
        const ulong breakpoint = 3;
        return instruction.IsVsib && trap != breakpoint;
    }

    /// <summary>Whether MXCSR is to be loaded with bit 17, which is reserved on Intel and enables misaligned accesses on AMD.</summary>
    public static bool LoadsMakersMxcsr(in Instruction instruction, ref CpuImage state)
    {
        const uint misaligned = 1 << 17;
        var offset = instruction.Mnemonic switch
        {
            Mnemonic.Ldmxcsr or Mnemonic.Vldmxcsr => 0UL,
            Mnemonic.Fxrstor or Mnemonic.Fxrstor64 or Mnemonic.Xrstor or Mnemonic.Xrstor64 => (ulong)CpuImage.Mxcsr,
            _ => ulong.MaxValue,
        };
        return offset != ulong.MaxValue && (StateBuilder.Peek(ref state, EffectiveAddress.Of(instruction, ref state) + offset) & misaligned) != 0;
    }

    /// <summary>RFLAGS bits of Iced's set.</summary>
    public static ulong FlagsOf(RflagsBits bits)
    {
        ulong flags = 0;
        Add(RflagsBits.CF, 0);
        Add(RflagsBits.PF, 2);
        Add(RflagsBits.AF, 4);
        Add(RflagsBits.ZF, 6);
        Add(RflagsBits.SF, 7);
        Add(RflagsBits.DF, 10);
        Add(RflagsBits.OF, 11);
        return flags;

        void Add(RflagsBits bit, int position)
        {
            if ((bits & bit) != 0)
            {
                flags |= 1UL << position;
            }
        }
    }

    /// <summary>Condition codes of the x87 status word in Iced's set (SDM volume 1, 8.1.3.1).</summary>
    public static ushort StatusOf(RflagsBits bits) => (ushort)(
        ((bits & RflagsBits.C0) != 0 ? 0x0100 : 0) | ((bits & RflagsBits.C1) != 0 ? 0x0200 : 0)
        | ((bits & RflagsBits.C2) != 0 ? 0x0400 : 0) | ((bits & RflagsBits.C3) != 0 ? 0x4000 : 0));

    /// <summary>
    /// Whether what the bytes mean depends on the maker: the operand-size prefix of near branches in 64-bit mode (Intel
    /// ignores it, AMD takes a 16-bit displacement), LOCK before MOV to and from CR0 (AMD: CR8), the system
    /// instructions of 0F 00 and 0F 01 with prefixes or operands that they do not have (and with what a hypervisor under
    /// the host makes of them), and AVX-512 where the host has it (EVEX and 8F, which the model does not have).
    /// </summary>
    public static bool DependsOnVendor(ReadOnlySpan<byte> code, in Instruction instruction)
    {
        var hasOperandSize = false;
        var hasLock = false;
        var at = 0;
        for (; at < code.Length; at++)
        {
            hasOperandSize |= code[at] == 0x66;
            hasLock |= code[at] == 0xF0;
            if (code[at] is not (0x66 or 0xF2 or 0xF3 or 0x67 or 0x2E or 0x36 or 0x3E or 0x26 or 0x64 or 0x65 or 0xF0 or (>= 0x40 and <= 0x4F)))
            {
                break;
            }
        }

        if (hasOperandSize && instruction.FlowControl is not (FlowControl.Next or FlowControl.Exception))
        {
            return true;
        }

        // F2 and F3 change the condition of LOOPE and LOOPNE on AMD and mean nothing on Intel.
        if (instruction.Mnemonic is Mnemonic.Loope or Mnemonic.Loopne && code[..at].IndexOfAny((byte)0xF2, (byte)0xF3) >= 0)
        {
            return true;
        }

        var rest = code[at..];
        if (instruction.Mnemonic == Mnemonic.Pause && at > 0 && (code[at - 1] & 0xF1) == 0x41)
        {
            // With REX.B it is XCHG of R8 and RAX for processors, PAUSE for some decoders.
            return true;
        }

        if (instruction.IsInvalid && rest.Length > 3 && rest[0] == 0xC4 && (rest[1] & 0x1F) == 3 && rest[2] < 0x80 && rest[3] <= 1)
        {
            // VPERMQ and VPERMPD with VEX.W clear: #UD by Intel's manual, executed by some processors.
            return true;
        }

        if (instruction.IsInvalid && hasOperandSize && rest.StartsWith((ReadOnlySpan<byte>)[0x0F, 0xAE, 0xF8]))
        {
            // PCOMMIT: the model has it, processors do not any more.
            return true;
        }

        return instruction.IsInvalid && rest.Length > 1 && (rest[0] is 0x62 or 0x8F || (rest[0] == 0x0F && (rest[1] <= 0x01 || (hasLock && rest[1] is >= 0x20 and <= 0x23))));
    }

    /// <summary>
    /// Parts of a saved image that are not compared: the x87 instruction and data pointers and the last opcode (saved by
    /// some processors only while an exception is pending), MXCSR_MASK (a constant of the processor), and which
    /// components are in use (tracked at the processor's discretion: SDM volume 1, 13.6).
    /// </summary>
    public static ReadOnlySpan<(int Offset, int Length)> UncomparedParts(in Instruction instruction)
    {
        switch (instruction.Mnemonic)
        {
            case Mnemonic.Fnstenv or Mnemonic.Fnsave or Mnemonic.Fstenv or Mnemonic.Fsave:
                return instruction.MemorySize is MemorySize.FpuEnv14 or MemorySize.FpuState94 ? Pointers16 : Pointers32;
            case Mnemonic.Fxsave or Mnemonic.Fxsave64:
                return PointersInSaveArea;
            case Mnemonic.Xsave or Mnemonic.Xsave64 or Mnemonic.Xsaveopt or Mnemonic.Xsaveopt64 or Mnemonic.Xsavec or Mnemonic.Xsavec64:
                return PointersInExtendedArea;
            default:
                return default;
        }
    }

    /// <summary>Instructions that leave the flags alone when a count is 0, though they are listed as writing them.</summary>
    public static bool MayKeepFlags(in Instruction instruction) => instruction.HasRepPrefix || instruction.HasRepnePrefix || instruction.Mnemonic
        is Mnemonic.Shl or Mnemonic.Sal or Mnemonic.Shr or Mnemonic.Sar or Mnemonic.Rol or Mnemonic.Ror or Mnemonic.Rcl or Mnemonic.Rcr
        or Mnemonic.Shld or Mnemonic.Shrd;

    /// <summary>
    /// Whether an operand in memory is accessed in parts whose order and alignment are the processor's own affair: x87
    /// environments, save areas, and the 10-byte formats. CR2 is then only required to lie in the operand, the present bit
    /// of the error code may be that of either page, and alignment checks are not tried.
    /// </summary>
    public static bool IsAccessedInParts(in Instruction instruction) => instruction.MemorySize is MemorySize.FpuEnv14 or MemorySize.FpuEnv28
        or MemorySize.FpuState94 or MemorySize.FpuState108 or MemorySize.Fxsave_512Byte or MemorySize.Fxsave64_512Byte or MemorySize.Xsave
        or MemorySize.Xsave64 or MemorySize.Float80 or MemorySize.Bcd;

    /// <summary>
    /// Whether the operand is kept away from the ends of the canonical range: the x87 unit probes more than it accesses.
    /// </summary>
    public static bool StaysInside(in Instruction instruction) => IsAccessedInParts(instruction) || instruction.Code.CpuidFeatures().Contains(CpuidFeature.FPU);

    /// <summary>
    /// Whether what alignment is checked differs: operands accessed in parts, the elements of a gather, the new top of the
    /// stack that ENTER probes, and masked byte stores.
    /// </summary>
    public static bool IsAlignmentOpen(in Instruction instruction) => IsAccessedInParts(instruction) || instruction.IsVsib || instruction.Mnemonic is Mnemonic.Enter
        or Mnemonic.Maskmovq or Mnemonic.Maskmovdqu or Mnemonic.Vmaskmovdqu;

    /// <summary>
    /// Condition codes that the makers' manuals give differently: FCOMI and its kin clear C1 (Intel) or keep it (AMD), as
    /// does FCMOVcc; the direction in which a function was rounded, where its last bits differ; and whether an x87 comparison that raises an unmasked exception sets its codes or flags.
    /// </summary>
    public static (ushort Status, ulong Flags) UncomparedConditions(in Instruction instruction, ushort statusAfter)
    {
        const ushort c1 = 0x0200, comparison = 0x4500, summary = 0x80;
        const ulong statusFlags = 0x8D5;
        var faulted = (statusAfter & summary) != 0;
        return instruction.Mnemonic switch
        {
            Mnemonic.Fcomi or Mnemonic.Fcomip or Mnemonic.Fucomi or Mnemonic.Fucomip => (c1, faulted ? statusFlags : 0),
            Mnemonic.Fcmovb or Mnemonic.Fcmove or Mnemonic.Fcmovbe or Mnemonic.Fcmovu or Mnemonic.Fcmovnb or Mnemonic.Fcmovne or Mnemonic.Fcmovnbe
                or Mnemonic.Fcmovnu => (c1, 0),
            Mnemonic.Fcom or Mnemonic.Fcomp or Mnemonic.Fcompp or Mnemonic.Fucom or Mnemonic.Fucomp or Mnemonic.Fucompp or Mnemonic.Ficom
                or Mnemonic.Ficomp or Mnemonic.Ftst => (faulted ? comparison : (ushort)0, 0),
            _ => (IsTranscendental(instruction.Mnemonic) ? c1 : (ushort)0, 0),
        };
    }

    /// <summary>Approximations with a stated relative error of at most 1.5 * 2^-12 and no stated bits (SDM volume 2, RCPPS, RSQRTPS).</summary>
    public static bool IsApproximation(Mnemonic mnemonic) => mnemonic is Mnemonic.Rcpps or Mnemonic.Rcpss or Mnemonic.Rsqrtps or Mnemonic.Rsqrtss
        or Mnemonic.Vrcpps or Mnemonic.Vrcpss or Mnemonic.Vrsqrtps or Mnemonic.Vrsqrtss;

    /// <summary>x87 functions whose last bits differ between processors: less than 1 ulp from the true value (SDM volume 1, 8.3.10).</summary>
    public static bool IsTranscendental(Mnemonic mnemonic) => mnemonic is Mnemonic.F2xm1 or Mnemonic.Fyl2x or Mnemonic.Fyl2xp1 or Mnemonic.Fptan
        or Mnemonic.Fpatan or Mnemonic.Fsin or Mnemonic.Fcos or Mnemonic.Fsincos;

    /// <summary>Whether two single-precision results of an approximation are equal, or each within the stated error of the same value.</summary>
    public static bool AreClose(uint a, uint b)
    {
        if (a == b)
        {
            return true;
        }

        var x = BitConverter.UInt32BitsToSingle(a);
        var y = BitConverter.UInt32BitsToSingle(b);
        const double bound = 2 * 1.5 / 4096;
        return Math.Sign(x) == Math.Sign(y) && Math.Abs((double)x - y) <= bound * Math.Min(Math.Abs((double)x), Math.Abs((double)y));
    }

    /// <summary>Whether two x87 registers are equal or their values are a few units of the last place apart.</summary>
    public static bool AreCloseExtended(ReadOnlySpan<byte> a, ReadOnlySpan<byte> b)
    {
        const int units = 2;
        var exponentA = BinaryPrimitives.ReadUInt16LittleEndian(a[8..]);
        var exponentB = BinaryPrimitives.ReadUInt16LittleEndian(b[8..]);
        if (((exponentA ^ exponentB) & 0x8000) != 0 || (exponentA & 0x7FFF) == 0x7FFF || (exponentB & 0x7FFF) == 0x7FFF)
        {
            return false;
        }

        // Seen as one 79-bit number an x87 value grows with its magnitude; between neighbours across a power of two the
        // integer bit makes a jump of 2^63, which is taken out first.
        var valueA = Linear(exponentA, BinaryPrimitives.ReadUInt64LittleEndian(a));
        var valueB = Linear(exponentB, BinaryPrimitives.ReadUInt64LittleEndian(b));
        return (valueA > valueB ? valueA - valueB : valueB - valueA) <= units;

        static UInt128 Linear(ushort exponent, ulong mantissa) => ((UInt128)(uint)(exponent & 0x7FFF) << 63) + (mantissa & 0x7FFF_FFFF_FFFF_FFFF);
    }

    /// <summary>Whether a result that is not defined, or not comparable bit by bit, would spread to later instructions.</summary>
    public static bool IsUnfitForSequence(Code code) => code.Mnemonic() is var mnemonic && (IsApproximation(mnemonic) || IsTranscendental(mnemonic)
        || mnemonic.ToString().StartsWith("Fcmov", StringComparison.Ordinal) || mnemonic is Mnemonic.Shld or Mnemonic.Shrd or Mnemonic.Bsf or Mnemonic.Bsr or Mnemonic.Fnstenv or Mnemonic.Fstenv or Mnemonic.Fnsave or Mnemonic.Fsave
        or Mnemonic.Fcomi or Mnemonic.Fcomip or Mnemonic.Fucomi or Mnemonic.Fucomip or Mnemonic.Popf or Mnemonic.Popfq or Mnemonic.Fxsave or Mnemonic.Fxsave64);
}
