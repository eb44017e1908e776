using System.Numerics;
using Hospes.Hypervisor.Soft.Floating;

namespace Hospes.Hypervisor.Soft.Tests.Floating;

public class Float64Tests
{
    private const int Cases = 20_000;
    private const int Seed = 641;
    private const uint AllSticky = FloatStatus.DefaultMxcsr | FloatFlags.All;
    private const ulong Negative = 1UL << 63;
    private const ulong Infinity = 0x7ff0000000000000;
    private const ulong DefaultNaN = 0xfff8000000000000;
    private const ulong SignalingNaN = 0x7ff0000000000001;
    private const ulong QuietNaN = 0x7ff8000000000055;
    private const ulong LeastNormal = 0x0010000000000000;
    private const ulong Greatest = 0x7fefffffffffffff;
    private const ulong One = 0x3ff0000000000000;

    public static TheoryData<string, ulong, ulong, ulong, uint> SpecialCases => new()
    {
        { "add", Infinity, Infinity | Negative, DefaultNaN, FloatFlags.Invalid },
        { "add", SignalingNaN, One, SignalingNaN | (1UL << 51), FloatFlags.Invalid },
        { "add", One, QuietNaN, QuietNaN, 0 },
        { "add", QuietNaN, SignalingNaN, QuietNaN, FloatFlags.Invalid },
        { "add", 1, 1, 2, FloatFlags.Denormal },
        { "add", One, One | Negative, 0, 0 },
        { "add", Greatest, Greatest, Infinity, FloatFlags.Overflow | FloatFlags.Inexact },
        { "subtract", One, QuietNaN, QuietNaN, 0 },
        { "subtract", Infinity, Infinity, DefaultNaN, FloatFlags.Invalid },
        { "multiply", Infinity, 0, DefaultNaN, FloatFlags.Invalid },
        { "multiply", LeastNormal, LeastNormal, 0, FloatFlags.Underflow | FloatFlags.Inexact },
        { "multiply", One | Negative, 0, Negative, 0 },
        { "divide", One, 0, Infinity, FloatFlags.DivideByZero },
        { "divide", 1, 0, Infinity, FloatFlags.DivideByZero },
        { "divide", 0, 0, DefaultNaN, FloatFlags.Invalid },
        { "divide", Infinity, Infinity, DefaultNaN, FloatFlags.Invalid },
        { "divide", One, 0x4008000000000000, 0x3fd5555555555555, FloatFlags.Inexact },
        { "sqrt", One | Negative, 0, DefaultNaN, FloatFlags.Invalid },
        { "sqrt", Negative, 0, Negative, 0 },
        { "sqrt", 0x4000000000000000, 0, 0x3ff6a09e667f3bcd, FloatFlags.Inexact },
        { "min", 0, Negative, Negative, 0 },
        { "min", Negative, 0, 0, 0 },
        { "min", QuietNaN, One, One, FloatFlags.Invalid },
        { "max", One, QuietNaN, QuietNaN, FloatFlags.Invalid },
        { "max", Negative, 0, 0, 0 },
        { "max", One, 1, One, FloatFlags.Denormal },
    };

    [Theory]
    [MemberData(nameof(SpecialCases))]
    public void Special_operands_follow_the_manual(string operation, ulong a, ulong b, ulong expected, uint flags)
    {
        FloatStatus status = new(FloatStatus.DefaultMxcsr);
        Apply(operation, a, b, ref status).ShouldBe(expected);
        status.Flags.ShouldBe(flags);
    }

    [Theory]
    [InlineData("add")]
    [InlineData("subtract")]
    [InlineData("multiply")]
    [InlineData("divide")]
    [InlineData("sqrt")]
    public void Nearest_results_are_those_of_the_host(string operation)
    {
        Random random = new(Seed);
        for (int i = 0; i < Cases; i++)
        {
            ulong a = Operands.Bits64(random);
            ulong b = Operands.Bits64(random);
            double x = BitConverter.UInt64BitsToDouble(a);
            double y = BitConverter.UInt64BitsToDouble(b);
            if (double.IsNaN(x) || double.IsNaN(y))
                continue;
            ulong expected = BitConverter.DoubleToUInt64Bits(operation switch
            {
                "add" => x + y,
                "subtract" => x - y,
                "multiply" => x * y,
                "divide" => x / y,
                _ => Math.Sqrt(x),
            });
            if (Interchange<Binary64>.IsNaN(expected))
                expected = DefaultNaN;
            foreach (uint mxcsr in new[] { FloatStatus.DefaultMxcsr, AllSticky })
            {
                FloatStatus status = new(mxcsr);
                Apply(operation, a, b, ref status).ShouldBe(expected, $"seed {Seed}, case {i}: {operation} {a:x16} {b:x16}");
            }
        }
    }

