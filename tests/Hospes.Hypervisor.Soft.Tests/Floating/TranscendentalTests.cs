using Hospes.Hypervisor.Soft.Floating;

namespace Hospes.Hypervisor.Soft.Tests.Floating;

/// <summary>
/// The transcendental functions against values that a real processor gave, and against identities that hold to the
/// last bits of 64.
/// </summary>
public class TranscendentalTests
{
    private const int Cases = 2_000;
    private const int Seed = 1787;
    private const ushort AllMasked = 0x37f;

    [Fact]
    public void The_sine_of_pi_shows_the_66_bits_of_the_reduction()
    {
        // The nearest 80-bit number to π exceeds π cut to 66 bits by 2^-64 exactly.
        FloatStatus status = FloatStatus.FromControlWord(AllMasked);
        Float80 pi = new(0x4000, 0xc90fdaa22168c235);
        Trigonometry.Sine(pi.Unpack(), ref status).ShouldBe(new Float80(0xbfbf, 0x8000000000000000));
        Trigonometry.Cosine(pi.Unpack(), ref status).ShouldBe(Float80.One.Negated);
        status.Flags.ShouldBe(FloatFlags.Inexact);
    }

    [Fact]
    public void Sine_and_cosine_lie_on_the_unit_circle()
    {
        Random random = new(Seed);
        for (int i = 0; i < Cases; i++)
        {
            Operand angle = Number(random, -4, 40).Unpack();
            FloatStatus status = FloatStatus.FromControlWord(AllMasked);
            Operand sine = Trigonometry.Sine(angle, ref status).Unpack();
            Operand cosine = Trigonometry.Cosine(angle, ref status).Unpack();
            Float80 sum = ExtendedArithmetic.Add(Square(sine), Square(cosine), ref status);
            IsWithin(sum, Float80.One, units: 3).ShouldBeTrue($"seed {Seed}, case {i}: {sum}");
        }
    }

    [Fact]
    public void The_tangent_is_undone_by_the_arc_tangent()
    {
        Random random = new(Seed);
        for (int i = 0; i < Cases; i++)
        {
            Float80 angle = Number(random, -40, -1).Magnitude;
            FloatStatus status = FloatStatus.FromControlWord(AllMasked);
            Float80 tangent = Trigonometry.Tangent(angle.Unpack(), ref status);
            Float80 back = Trigonometry.ArcTangent(tangent.Unpack(), Float80.One.Unpack(), ref status);
            IsWithin(back, angle, units: 2).ShouldBeTrue($"seed {Seed}, case {i}: {angle} {back}");
        }
    }

    [Fact]
    public void Powers_of_two_are_undone_by_the_logarithm()
    {
        Random random = new(Seed);
        for (int i = 0; i < Cases; i++)
        {
            // log2(1 + (2^x - 1)) = x, where FYL2XP1 keeps the precision of small x.
            Float80 exponent = Number(random, -40, -3);
            FloatStatus status = FloatStatus.FromControlWord(AllMasked);
            Float80 power = Exponentials.Exp2Minus1(exponent.Unpack(), ref status);
            Float80 back = Exponentials.MultiplyLog2Of1Plus(Float80.One.Unpack(), power.Unpack(), ref status);
            IsWithin(back, exponent, units: 2).ShouldBeTrue($"seed {Seed}, case {i}: {exponent} {back}");
        }
    }

    [Theory]
    [InlineData(0x4002, 0x8000000000000000UL, 0x4000, 0xc000000000000000UL)] // 8 -> 3
    [InlineData(0x3ffe, 0x8000000000000000UL, 0xbfff, 0x8000000000000000UL)] // 1/2 -> -1
    [InlineData(0x4000, 0xc000000000000000UL, 0x3fff, 0xcae00d1cfdeb43d0UL)] // 3 -> log2(3)
    public void Logarithms_of_known_value(int field, ulong significand, int expectedField, ulong expected)
    {
        FloatStatus status = FloatStatus.FromControlWord(AllMasked);
        Float80 x = new((ushort)field, significand);
        Exponentials.MultiplyLog2(Float80.One.Unpack(), x.Unpack(), ref status).ShouldBe(new Float80((ushort)expectedField, expected));
        status.Flags.ShouldBe(FloatFlags.Inexact);
    }

