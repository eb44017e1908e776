using static Hospes.Hypervisor.Soft.Tests.Simd.Elements;

namespace Hospes.Hypervisor.Soft.Tests.Simd;

/// <summary>Packed integer instructions, each form against a reference written element by element.</summary>
public sealed class PackedIntegerTests
{
    private static readonly Dictionary<string, Reference> References = new()
    {
        ["paddb"] = Each<byte>((x, y) => (byte)(x + y)),
        ["paddw"] = Each<ushort>((x, y) => (ushort)(x + y)),
        ["paddd"] = Each<uint>((x, y) => x + y),
        ["paddq"] = Each<ulong>((x, y) => x + y),
        ["psubb"] = Each<byte>((x, y) => (byte)(x - y)),
        ["psubw"] = Each<ushort>((x, y) => (ushort)(x - y)),
        ["psubd"] = Each<uint>((x, y) => x - y),
        ["psubq"] = Each<ulong>((x, y) => x - y),
        ["paddsb"] = Each<sbyte>((x, y) => (sbyte)Math.Clamp(x + y, -128, 127)),
        ["paddsw"] = Each<short>((x, y) => (short)Math.Clamp(x + y, -32768, 32767)),
        ["paddusb"] = Each<byte>((x, y) => (byte)Math.Min(x + y, 255)),
        ["paddusw"] = Each<ushort>((x, y) => (ushort)Math.Min(x + y, 65535)),
        ["psubsb"] = Each<sbyte>((x, y) => (sbyte)Math.Clamp(x - y, -128, 127)),
        ["psubsw"] = Each<short>((x, y) => (short)Math.Clamp(x - y, -32768, 32767)),
        ["psubusb"] = Each<byte>((x, y) => (byte)Math.Max(x - y, 0)),
        ["psubusw"] = Each<ushort>((x, y) => (ushort)Math.Max(x - y, 0)),
        ["pminub"] = Each<byte>(Math.Min),
        ["pminsb"] = Each<sbyte>(Math.Min),
        ["pminuw"] = Each<ushort>(Math.Min),
        ["pminsw"] = Each<short>(Math.Min),
        ["pminud"] = Each<uint>(Math.Min),
        ["pminsd"] = Each<int>(Math.Min),
        ["pmaxub"] = Each<byte>(Math.Max),
        ["pmaxsb"] = Each<sbyte>(Math.Max),
        ["pmaxuw"] = Each<ushort>(Math.Max),
        ["pmaxsw"] = Each<short>(Math.Max),
        ["pmaxud"] = Each<uint>(Math.Max),
        ["pmaxsd"] = Each<int>(Math.Max),
        ["pcmpeqb"] = Each<byte>((x, y) => (byte)(x == y ? 0xFF : 0)),
        ["pcmpeqw"] = Each<ushort>((x, y) => (ushort)(x == y ? 0xFFFF : 0)),
        ["pcmpeqd"] = Each<uint>((x, y) => x == y ? uint.MaxValue : 0),
        ["pcmpeqq"] = Each<ulong>((x, y) => x == y ? ulong.MaxValue : 0),
        ["pcmpgtb"] = Each<sbyte>((x, y) => (sbyte)(x > y ? -1 : 0)),
        ["pcmpgtw"] = Each<short>((x, y) => (short)(x > y ? -1 : 0)),
        ["pcmpgtd"] = Each<int>((x, y) => x > y ? -1 : 0),
        ["pcmpgtq"] = Each<long>((x, y) => x > y ? -1 : 0),
        ["pavgb"] = Each<byte>((x, y) => (byte)((x + y + 1) >> 1)),
        ["pavgw"] = Each<ushort>((x, y) => (ushort)((x + y + 1) >> 1)),
        ["psignb"] = Each<sbyte>((x, y) => (sbyte)(Math.Sign(y) * x)),
        ["psignw"] = Each<short>((x, y) => (short)(Math.Sign(y) * x)),
        ["psignd"] = Each<int>((x, y) => Math.Sign(y) * x),
        ["pand"] = Each<ulong>((x, y) => x & y),
        ["pandn"] = Each<ulong>((x, y) => ~x & y),
        ["por"] = Each<ulong>((x, y) => x | y),
        ["pxor"] = Each<ulong>((x, y) => x ^ y),
        ["andnps"] = Each<ulong>((x, y) => ~x & y),
        ["xorpd"] = Each<ulong>((x, y) => x ^ y),
        ["pmullw"] = Each<short>((x, y) => (short)(x * y)),
        ["pmulld"] = Each<int>((x, y) => x * y),
        ["pmulhw"] = Each<short>((x, y) => (short)(x * y >> 16)),
        ["pmulhuw"] = Each<ushort>((x, y) => (ushort)((uint)x * y >> 16)),
        ["pmulhrsw"] = Each<short>((x, y) => (short)(((x * y >> 14) + 1) >> 1)),
        ["pmuludq"] = Each<ulong>((x, y) => (ulong)(uint)x * (uint)y),
        ["pmuldq"] = Each<long>((x, y) => (long)(int)x * (int)y),
        ["pmaddwd"] = Each<uint>((x, y) => (uint)((short)x * (short)y + (short)(x >> 16) * (short)(y >> 16))),
        ["pmaddubsw"] = Each<ushort>((x, y) => (ushort)Math.Clamp((byte)x * (sbyte)y + (byte)(x >> 8) * (sbyte)(y >> 8), -32768, 32767)),
        ["psadbw"] = Each<ulong>((x, y) =>
            (ulong)Enumerable.Range(0, 8).Sum(i => Math.Abs((byte)(x >> (8 * i)) - (byte)(y >> (8 * i))))),
        ["pabsb"] = Each<sbyte>((_, y) => unchecked((sbyte)Math.Abs((int)y))),
        ["pabsw"] = Each<short>((_, y) => unchecked((short)Math.Abs((int)y))),
        ["pabsd"] = Each<int>((_, y) => unchecked((int)Math.Abs((long)y))),
        ["psllvd"] = Each<uint>((x, y) => y < 32 ? x << (int)y : 0),
        ["psllvq"] = Each<ulong>((x, y) => y < 64 ? x << (int)y : 0),
        ["psrlvd"] = Each<uint>((x, y) => y < 32 ? x >> (int)y : 0),
        ["psrlvq"] = Each<ulong>((x, y) => y < 64 ? x >> (int)y : 0),
        ["psravd"] = Each<uint>((x, y) => (uint)((int)x >> (int)Math.Min(y, 31))),
    };

    public static TheoryData<string> Names() => new(References.Keys);

    [Theory]
    [MemberData(nameof(Names))]
    public void Every_form_does_to_its_elements_what_the_reference_does(string name)
    {
        using var forms = new PackedForms();
        forms.Check(name, References[name]).ShouldBeGreaterThan(0);
    }
}
