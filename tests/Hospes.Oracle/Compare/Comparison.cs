using System.Buffers.Binary;
using System.Text;
using Hospes.Oracle.Generate;
using Hospes.Oracle.Native;
using Iced.Intel;

namespace Hospes.Oracle.Compare;

/// <summary>Compares two states after a case, but for what <see cref="Deviations"/> leaves open.</summary>
internal static class Comparison
{
    private const ulong ResumeFlag = 1 << 16;
    private const ulong PageFault = 14;
    private const ulong PresentBit = 1;
    private const ulong InvalidOpcode = 6, StackFault = 12, GeneralProtection = 13, AlignmentCheck = 17;
    private const int MaxInstructionLength = 15;

    /// <summary>The first address that Linux never gives to user mode: it reports every fault beyond as one on a present page.</summary>
    private const ulong UserEnd = 0x7FFF_FFFF_F000;

    /// <summary>What differs, one line each; null when nothing does.</summary>
    public static string? Differences(ref CaseSlot slot, ref CpuImage other, OracleCase description)
    {
        ref var native = ref slot.Output;
        if (native.Signal == NativeRunner.Died)
        {
            return "the native child did not survive the case\n";
        }

        var diff = new StringBuilder();
        var index = description.Last(native[Greg.Rip]);
        var last = index < 0 ? default : description.Instructions[index];
        var (undefinedFlags, undefinedStatus) = description.UndefinedAt(index);
        var status = BinaryPrimitives.ReadUInt16LittleEndian(native.XsaveBytes[CpuImage.Fsw..]);
        var (uncomparedStatus, uncomparedFlags) = description.Instructions.Count == 1 ? Deviations.UncomparedConditions(last, status) : default;
        Traps(diff, ref slot, other, last);
        for (var register = Greg.R8; register <= Greg.Rip; register++)
        {
            Value(diff, register.ToString(), native[register], other[register]);
        }

        var flags = ~(ResumeFlag | undefinedFlags | uncomparedFlags);
        Value(diff, "Rflags", native[Greg.Rflags] & flags, other[Greg.Rflags] & flags);
        Value(diff, "FsBase", native.FsBase, other.FsBase);
        Value(diff, "GsBase", native.GsBase, other.GsBase);
        if (Deviations.LeavesVectorsOpen(last, native[Greg.Trap]))
        {
            return diff.Length == 0 ? null : diff.ToString();
        }

        Vectors(diff, native.XsaveBytes, other.XsaveBytes, description);
        X87(diff, native.XsaveBytes, other.XsaveBytes, description, (ushort)~(undefinedStatus | uncomparedStatus));
        if (Deviations.FaultsInAnyOrder(last) && IsMemoryFault(native[Greg.Trap]) && IsMemoryFault(other[Greg.Trap]))
        {
            return null;
        }

        Window(diff, native.WindowBytes, other.WindowBytes, description);
        return diff.Length == 0 ? null : diff.ToString();
    }

    private static void Traps(StringBuilder diff, ref CaseSlot slot, in CpuImage other, in Instruction last)
    {
        ref var native = ref slot.Output;
        if (last.IsInvalid && last.Length == MaxInstructionLength
            && native[Greg.Trap] is InvalidOpcode or GeneralProtection && other[Greg.Trap] is InvalidOpcode or GeneralProtection)
        {
            // Too long and invalid otherwise: which of the two is noticed first is the processor's own affair.
            return;
        }

        if (Deviations.ReadsTwoOperands(last) && IsMemoryFault(native[Greg.Trap]) && IsMemoryFault(other[Greg.Trap]))
        {
            return;
        }

        Value(diff, "trap", native[Greg.Trap], other[Greg.Trap]);
        if (native[Greg.Trap] != other[Greg.Trap])
        {
            return;
        }

        var ignored = native[Greg.Trap] == PageFault && native[Greg.Cr2] >= UserEnd ? PresentBit : 0;
        var anyPage = native[Greg.Trap] == PageFault && Deviations.IsAccessedInParts(last) && IsInOperand(ref slot, native, last) && IsInOperand(ref slot, other, last);
        if (anyPage)
        {
            ignored |= PresentBit;
        }

        Value(diff, "error code", native[Greg.ErrorCode] | ignored, other[Greg.ErrorCode] | ignored);
        if (native[Greg.Trap] == PageFault && !anyPage && !Deviations.MayWrap(last, native[Greg.Cr2], other[Greg.Cr2]))
        {
            Value(diff, "Cr2", native[Greg.Cr2], other[Greg.Cr2]);
        }
    }

