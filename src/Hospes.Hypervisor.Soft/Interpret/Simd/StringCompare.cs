using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Lane = System.Runtime.Intrinsics.Vector128<byte>;

namespace Hospes.Hypervisor.Soft.Interpret.Simd;

/// <summary>PCMPESTRI, PCMPESTRM, PCMPISTRI, PCMPISTRM (SDM vol. 2, 4.1). Memory operands need no alignment, even in the legacy forms.</summary>
internal static unsafe class StringCompare
{
    private const int Rcx = 1, Rax = 0, Rdx = 2;

    // Fields of the immediate.
    private const int Words = 1, Signed = 2, Aggregation = 0xC, Negate = 0x10, NegateValidOnly = 0x20, MostSignificant = 0x40;
    private const int EqualAny = 0, Ranges = 4, EqualEach = 8;

    public static void ExplicitIndex(CpuState* s, Op* op) => SetIndex(s, op, Explicit(s, op, wide: false));

    public static void ExplicitIndex64(CpuState* s, Op* op) => SetIndex(s, op, Explicit(s, op, wide: true));

    public static void ImplicitIndex(CpuState* s, Op* op) => SetIndex(s, op, Implicit(s, op));

    public static void ExplicitMask(CpuState* s, Op* op) => *VectorState.Xmm(s, 0) = Mask(op, Explicit(s, op, wide: false));

    public static void ExplicitMask64(CpuState* s, Op* op) => *VectorState.Xmm(s, 0) = Mask(op, Explicit(s, op, wide: true));

    public static void ImplicitMask(CpuState* s, Op* op) => *VectorState.Xmm(s, 0) = Mask(op, Implicit(s, op));

    public static void VexExplicitMask(CpuState* s, Op* op) => VectorState.SetZeroUpper(s, 0, Mask(op, Explicit(s, op, wide: false)));

    public static void VexExplicitMask64(CpuState* s, Op* op) => VectorState.SetZeroUpper(s, 0, Mask(op, Explicit(s, op, wide: true)));

    public static void VexImplicitMask(CpuState* s, Op* op) => VectorState.SetZeroUpper(s, 0, Mask(op, Implicit(s, op)));

    private static int Count(Op* op) => (op->Imm & Words) != 0 ? 8 : 16;

    private static Lane Second(CpuState* s, Op* op) => op->HasMemory ? VectorState.Load<Lane>(s, op) : *VectorState.Xmm(s, op->Reg1);

    private static int Explicit(CpuState* s, Op* op, bool wide)
    {
        Lane second = Second(s, op);
        int count = Count(op);
        int first = Length(s->General[Rax], wide, count);
        return Compare(s, op, *VectorState.Xmm(s, op->Reg0), first, second, Length(s->General[Rdx], wide, count));
    }

    private static int Implicit(CpuState* s, Op* op)
    {
        Lane second = Second(s, op);
        Lane first = *VectorState.Xmm(s, op->Reg0);
        return Compare(s, op, first, LengthUpToZero(op, first), second, LengthUpToZero(op, second));
    }

    /// <summary>The magnitude of a signed length, at most the number of elements.</summary>
    private static int Length(ulong register, bool wide, int count)
    {
        long length = wide ? (long)register : (int)register;
        ulong magnitude = length < 0 ? 0 - (ulong)length : (ulong)length;
        return (int)Math.Min(magnitude, (ulong)count);
    }

    private static int LengthUpToZero(Op* op, Lane lane)
    {
        uint zeros = (op->Imm & Words) != 0
            ? Vector128.Equals(lane.AsUInt16(), Vector128<ushort>.Zero).ExtractMostSignificantBits()
            : Vector128.Equals(lane, Lane.Zero).ExtractMostSignificantBits();
        return Math.Min(BitOperations.TrailingZeroCount(zeros), Count(op));
    }

