using System.Numerics;
using Hospes.Hypervisor.Soft.Floating;

namespace Hospes.Hypervisor.Soft.Tests.Floating;

public class Float80Tests
{
    private const int Cases = 10_000;
    private const int Seed = 807;
    private const ushort AllMasked = 0x37f;
    private const ulong Leading = Float80.IntegerBit;

    private static readonly Float80 QuietNaN = new(0x7fff, 0xc000000000000123);
    private static readonly Float80 SignalingNaN = new(0x7fff, 0xa000000000000000);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Products_and_quotients_agree_with_whole_number_arithmetic(int roundingControl)
    {
        RoundingMode mode = (RoundingMode)roundingControl;
        (int Control, int Bits)[] precisions = [(0, 24), (2, 53), (3, 64)];
        Random random = new(Seed);
        for (int i = 0; i < Cases; i++)
        {
            Float80 a = Moderate(random);
            Float80 b = Moderate(random);
            bool negative = a.Sign != b.Sign;
            var (control, bits) = precisions[i % precisions.Length];
            ushort controlWord = (ushort)(0x7f | (roundingControl << 10) | (control << 8));
            string where = $"seed {Seed}, case {i}: {a} {b} {mode} {bits}";

            FloatStatus product = FloatStatus.FromControlWord(controlWord);
            Float80 result = ExtendedArithmetic.Multiply(a.Unpack(), b.Unpack(), ref product);
            Check(result, (BigInteger)a.Significand * b.Significand, BigInteger.One, a.Field + b.Field - 2 * (Float80.Bias + 63), negative, bits, mode, product, where);

            FloatStatus quotient = FloatStatus.FromControlWord(controlWord);
            result = ExtendedArithmetic.Divide(a.Unpack(), b.Unpack(), ref quotient);
            Check(result, a.Significand, b.Significand, a.Field - b.Field, negative, bits, mode, quotient, where);
        }
    }

    [Fact]
    public void Square_roots_square_back()
    {
        Random random = new(Seed);
        for (int i = 0; i < Cases; i++)
        {
            Float80 root = new((ushort)random.Next(0x2000, 0x5000), (ulong)random.NextInt64() << 32 | Leading);
            FloatStatus status = FloatStatus.FromControlWord(AllMasked);
            Float80 square = ExtendedArithmetic.Multiply(root.Unpack(), root.Unpack(), ref status);
            status.Flags.ShouldBe(0u);
            ExtendedArithmetic.SquareRoot(square.Unpack(), ref status).ShouldBe(root);
            status.Flags.ShouldBe(0u);
        }
    }

    [Fact]
    public void The_larger_significand_wins_among_NaNs()
    {
        FloatStatus status = FloatStatus.FromControlWord(AllMasked);
        Float80 larger = new(0xffff, 0xc000000000000124);
        ExtendedArithmetic.Add(QuietNaN.Unpack(), larger.Unpack(), ref status).ShouldBe(larger);
        ExtendedArithmetic.Add(larger.Unpack(), QuietNaN.Unpack(), ref status).ShouldBe(larger);
        ExtendedArithmetic.Add(QuietNaN.Unpack(), QuietNaN.Negated.Unpack(), ref status).ShouldBe(QuietNaN);
        status.Flags.ShouldBe(0u);
        ExtendedArithmetic.Multiply(SignalingNaN.Unpack(), QuietNaN.Unpack(), ref status).ShouldBe(QuietNaN);
        status.Flags.ShouldBe(FloatFlags.Invalid);
        ExtendedArithmetic.Subtract(Float80.One.Unpack(), SignalingNaN.Unpack(), ref status)
            .ShouldBe(new Float80(0x7fff, SignalingNaN.Significand | Float80.QuietBit));
    }

    [Theory]
    [InlineData(0x3fff, 0x4000000000000000UL)] // unnormal
    [InlineData(0x7fff, 0x0000000000000000UL)] // pseudo-infinity
    [InlineData(0x7fff, 0x4000000000000001UL)] // pseudo-NaN
    public void Unsupported_encodings_are_invalid(int signExponent, ulong significand)
    {
        Operand operand = new Float80((ushort)signExponent, significand).Unpack();
        FloatStatus status = FloatStatus.FromControlWord(AllMasked);
        ExtendedArithmetic.Add(operand, QuietNaN.Unpack(), ref status).ShouldBe(Float80.Indefinite);
        status.Flags.ShouldBe(FloatFlags.Invalid);
        ExtendedArithmetic.Compare(operand, operand, signalQuiet: false, ref status).ShouldBe(FloatRelation.Unordered);
    }