    [Fact]
    public void Logarithms_at_the_ends_of_their_range()
    {
        FloatStatus status = FloatStatus.FromControlWord(AllMasked);
        Operand one = Float80.One.Unpack();
        Exponentials.MultiplyLog2(one, Float80.PositiveZero.Unpack(), ref status).ShouldBe(Float80.Infinity(true));
        status.Flags.ShouldBe(FloatFlags.DivideByZero);
        status = FloatStatus.FromControlWord(AllMasked);
        Exponentials.MultiplyLog2(one, Float80.One.Negated.Unpack(), ref status).ShouldBe(Float80.Indefinite);
        Exponentials.MultiplyLog2(Float80.Infinity(false).Unpack(), one, ref status).ShouldBe(Float80.Indefinite);
        status.Flags.ShouldBe(FloatFlags.Invalid);
        Exponentials.MultiplyLog2(one, Float80.Infinity(false).Unpack(), ref status).ShouldBe(Float80.Infinity(false));
        Exponentials.MultiplyLog2Of1Plus(one, Float80.Zero(true).Unpack(), ref status).ShouldBe(Float80.Zero(true));
        Exponentials.Exp2Minus1(Float80.Infinity(true).Unpack(), ref status).ShouldBe(Float80.One.Negated);
    }

    [Fact]
    public void Arc_tangents_of_points_on_the_axes()
    {
        FloatStatus status = FloatStatus.FromControlWord(AllMasked);
        Operand zero = Float80.PositiveZero.Unpack();
        Operand infinity = Float80.Infinity(false).Unpack();
        Operand minusInfinity = Float80.Infinity(true).Unpack();
        Float80 pi = new(0x4000, 0xc90fdaa22168c235);
        Trigonometry.ArcTangent(zero, zero, ref status).ShouldBe(Float80.PositiveZero);
        Trigonometry.ArcTangent(zero, infinity, ref status).ShouldBe(Float80.PositiveZero);
        status.Flags.ShouldBe(0u);
        Trigonometry.ArcTangent(Float80.Zero(true).Unpack(), minusInfinity, ref status).ShouldBe(pi.Negated);
        Trigonometry.ArcTangent(infinity, zero, ref status).ShouldBe(new Float80(0x3fff, pi.Significand));
        Trigonometry.ArcTangent(infinity, infinity, ref status).ShouldBe(new Float80(0x3ffe, pi.Significand));
        status.Flags.ShouldBe(FloatFlags.Inexact);
    }

    [Fact]
    public void Infinite_angles_are_invalid()
    {
        FloatStatus status = FloatStatus.FromControlWord(AllMasked);
        Trigonometry.Sine(Float80.Infinity(false).Unpack(), ref status).ShouldBe(Float80.Indefinite);
        status.Flags.ShouldBe(FloatFlags.Invalid);
        Trigonometry.IsOutOfRange(new Float80(Float80.Bias + 63, Float80.IntegerBit).Unpack()).ShouldBeTrue();
        Trigonometry.IsOutOfRange(new Float80(Float80.Bias + 62, ulong.MaxValue).Unpack()).ShouldBeFalse();
    }

    private static Operand Square(in Operand value)
    {
        FloatStatus status = FloatStatus.FromControlWord(AllMasked);
        return ExtendedArithmetic.Multiply(value, value, ref status).Unpack();
    }

    private static Float80 Number(Random random, int low, int high) =>
        new((ushort)(Float80.Bias + random.Next(low, high) + (random.Next(2) << 15)), (ulong)random.NextInt64() | Float80.IntegerBit);

    /// <summary>Whether two numbers differ by at most some units of the last place, also across a power of two.</summary>
    private static bool IsWithin(Float80 a, Float80 b, ulong units)
    {
        if (a.Sign != b.Sign)
            return false;
        UInt128 x = ((UInt128)(uint)a.Field << 63) + (a.Significand & ~Float80.IntegerBit);
        UInt128 y = ((UInt128)(uint)b.Field << 63) + (b.Significand & ~Float80.IntegerBit);
        return (x > y ? x - y : y - x) <= units;
    }
}