    /// <summary>Answers the final bit mask (IntRes2) and sets the flags.</summary>
    private static int Compare(CpuState* s, Op* op, Lane first, int firstLength, Lane second, int secondLength)
    {
        int control = (int)op->Imm;
        int count = Count(op);
        int result = (control & (Words | Signed)) switch
        {
            0 => Aggregate<byte>(control, first, firstLength, second, secondLength),
            Words => Aggregate<ushort>(control, first, firstLength, second, secondLength),
            Signed => Aggregate<sbyte>(control, first, firstLength, second, secondLength),
            _ => Aggregate<short>(control, first, firstLength, second, secondLength),
        };
        if ((control & Negate) != 0)
            result ^= (control & NegateValidOnly) != 0 ? (1 << secondLength) - 1 : (1 << count) - 1;
        Flags.WriteArithmetic(s, (result != 0 ? Flags.Cf : 0) | (secondLength < count ? Flags.Zf : 0)
            | (firstLength < count ? Flags.Sf : 0) | ((result & 1) != 0 ? Flags.Of : 0));
        return result;
    }

    /// <summary>The comparisons of all pairs, gathered into one bit for each element of the second source (IntRes1).</summary>
    private static int Aggregate<T>(int control, Lane first, int firstLength, Lane second, int secondLength)
        where T : unmanaged, IBinaryInteger<T>
    {
        // SAFETY: indices are below the number of elements.
        T* x = (T*)&first;
        T* y = (T*)&second;
        int count = 16 / Unsafe.SizeOf<T>();
        int result = 0;
        for (int j = 0; j < count; j++)
        {
            bool bit = (control & Aggregation) switch
            {
                EqualAny => j < secondLength && IsAny(x, firstLength, y[j]),
                Ranges => j < secondLength && IsInRange(x, firstLength, y[j]),
                // Elements behind both ends are equal.
                EqualEach => j < firstLength && j < secondLength ? x[j] == y[j] : j >= firstLength && j >= secondLength,
                _ => StartsAt(x, firstLength, y, secondLength, j, count),
            };
            if (bit) result |= 1 << j;
        }
        return result;
    }

    private static bool IsAny<T>(T* set, int length, T value)
        where T : unmanaged, IBinaryInteger<T>
    {
        for (int i = 0; i < length; i++)
        {
            if (set[i] == value) return true;
        }
        return false;
    }

    private static bool IsInRange<T>(T* bounds, int length, T value)
        where T : unmanaged, IBinaryInteger<T>
    {
        for (int i = 0; i + 1 < length; i += 2)
        {
            if (bounds[i] <= value && value <= bounds[i + 1]) return true;
        }
        return false;
    }

    /// <summary>Whether the first string, as far as it fits in the lane, lies in the second at a position (equal ordered).</summary>
    private static bool StartsAt<T>(T* needle, int needleLength, T* text, int textLength, int position, int count)
        where T : unmanaged, IBinaryInteger<T>
    {
        for (int i = 0; i < needleLength && position + i < count; i++)
        {
            if (position + i >= textLength || needle[i] != text[position + i]) return false;
        }
        return true;
    }

    private static void SetIndex(CpuState* s, Op* op, int bits)
    {
        s->General[Rcx] = (uint)(bits == 0 ? Count(op)
            : (op->Imm & MostSignificant) != 0 ? BitOperations.Log2((uint)bits) : BitOperations.TrailingZeroCount(bits));
    }

    private static Lane Mask(Op* op, int bits)
    {
        if ((op->Imm & MostSignificant) == 0) return Vector128.CreateScalar((uint)bits).AsByte();
        if ((op->Imm & Words) != 0)
        {
            Vector128<ushort> wordBits = Vector128.Create((ushort)1, 2, 4, 8, 16, 32, 64, 128);
            return Vector128.Equals(Vector128.Create((ushort)bits) & wordBits, wordBits).AsByte();
        }
        Lane byteBits = Vector128.Create(0x80402010_08040201UL).AsByte();
        Lane spread = Vector128.Create(Vector64.Create((byte)bits), Vector64.Create((byte)(bits >> 8)));
        return Vector128.Equals(spread & byteBits, byteBits);
    }
}