    [Fact]
    public void A_pseudo_denormal_has_the_least_normal_exponent()
    {
        FloatStatus status = FloatStatus.FromControlWord(AllMasked);
        Float80 pseudo = new(0, Leading);
        ExtendedArithmetic.Add(pseudo.Unpack(), Float80.PositiveZero.Unpack(), ref status).ShouldBe(new Float80(1, Leading));
        status.Flags.ShouldBe(FloatFlags.Denormal);
    }

    [Fact]
    public void Unmasked_overflow_and_underflow_wrap_the_exponent()
    {
        const ushort unmasked = AllMasked & ~(ushort)(FloatFlags.Overflow | FloatFlags.Underflow);
        Float80 huge = new(0x7ffe, Leading);
        FloatStatus status = FloatStatus.FromControlWord(unmasked);
        ExtendedArithmetic.Multiply(huge.Unpack(), huge.Unpack(), ref status)
            .ShouldBe(new Float80((ushort)(2 * 0x7ffe - Float80.Bias - 24576), Leading));
        status.Unmasked.ShouldBe(FloatFlags.Overflow);

        Float80 tiny = new(1, Leading);
        status = FloatStatus.FromControlWord(unmasked);
        ExtendedArithmetic.Multiply(tiny.Unpack(), tiny.Unpack(), ref status)
            .ShouldBe(new Float80((ushort)(2 - Float80.Bias + 24576), Leading));
        status.Unmasked.ShouldBe(FloatFlags.Underflow);
    }

    [Fact]
    public void Remainders_come_with_their_quotients()
    {
        FloatStatus status = FloatStatus.FromControlWord(AllMasked);
        Operand seventeen = ExtendedArithmetic.Integer(17);
        Operand five = ExtendedArithmetic.Integer(5);
        ExtendedRemainder.Remainder(seventeen, five, nearest: false, ref status, out ulong quotient, out bool partial)
            .ShouldBe(ExtendedArithmetic.FromInteger(2));
        quotient.ShouldBe(3UL);
        partial.ShouldBeFalse();
        Operand eighteen = ExtendedArithmetic.Integer(18);
        ExtendedRemainder.Remainder(eighteen, five, nearest: true, ref status, out quotient, out partial)
            .ShouldBe(ExtendedArithmetic.FromInteger(-2));
        quotient.ShouldBe(4UL);
        Operand far = new Float80(Float80.Bias + 100, Leading).Unpack();
        ExtendedRemainder.Remainder(far, five, nearest: false, ref status, out _, out partial);
        partial.ShouldBeTrue();
        status.Flags.ShouldBe(0u);
        ExtendedRemainder.Remainder(five, default, nearest: false, ref status, out _, out _).ShouldBe(Float80.Indefinite);
        status.Flags.ShouldBe(FloatFlags.Invalid);
    }

    [Fact]
    public void Scaling_and_extracting_move_exponents()
    {
        FloatStatus status = FloatStatus.FromControlWord(AllMasked);
        ExtendedRemainder.Scale(ExtendedArithmetic.Integer(3), ExtendedArithmetic.Integer(-2), ref status)
            .ShouldBe(new Float80(Float80.Bias - 1, 0xc000000000000000));
        ExtendedRemainder.Extract(ExtendedArithmetic.Integer(-6), ref status, out Float80 exponent, out Float80 significand);
        exponent.ShouldBe(ExtendedArithmetic.FromInteger(2));
        significand.ShouldBe(new Float80(Float80.Bias | Float80.SignBit, 0xc000000000000000));
        status.Flags.ShouldBe(0u);
        ExtendedRemainder.Extract(default, ref status, out exponent, out significand);
        exponent.ShouldBe(Float80.Infinity(true));
        status.Flags.ShouldBe(FloatFlags.DivideByZero);
    }

    [Theory]
    [InlineData(0L)]
    [InlineData(-1L)]
    [InlineData(999_999_999_999_999_999L)]
    [InlineData(-123_456_789_012_345_678L)]
    public void Packed_decimals_survive_the_way_there_and_back(long value)
    {
        FloatStatus status = FloatStatus.FromControlWord(AllMasked);
        var (low, high) = PackedDecimal.Store(ExtendedArithmetic.Integer(value), ref status);
        PackedDecimal.Load(low, high).ShouldBe(ExtendedArithmetic.FromInteger(value));
        status.Flags.ShouldBe(0u);
    }

