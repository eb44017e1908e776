using Hospes.Hypervisor.Soft.Floating;

namespace Hospes.Hypervisor.Soft.Tests.Floating;

public class Float32Tests
{
    private const int Cases = 20_000;
    private const int Seed = 321;
    private const uint DefaultNaN = 0xffc00000;

    [Theory]
    [InlineData("add")]
    [InlineData("subtract")]
    [InlineData("multiply")]
    [InlineData("divide")]
    [InlineData("sqrt")]
    public void Nearest_results_and_flags_are_those_of_the_exact_result(string operation)
    {
        Random random = new(Seed);
        for (int i = 0; i < Cases; i++)
        {
            uint a = Operands.Bits32(random);
            uint b = Operands.Bits32(random);
            float x = BitConverter.UInt32BitsToSingle(a);
            float y = BitConverter.UInt32BitsToSingle(b);
            if (float.IsNaN(x) || float.IsNaN(y))
                continue;
            float result = operation switch
            {
                "add" => x + y,
                "subtract" => x - y,
                "multiply" => x * y,
                "divide" => x / y,
                _ => MathF.Sqrt(x),
            };
            uint expected = float.IsNaN(result) ? DefaultNaN : BitConverter.SingleToUInt32Bits(result);
            string where = $"seed {Seed}, case {i}: {operation} {a:x8} {b:x8}";

            FloatStatus status = new(FloatStatus.DefaultMxcsr);
            Apply(operation, a, b, ref status).ShouldBe(expected, where);
            FloatStatus sticky = new(FloatStatus.DefaultMxcsr | FloatFlags.All);
            Apply(operation, a, b, ref sticky).ShouldBe(expected, where);

            // A product or root of two binary32 is exact in binary64, which tells whether rounding lost anything.
            if (operation is "multiply" && float.IsFinite(result))
                ((status.Flags & FloatFlags.Inexact) != 0).ShouldBe((double)x * y != result, where);
        }
    }

    [Theory]
    [InlineData(0, 0x3eaaaaabu)]
    [InlineData(1, 0x3eaaaaaau)]
    [InlineData(2, 0x3eaaaaabu)]
    [InlineData(3, 0x3eaaaaaau)]
    public void A_third_is_rounded_as_asked(int mode, uint expected)
    {
        FloatStatus status = new FloatStatus(FloatStatus.DefaultMxcsr).WithRounding((RoundingMode)mode);
        Float32.Divide(0x3f800000, 0x40400000, ref status).ShouldBe(expected);
        status.Flags.ShouldBe(FloatFlags.Inexact);
    }

    [Fact]
    public void Widening_and_narrowing_keep_payloads()
    {
        FloatStatus status = new(FloatStatus.DefaultMxcsr);
        Float32.ToFloat64(0xffc00001, ref status).ShouldBe(0xfff8000020000000UL);
        status.Flags.ShouldBe(0u);
        Float64.ToFloat32(0x7ff0000020000000, ref status).ShouldBe(0x7fc00001u);
        status.Flags.ShouldBe(FloatFlags.Invalid);
        Float32.ToFloat64(1, ref status).ShouldBe(0x36a0000000000000UL);
        status.Flags.ShouldBe(FloatFlags.Invalid | FloatFlags.Denormal);
    }

    [Fact]
    public void Narrowing_agrees_with_the_host()
    {
        Random random = new(Seed);
        for (int i = 0; i < Cases; i++)
        {
            ulong a = Operands.Bits64(random);
            double x = BitConverter.UInt64BitsToDouble(a);
            if (double.IsNaN(x))
                continue;
            FloatStatus status = new(FloatStatus.DefaultMxcsr);
            Float64.ToFloat32(a, ref status).ShouldBe(BitConverter.SingleToUInt32Bits((float)x), $"seed {Seed}, case {i}: {a:x16}");
        }
    }

    [Fact]
    public void Every_half_survives_the_way_to_single_and_back()
    {
        for (int bits = 0; bits <= ushort.MaxValue; bits++)
        {
            FloatStatus status = new(FloatStatus.DefaultMxcsr);
            uint wide = FormatConversion.HalfToFloat32((ushort)bits, ref status);
            ushort back = FormatConversion.Float32ToHalf(wide, ref status);
            bool signaling = Interchange<Binary16>.IsSignaling((ulong)bits);
            back.ShouldBe((ushort)(signaling ? bits | 0x200 : bits));
            status.Flags.ShouldBe(signaling ? FloatFlags.Invalid : 0);
            if (!Half.IsNaN(BitConverter.UInt16BitsToHalf((ushort)bits)))
                BitConverter.UInt32BitsToSingle(wide).ShouldBe((float)BitConverter.UInt16BitsToHalf((ushort)bits));
        }
    }

    [Theory]
    [InlineData(0x477fefffu, 0x7bff, FloatFlags.Inexact)] // just below the tie above 65504
    [InlineData(0x477ff000u, 0x7c00, FloatFlags.Overflow | FloatFlags.Inexact)]
    [InlineData(0x33000000u, 0x0000, FloatFlags.Underflow | FloatFlags.Inexact)] // 2^-25, a tie to even
    [InlineData(0x33000001u, 0x0001, FloatFlags.Underflow | FloatFlags.Inexact)]
    [InlineData(0x33800000u, 0x0001, 0u)]
    public void Halves_round_at_their_ends(uint a, int expected, uint flags)
    {
        FloatStatus status = new(FloatStatus.DefaultMxcsr | FloatStatus.FlushToZero);
        FormatConversion.Float32ToHalf(a, ref status).ShouldBe((ushort)expected);
        status.Flags.ShouldBe(flags);
    }

    [Fact]
    public void Estimates_stay_within_their_bound()
    {
        const double bound = 1.5 / 4096;
        for (uint a = 0x3f800000; a < 0x40800000; a += 0x7f)
        {
            double x = BitConverter.UInt32BitsToSingle(a);
            double reciprocal = BitConverter.UInt32BitsToSingle(Approximation.Reciprocal(a));
            Math.Abs(reciprocal * x - 1).ShouldBeLessThanOrEqualTo(bound);
            double root = BitConverter.UInt32BitsToSingle(Approximation.ReciprocalSquareRoot(a));
            Math.Abs(root * Math.Sqrt(x) - 1).ShouldBeLessThanOrEqualTo(bound);
        }
    }

    [Theory]
    [InlineData(0x00000000u, 0x7f800000u, 0x7f800000u)]
    [InlineData(0x80000001u, 0xff800000u, 0xff800000u)]
    [InlineData(0x7f800000u, 0x00000000u, 0x00000000u)]
    [InlineData(0xff800000u, 0x80000000u, DefaultNaN)]
    [InlineData(0x7f800001u, 0x7fc00001u, 0x7fc00001u)]
    [InlineData(0xffc01234u, 0xffc01234u, 0xffc01234u)]
    public void Estimates_of_special_numbers(uint a, uint reciprocal, uint root)
    {
        Approximation.Reciprocal(a).ShouldBe(reciprocal);
        Approximation.ReciprocalSquareRoot(a).ShouldBe(root);
    }

    private static uint Apply(string operation, uint a, uint b, ref FloatStatus status) => operation switch
    {
        "add" => Float32.Add(a, b, ref status),
        "subtract" => Float32.Subtract(a, b, ref status),
        "multiply" => Float32.Multiply(a, b, ref status),
        "divide" => Float32.Divide(a, b, ref status),
        _ => Float32.SquareRoot(a, ref status),
    };
}
