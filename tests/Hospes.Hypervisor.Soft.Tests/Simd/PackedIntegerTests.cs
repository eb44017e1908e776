using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Iced.Intel;
using Lane = System.Runtime.Intrinsics.Vector128<byte>;

namespace Hospes.Hypervisor.Soft.Tests.Simd;

/// <summary>Instructions of two packed sources, each form against a reference written element by element.</summary>
public sealed class PackedIntegerTests : IDisposable
{
    private const int Rounds = 64;

    private readonly SimdMachine _machine = new();

    private readonly Dictionary<string, Func<Lane, Lane, Lane>> _references = new()
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
    };

    public void Dispose() => _machine.Dispose();

    public static TheoryData<string> Names()
    {
        using var tests = new PackedIntegerTests();
        return new TheoryData<string>(tests._references.Keys);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Legacy_form_works_on_the_low_half_and_keeps_the_upper(string name)
    {
        Code code = Enum.Parse<Code>($"{Capital(name)}_xmm_xmmm128");
        Repeat(name, (a, b, expected) =>
        {
            _machine.SetYmm(3, a);
            _machine.SetYmm(4, b);
            _machine.Run(code, 3, 4);
            _machine.Ymm(3).ShouldBe(Vector256.Create(expected.GetLower(), a.GetUpper()));
            _machine.SetYmm(3, a);
            _machine.Write(0x40, b.GetLower());
            _machine.RunMemory(code, 0x40, 3);
            _machine.Ymm(3).ShouldBe(Vector256.Create(expected.GetLower(), a.GetUpper()));
        });
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Vex128_form_clears_the_upper_half(string name)
    {
        Code code = Enum.Parse<Code>($"VEX_V{name}_xmm_xmm_xmmm128");
        Repeat(name, (a, b, expected) =>
        {
            _machine.SetYmm(5, Vector256<byte>.AllBitsSet);
            _machine.SetYmm(3, a);
            _machine.SetYmm(4, b);
            _machine.Run(code, 5, 3, 4);
            _machine.Ymm(5).ShouldBe(expected.GetLower().ToVector256());
            _machine.Write(0x41, b.GetLower());
            _machine.RunMemory(code, 0x41, 3, 3);
            _machine.Ymm(3).ShouldBe(expected.GetLower().ToVector256());
        });
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Vex256_form_works_on_both_lanes(string name)
    {
        Code code = Enum.Parse<Code>($"VEX_V{name}_ymm_ymm_ymmm256");
        Repeat(name, (a, b, expected) =>
        {
            _machine.SetYmm(3, a);
            _machine.SetYmm(4, b);
            _machine.Run(code, 4, 3, 4);
            _machine.Ymm(4).ShouldBe(expected);
            _machine.Write(0x41, b);
            _machine.RunMemory(code, 0x41, 9, 3);
            _machine.Ymm(9).ShouldBe(expected);
        });
    }

    [Theory]
    [MemberData(nameof(Names))]
    public unsafe void Mmx_form_works_on_a_significand_and_marks_the_stack_valid(string name)
    {
        if (!Enum.TryParse($"{Capital(name)}_mm_mmm64", out Code code)) return;
        Repeat(name, (a, b, expected) =>
        {
            _machine.State->Ftw = 0;
            _machine.State->Fsw = 3 << 11;
            _machine.SetMmx(3, a.AsUInt64().ToScalar());
            _machine.SetMmx(7, b.AsUInt64().ToScalar());
            _machine.Run(code, 3, 7);
            _machine.Mmx(3).ShouldBe(expected.AsUInt64().ToScalar());
            _machine.State->Ftw.ShouldBe((byte)0xFF);
            _machine.State->Fsw.ShouldBe((ushort)0);
            (*(ushort*)(_machine.State->X87Registers + 3 * 16 + 8)).ShouldBe((ushort)0xFFFF);
            _machine.SetMmx(3, a.AsUInt64().ToScalar());
            _machine.Write(0x43, b.AsUInt64().ToScalar());
            _machine.RunMemory(code, 0x43, 3);
            _machine.Mmx(3).ShouldBe(expected.AsUInt64().ToScalar());
        });
    }

    private static string Capital(string name) => char.ToUpperInvariant(name[0]) + name[1..];

    private static Func<Lane, Lane, Lane> Each<T>(Func<T, T, T> reference)
        where T : unmanaged => (a, b) =>
    {
        Vector128<T> result = default;
        for (int i = 0; i < Vector128<T>.Count; i++)
            result = result.WithElement(i, reference(a.As<byte, T>().GetElement(i), b.As<byte, T>().GetElement(i)));
        return result.AsByte();
    };

    private void Repeat(string name, Action<Vector256<byte>, Vector256<byte>, Vector256<byte>> check)
    {
        var values = new VectorValues(name.Length);
        Func<Lane, Lane, Lane> reference = _references[name];
        for (int i = 0; i < Rounds; i++)
        {
            Vector256<byte> a = values.Next();
            Vector256<byte> b = values.Next();
            check(a, b, Vector256.Create(reference(a.GetLower(), b.GetLower()), reference(a.GetUpper(), b.GetUpper())));
        }
    }
}