    [Fact]
    public void Packed_decimals_hold_eighteen_digits()
    {
        FloatStatus status = FloatStatus.FromControlWord(AllMasked);
        PackedDecimal.Store(ExtendedArithmetic.Integer(1_000_000_000_000_000_000), ref status)
            .ShouldBe((PackedDecimal.IndefiniteLow, PackedDecimal.IndefiniteHigh));
        status.Flags.ShouldBe(FloatFlags.Invalid);
        FloatStatus rounding = FloatStatus.FromControlWord(AllMasked);
        PackedDecimal.Store(new Float80(Float80.Bias + 3, 0x9c00000000000000).Unpack(), ref rounding).ShouldBe((0x10UL, (ushort)0)); // 9.75
        rounding.Flags.ShouldBe(FloatFlags.Inexact);
        rounding.RoundedUp.ShouldBeTrue();
    }

    [Fact]
    public void Stores_narrow_with_flags()
    {
        FloatStatus status = FloatStatus.FromControlWord(AllMasked);
        ExtendedArithmetic.Store<Binary64>(new Float80(Float80.Bias, Leading | 1).Unpack(), ref status).ShouldBe(0x3ff0000000000000UL);
        status.Flags.ShouldBe(FloatFlags.Inexact);
        ExtendedArithmetic.Store<Binary32>(new Float80(Float80.Bias + 128, Leading).Unpack(), ref status).ShouldBe(0x7f800000UL);
        status.Flags.ShouldBe(FloatFlags.Inexact | FloatFlags.Overflow);
        ExtendedArithmetic.ToInteger(new Float80(Float80.Bias + 15, Leading).Unpack(), 16, ref status).ShouldBe(short.MinValue);
        status.Flags.ShouldBe(FloatFlags.Inexact | FloatFlags.Overflow | FloatFlags.Invalid);
    }

    [Theory]
    [InlineData(0.3, 0.0, 0.0, 1.0, 0.0)]
    [InlineData(-2.5, -2.0, -3.0, -2.0, -2.0)]
    [InlineData(1e18, 1e18, 1e18, 1e18, 1e18)]
    public void Rounding_to_an_integer_follows_the_control_word(double value, double nearest, double down, double up, double zero)
    {
        double[] expected = [nearest, down, up, zero];
        for (int control = 0; control < 4; control++)
        {
            FloatStatus status = FloatStatus.FromControlWord((ushort)(AllMasked | control << 10));
            ExtendedArithmetic.RoundToIntegral(FromDouble(value).Unpack(), ref status).ShouldBe(FromDouble(expected[control]));
            status.Flags.ShouldBe(value == expected[control] ? 0 : FloatFlags.Inexact);
        }
    }

    private static Float80 FromDouble(double value)
    {
        FloatStatus status = FloatStatus.FromControlWord(AllMasked);
        return ExtendedArithmetic.Load(Interchange<Binary64>.Unpack(BitConverter.DoubleToUInt64Bits(value), daz: false), ref status);
    }

    private static Float80 Moderate(Random random)
    {
        ulong significand = ((ulong)random.NextInt64(long.MinValue, long.MaxValue) & (ulong.MaxValue << random.Next(64))) | Leading;
        return new Float80((ushort)(Float80.Bias + random.Next(-100, 100) + (random.Next(2) << 15)), significand);
    }

    private static void Check(
        Float80 result, BigInteger numerator, BigInteger denominator, int scale, bool negative, int bits, RoundingMode mode, FloatStatus status, string where)
    {
        var (multiple, unit, inexact) = ReferenceRounding.Round(numerator, denominator, scale, negative, bits, -16382, mode);
        result.Sign.ShouldBe(negative, where);

        // The result as a whole number of units: its significand counts in 2^(field - bias - 63).
        int shift = result.Field - Float80.Bias - 63 - unit;
        BigInteger actual = shift >= 0 ? (BigInteger)result.Significand << shift : result.Significand >> -shift;
        actual.ShouldBe(multiple, where);
        ((status.Flags & FloatFlags.Inexact) != 0).ShouldBe(inexact, where);
    }
}