    [Fact]
    public void Fused_multiply_add_rounds_once()
    {
        Random random = new(Seed);
        for (int i = 0; i < Cases; i++)
        {
            ulong a = Operands.Bits64(random);
            ulong b = Operands.Bits64(random);
            ulong c = Operands.Bits64(random);
            double expected = Math.FusedMultiplyAdd(
                BitConverter.UInt64BitsToDouble(a), BitConverter.UInt64BitsToDouble(b), BitConverter.UInt64BitsToDouble(c));
            if (double.IsNaN(expected))
                continue;
            FloatStatus status = new(FloatStatus.DefaultMxcsr);
            Float64.MultiplyAdd(a, b, c, ref status)
                .ShouldBe(BitConverter.DoubleToUInt64Bits(expected), $"seed {Seed}, case {i}: {a:x16} {b:x16} {c:x16}");
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Products_and_quotients_agree_with_whole_number_arithmetic(int roundingMode)
    {
        RoundingMode mode = (RoundingMode)roundingMode;
        Random random = new(Seed);
        for (int i = 0; i < Cases; i++)
        {
            double x = Operands.Moderate64(random);
            double y = Operands.Moderate64(random);
            var (m, e) = ReferenceRounding.Split(x);
            var (n, f) = ReferenceRounding.Split(y);
            bool negative = (x < 0) != (y < 0);
            Check(negative, m * n, BigInteger.One, e + f, mode, Float64.Multiply, x, y);
            Check(negative, m, n, e - f, mode, Float64.Divide, x, y);
        }
    }

    [Fact]
    public void Flushing_and_zeroing_replace_subnormals()
    {
        FloatStatus flush = new(FloatStatus.DefaultMxcsr | FloatStatus.FlushToZero);
        Float64.Multiply(LeastNormal | Negative, 0x3fe0000000000000, ref flush).ShouldBe(Negative);
        flush.Flags.ShouldBe(FloatFlags.Underflow | FloatFlags.Inexact);

        FloatStatus zero = new(FloatStatus.DefaultMxcsr | FloatStatus.DenormalsAreZero);
        Float64.Add(1, Negative | 1, ref zero).ShouldBe(0UL);
        Float64.Divide(One, 1, ref zero).ShouldBe(Infinity);
        zero.Flags.ShouldBe(FloatFlags.DivideByZero);
    }

    [Fact]
    public void Unmasked_underflow_is_raised_by_an_exact_tiny_result()
    {
        FloatStatus masked = new(FloatStatus.DefaultMxcsr);
        Float64.Multiply(LeastNormal, 0x3fe0000000000000, ref masked);
        masked.Flags.ShouldBe(0u);

        FloatStatus unmasked = new(FloatStatus.DefaultMxcsr & ~(FloatFlags.Underflow << 7));
        Float64.Multiply(LeastNormal, 0x3fe0000000000000, ref unmasked);
        unmasked.Unmasked.ShouldBe(FloatFlags.Underflow);
    }

    [Fact]
    public void An_unmasked_early_exception_hides_the_late_ones()
    {
        FloatStatus status = new(FloatStatus.DefaultMxcsr & ~(FloatFlags.Denormal << 7));
        Float64.Add(1, One, ref status);
        status.Reported.ShouldBe(FloatFlags.Denormal);
    }

    [Theory]
    [InlineData(0x4004000000000000UL, 2, 2, 3, 2)] // 2.5
    [InlineData(0xc004000000000000UL, -2, -3, -2, -2)]
    [InlineData(0x4008000000000000UL, 3, 3, 3, 3)]
    [InlineData(0x41e0000000000000UL, int.MinValue, int.MinValue, int.MinValue, int.MinValue)] // 2^31
    [InlineData(0x41dfffffffe00000UL, int.MinValue, int.MaxValue, int.MinValue, int.MaxValue)] // 2^31 - 1/2
    [InlineData(DefaultNaN, int.MinValue, int.MinValue, int.MinValue, int.MinValue)]
    public void Conversion_to_integers_rounds_then_bounds(ulong a, int nearest, int down, int up, int zero)
    {
        int[] expected = [nearest, down, up, zero];
        for (int mode = 0; mode < 4; mode++)
        {
            FloatStatus status = new FloatStatus(FloatStatus.DefaultMxcsr).WithRounding((RoundingMode)mode);
            int result = Float64.ToInt32(a, ref status);
            result.ShouldBe(expected[mode]);
            if (result == int.MinValue)
                status.Flags.ShouldBe(FloatFlags.Invalid);
            else
                status.Flags.ShouldBe(BitConverter.UInt64BitsToDouble(a) == result ? 0 : FloatFlags.Inexact);
        }

        FloatStatus truncating = new FloatStatus(FloatStatus.DefaultMxcsr).WithRounding(RoundingMode.Up);
        Float64.TruncateToInt32(a, ref truncating).ShouldBe(zero);
    }

    [Fact]
    public void Integers_convert_with_rounding()
    {
        FloatStatus status = new(FloatStatus.DefaultMxcsr);
        Float64.FromInt64(long.MaxValue, ref status).ShouldBe(0x43e0000000000000UL);
        status.Flags.ShouldBe(FloatFlags.Inexact);
        FloatStatus down = new FloatStatus(FloatStatus.DefaultMxcsr).WithRounding(RoundingMode.TowardZero);
        Float64.FromInt64(long.MinValue + 1, ref down).ShouldBe(0xc3dfffffffffffffUL);
        Float64.FromInt32(-1).ShouldBe(One | Negative);
    }

    [Theory]
    [InlineData(0x3fe0000000000000UL, 0UL, 0UL, One, 0UL)]
    [InlineData(0xbfe0000000000000UL, Negative, One | Negative, Negative, Negative)]
    [InlineData(0x3ff8000000000000UL, 0x4000000000000000UL, One, 0x4000000000000000UL, One)]
    public void Round_to_integral_knows_every_mode(ulong a, ulong nearest, ulong down, ulong up, ulong zero)
    {
        ulong[] expected = [nearest, down, up, zero];
        for (int mode = 0; mode < 4; mode++)
        {
            FloatStatus status = new FloatStatus(FloatStatus.DefaultMxcsr).WithRounding((RoundingMode)mode);
            Float64.RoundToIntegral(a, suppressInexact: false, ref status).ShouldBe(expected[mode]);
            status.Flags.ShouldBe(FloatFlags.Inexact);
            FloatStatus quiet = new FloatStatus(FloatStatus.DefaultMxcsr).WithRounding((RoundingMode)mode);
            SseArithmetic<Binary64>.RoundToIntegral(a, suppressInexact: true, ref quiet).ShouldBe(expected[mode]);
            quiet.Flags.ShouldBe(0u);
        }
    }

    [Fact]
    public void Comparison_tells_quiet_from_signaling()
    {
        FloatStatus status = new(FloatStatus.DefaultMxcsr);
        Float64.Compare(QuietNaN, One, signalQuiet: false, ref status).ShouldBe(FloatRelation.Unordered);
        status.Flags.ShouldBe(0u);
        Float64.Compare(QuietNaN, One, signalQuiet: true, ref status).ShouldBe(FloatRelation.Unordered);
        status.Flags.ShouldBe(FloatFlags.Invalid);
        Float64.Compare(Negative, 0, signalQuiet: true, ref status).ShouldBe(FloatRelation.Equal);
        Float64.Compare(Infinity | Negative, 1, signalQuiet: true, ref status).ShouldBe(FloatRelation.Less);
        Float64.Compare(One, Negative | 1, signalQuiet: true, ref status).ShouldBe(FloatRelation.Greater);
    }

    private delegate ulong Operation(ulong a, ulong b, ref FloatStatus status);

    private static void Check(
        bool negative, BigInteger numerator, BigInteger denominator, int scale, RoundingMode mode, Operation operation, double x, double y)
    {
        var (multiple, unit, inexact) = ReferenceRounding.Round(numerator, denominator, scale, negative, 53, -1022, mode);
        FloatStatus status = new FloatStatus(FloatStatus.DefaultMxcsr).WithRounding(mode);
        ulong result = operation(BitConverter.DoubleToUInt64Bits(x), BitConverter.DoubleToUInt64Bits(y), ref status);
        string where = $"seed {Seed}: {x:r} {y:r} {mode}";
        result.ShouldBe(BitConverter.DoubleToUInt64Bits(ReferenceRounding.Join(multiple, unit, negative)), where);
        ((status.Flags & FloatFlags.Inexact) != 0).ShouldBe(inexact, where);
    }

    private static ulong Apply(string operation, ulong a, ulong b, ref FloatStatus status) => operation switch
    {
        "add" => Float64.Add(a, b, ref status),
        "subtract" => Float64.Subtract(a, b, ref status),
        "multiply" => Float64.Multiply(a, b, ref status),
        "divide" => Float64.Divide(a, b, ref status),
        "min" => Float64.Min(a, b, ref status),
        "max" => Float64.Max(a, b, ref status),
        _ => Float64.SquareRoot(a, ref status),
    };
}