    private static bool IsInOperand(ref CaseSlot slot, in CpuImage after, in Instruction instruction) =>
        after[Greg.Cr2] - EffectiveAddress.Of(instruction, ref slot.Input) < (ulong)InstructionBuilder.SizeOf(instruction);

    private static bool IsMemoryFault(ulong trap) => trap is StackFault or GeneralProtection or PageFault or AlignmentCheck;

    private static void Value(StringBuilder diff, string name, ulong native, ulong other)
    {
        if (native != other)
        {
            diff.Append($"  {name,-10} native {native:x16}  soft {other:x16}  differ {native ^ other:x16}\n");
        }
    }

    private static void Vectors(StringBuilder diff, Span<byte> native, Span<byte> other, OracleCase description)
    {
        Value(diff, "Mxcsr", BinaryPrimitives.ReadUInt32LittleEndian(native[CpuImage.Mxcsr..]), BinaryPrimitives.ReadUInt32LittleEndian(other[CpuImage.Mxcsr..]));
        var approximate = description.Instructions.Count == 1 && Deviations.IsApproximation(description.Instructions[0].Mnemonic);
        for (var i = 0; i < 16; i++)
        {
            Vector(diff, $"Xmm{i}", native.Slice(CpuImage.Xmm0 + (16 * i), 16), other.Slice(CpuImage.Xmm0 + (16 * i), 16), approximate);
            Vector(diff, $"Ymm{i} high", native.Slice(CpuImage.Ymm0High + (16 * i), 16), other.Slice(CpuImage.Ymm0High + (16 * i), 16), approximate);
        }
    }

    private static void Vector(StringBuilder diff, string name, ReadOnlySpan<byte> native, ReadOnlySpan<byte> other, bool approximate)
    {
        if (native.SequenceEqual(other))
        {
            return;
        }

        if (approximate)
        {
            var alike = true;
            for (var at = 0; at < 16; at += 4)
            {
                alike &= Deviations.AreClose(BinaryPrimitives.ReadUInt32LittleEndian(native[at..]), BinaryPrimitives.ReadUInt32LittleEndian(other[at..]));
            }

            if (alike)
            {
                return;
            }
        }

        diff.Append($"  {name,-10} native {Hex(native)}\n             soft   {Hex(other)}\n");
    }

    private static void X87(StringBuilder diff, Span<byte> native, Span<byte> other, OracleCase description, ushort defined)
    {
        Value(diff, "Fcw", BinaryPrimitives.ReadUInt16LittleEndian(native), BinaryPrimitives.ReadUInt16LittleEndian(other));
        Value(diff, "Fsw", (ulong)(BinaryPrimitives.ReadUInt16LittleEndian(native[CpuImage.Fsw..]) & defined),
            (ulong)(BinaryPrimitives.ReadUInt16LittleEndian(other[CpuImage.Fsw..]) & defined));
        Value(diff, "Ftw", native[CpuImage.Ftw], other[CpuImage.Ftw]);
        var approximate = description.Instructions.Count == 1 && Deviations.IsTranscendental(description.Instructions[0].Mnemonic);
        for (var i = 0; i < 8; i++)
        {
            var a = native.Slice(CpuImage.St0 + (16 * i), 10);
            var b = other.Slice(CpuImage.St0 + (16 * i), 10);
            if (!a.SequenceEqual(b) && !(approximate && Deviations.AreCloseExtended(a, b)))
            {
                diff.Append($"  St{i}        native {Hex(a)}\n             soft   {Hex(b)}\n");
            }
        }
    }

    private static void Window(StringBuilder diff, Span<byte> native, Span<byte> other, OracleCase description)
    {
        if (native.SequenceEqual(other))
        {
            return;
        }

        var lines = 0;
        for (var at = 0; at < native.Length && lines < 4; at++)
        {
            if (native[at] == other[at] || description.IsIgnored(at))
            {
                continue;
            }

            var length = Math.Min(16, native.Length - at);
            diff.Append($"  [{SharedLayout.WindowBase + (ulong)at:x}] native {Hex(native.Slice(at, length))}\n             soft   {Hex(other.Slice(at, length))}\n");
            at += length - 1;
            lines++;
        }
    }

    /// <summary>Bytes as one number: the most significant first.</summary>
    public static string Hex(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder();
        for (var i = bytes.Length - 1; i >= 0; i--)
        {
            text.Append(bytes[i].ToString("x2"));
            if (i % 8 == 0 && i != 0)
            {
                text.Append('_');
            }
        }

        return text.ToString();
    }
}
