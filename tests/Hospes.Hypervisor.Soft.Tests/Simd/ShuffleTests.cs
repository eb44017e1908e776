using static Hospes.Hypervisor.Soft.Tests.Simd.Elements;

namespace Hospes.Hypervisor.Soft.Tests.Simd;

/// <summary>Instructions that move elements within a lane.</summary>
public sealed class ShuffleTests
{
    private static readonly Dictionary<string, (Reference Reference, int UpperShift)> References = new()
    {
        ["punpcklbw"] = (Gather<byte>((a, b, _, i) => (i % 2 == 0 ? a : b)[i / 2]), 0),
        ["punpcklwd"] = (Gather<ushort>((a, b, _, i) => (i % 2 == 0 ? a : b)[i / 2]), 0),
        ["punpckldq"] = (Gather<uint>((a, b, _, i) => (i % 2 == 0 ? a : b)[i / 2]), 0),
        ["punpcklqdq"] = (Gather<ulong>((a, b, _, i) => (i % 2 == 0 ? a : b)[i / 2]), 0),
        ["punpckhqdq"] = (Gather<ulong>((a, b, _, i) => (i % 2 == 0 ? a : b)[1 + i / 2]), 0),
        ["unpcklps"] = (Gather<uint>((a, b, _, i) => (i % 2 == 0 ? a : b)[i / 2]), 0),
        ["unpckhps"] = (Gather<uint>((a, b, _, i) => (i % 2 == 0 ? a : b)[2 + i / 2]), 0),
        ["unpckhpd"] = (Gather<ulong>((a, b, _, i) => (i % 2 == 0 ? a : b)[1]), 0),
        ["packsswb"] = (Gather<byte>((a, b, _, i) => (byte)Math.Clamp(Word(i < 8 ? a : b, i & 7), sbyte.MinValue, sbyte.MaxValue)), 0),
        ["packuswb"] = (Gather<byte>((a, b, _, i) => (byte)Math.Clamp(Word(i < 8 ? a : b, i & 7), byte.MinValue, byte.MaxValue)), 0),
        ["packssdw"] = (Gather<ushort>((a, b, _, i) => (ushort)Math.Clamp((i < 4 ? Signed(a, i) : Signed(b, i - 4)), short.MinValue, short.MaxValue)), 0),
        ["pshufb"] = (Gather<byte>((a, b, _, i) => b[i] >= 0x80 ? (byte)0 : a[b[i] & 15]), 0),
        ["palignr"] = (Gather<byte>((a, b, k, i) => k + i < 16 ? b[k + i] : k + i < 32 ? a[k + i - 16] : (byte)0), 0),
        ["phaddw"] = (Gather<short>((a, b, _, i) => (short)(Pair(a, b, 2 * i) + Pair(a, b, 2 * i + 1))), 0),
        ["phsubw"] = (Gather<short>((a, b, _, i) => (short)(Pair(a, b, 2 * i) - Pair(a, b, 2 * i + 1))), 0),
        ["phaddsw"] = (Gather<short>((a, b, _, i) => (short)Math.Clamp(Pair(a, b, 2 * i) + Pair(a, b, 2 * i + 1), short.MinValue, short.MaxValue)), 0),
        ["phaddd"] = (Gather<int>((a, b, _, i) => Pair(a, b, 2 * i) + Pair(a, b, 2 * i + 1)), 0),
        ["phsubd"] = (Gather<int>((a, b, _, i) => Pair(a, b, 2 * i) - Pair(a, b, 2 * i + 1)), 0),
        ["permilps"] = (Gather<uint>((a, b, _, i) => a[b[i] & 3]), 0),
        ["permilpd"] = (Gather<ulong>((a, b, _, i) => a[(b[i] >> 1) & 1]), 0),
        ["packusdw"] = (Gather<ushort>((a, b, _, i) => (ushort)Math.Clamp((i < 4 ? Signed(a, i) : Signed(b, i - 4)), 0, 65535)), 0),
        ["pshufd"] = (Gather<uint>((_, b, k, i) => b[(k >> (2 * i)) & 3]), 0),
        ["pshuflw"] = (Gather<ushort>((_, b, k, i) => i < 4 ? b[(k >> (2 * i)) & 3] : b[i]), 0),
        ["pshufhw"] = (Gather<ushort>((_, b, k, i) => i < 4 ? b[i] : b[4 + ((k >> (2 * (i - 4))) & 3)]), 0),
        ["shufps"] = (Gather<uint>((a, b, k, i) => (i < 2 ? a : b)[(k >> (2 * i)) & 3]), 0),
        ["shufpd"] = (Gather<ulong>((a, b, k, i) => (i < 1 ? a : b)[(k >> i) & 1]), 2),
        ["movsldup"] = (Gather<uint>((_, b, _, i) => b[i & ~1]), 0),
        ["movshdup"] = (Gather<uint>((_, b, _, i) => b[i | 1]), 0),
        ["blendps"] = (Gather<uint>((a, b, k, i) => ((k >> i) & 1) != 0 ? b[i] : a[i]), 4),
        ["blendpd"] = (Gather<ulong>((a, b, k, i) => ((k >> i) & 1) != 0 ? b[i] : a[i]), 2),
        ["pblendw"] = (Gather<ushort>((a, b, k, i) => ((k >> i) & 1) != 0 ? b[i] : a[i]), 0),
        ["pblendd"] = (Gather<uint>((a, b, k, i) => ((k >> i) & 1) != 0 ? b[i] : a[i]), 4),
        ["mpsadbw"] = (Gather<ushort>((a, b, k, i) => Difference(Bytes(a), Bytes(b), k, i)), 3),
    };

    public static TheoryData<string> Names() => new(References.Keys);

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_form_moves_the_elements_that_the_reference_names(string name)
    {
        using var forms = new PackedForms();
        (Reference reference, int upperShift) = References[name];
        forms.Check(name, reference, upperShift, mmx: false, immediates: !name.StartsWith("permil", StringComparison.Ordinal)).ShouldBeGreaterThan(0);
    }

    private static int Signed(ushort[] words, int i) => words[2 * i] | words[2 * i + 1] << 16;

    private static short Word(byte[] bytes, int i) => (short)(bytes[2 * i] | bytes[2 * i + 1] << 8);

    private static T Pair<T>(T[] a, T[] b, int i) => i < a.Length ? a[i] : b[i - a.Length];

    private static byte[] Bytes(ushort[] words) => [.. words.SelectMany(w => (byte[])[(byte)w, (byte)(w >> 8)])];

    private static ushort Difference(byte[] a, byte[] b, byte control, int i)
    {
        int first = ((control >> 2) & 1) * 4 + i;
        int second = (control & 3) * 4;
        return (ushort)Enumerable.Range(0, 4).Sum(j => Math.Abs(a[first + j] - b[second + j]));
    }
}
