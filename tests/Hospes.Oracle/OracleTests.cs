using System.Collections.Frozen;
using System.Text;
using Hospes.Oracle.Compare;
using Hospes.Oracle.Generate;
using Iced.Intel;
using Xunit.Abstractions;

namespace Hospes.Oracle;

/// <summary>The comparison of the software processor with the real one, a family at a time.</summary>
public abstract class OracleTests(ITestOutputHelper output)
{
    /// <summary>Thousandths of all cases that each family gets.</summary>
    private static readonly FrozenDictionary<string, int> Shares = new Dictionary<string, int>
    {
        ["Integer"] = 150, ["Bits"] = 55, ["Control"] = 55, ["Strings"] = 40, ["Privileged"] = 15,
        ["X87"] = 95, ["Mmx"] = 40, ["State"] = 15,
        ["Sse"] = 95, ["Sse4"] = 45, ["Crypto"] = 20, ["Avx"] = 110, ["Avx2"] = 55, ["Fma"] = 55,
        ["Soup"] = 65,
        ["IntegerSequences"] = 35, ["SimdSequences"] = 25, ["X87Sequences"] = 15, ["MixedSequences"] = 15,
    }.ToFrozenDictionary();

    /// <summary>Runs the family's share of cases and fails on any difference.</summary>
    protected void Compare(string name)
    {
        var settings = OracleSettings.FromEnvironment();
        var count = settings.OnlyCase is null ? Math.Max(1, settings.Cases * Shares[name] / Shares.Values.Sum()) : 1;
        using var run = new OracleRun();
        run.Run(settings.Seed, name, settings.OnlyCase ?? 0, count, Maker(name));

        var summary = new StringBuilder();
        var codes = Enum.TryParse<Family>(name, out var family) ? run.Catalog.Codes(family) : [.. run.Catalog.Comparable];
        var exercised = codes.Count(run.Exercised.Contains);
        summary.Append($"{name}: seed {settings.Seed}, {count} cases, {run.Instructions} instructions, {run.Mismatched.Values.Sum()} mismatches, ");
        summary.Append($"{exercised} of {codes.Count} encodings run to their end, native {run.NativeTime.TotalSeconds:f1} s, soft {run.SoftTime.TotalSeconds:f1} s, ");
        summary.Append($"{run.ChildrenStarted} children");
        if (run.Catalog.Missing.Count > 0)
        {
            summary.Append($"; this host lacks {string.Join(' ', run.Catalog.Missing)}");
        }

        if (run.Catalog.Unimplemented.Count > 0)
        {
            summary.Append($"; not implemented: {string.Join(' ', run.Catalog.Unimplemented)}");
        }

        output.WriteLine(summary.ToString());
        if (run.Mismatched.Count > 0)
        {
            Assert.Fail($"{summary}\n{string.Join(' ', run.Mismatched.OrderByDescending(m => m.Value).Select(m => $"{m.Key}:{m.Value}"))}\n\n{string.Join("\n", run.Reports)}");
        }

        if (Enum.IsDefined(family) && family != Family.Privileged && codes.Count == run.Catalog.Codes(family).Count && count >= 100 * codes.Count)
        {
            codes.Where(code => !run.Exercised.Contains(code) && !AlwaysFaults(code)).ShouldBeEmpty($"{name}: encodings that no case ran to its end");
        }
    }

    private static bool AlwaysFaults(Code code) => code.Mnemonic() is Mnemonic.Ud0 or Mnemonic.Ud1 or Mnemonic.Ud2 or Mnemonic.Int1 or Mnemonic.Int3 or Mnemonic.Hlt;

    private static MakeCase Maker(string name) => name switch
    {
        "Soup" => static (CaseGenerator generator, Catalog _, ref Randomness random, ref Native.CaseSlot slot, OracleCase description)
            => generator.Soup(ref random, ref slot, description),
        "IntegerSequences" => Sequences(Family.Integer, Family.Integer, Family.Bits, Family.Strings),
        "SimdSequences" => Sequences(Family.Sse, Family.Sse4, Family.Crypto, Family.Avx, Family.Avx2, Family.Fma),
        "X87Sequences" => Sequences(Family.X87, Family.X87, Family.Mmx),
        "MixedSequences" => Sequences(Family.Integer, Family.Bits, Family.X87, Family.Mmx, Family.Sse, Family.Sse4, Family.Avx, Family.Avx2),
        _ => Singles(Enum.Parse<Family>(name)),
    };

    private static MakeCase Singles(Family family) =>
        (CaseGenerator generator, Catalog catalog, ref Randomness random, ref Native.CaseSlot slot, OracleCase description)
            => generator.Single(ref random, catalog.Codes(family), ref slot, description);

    private static MakeCase Sequences(params Family[] families)
    {
        List<Code>? codes = null;
        return (CaseGenerator generator, Catalog catalog, ref Randomness random, ref Native.CaseSlot slot, OracleCase description) =>
        {
            codes ??= [.. families.SelectMany(catalog.Codes)];
            generator.Sequence(ref random, codes, ref slot, description);
        };
    }
}

/// <summary>General-purpose instructions.</summary>
public sealed class GeneralOracleTests(ITestOutputHelper output) : OracleTests(output)
{
    [Theory]
    [InlineData("Integer")]
    [InlineData("Bits")]
    [InlineData("Control")]
    [InlineData("Strings")]
    [InlineData("Privileged")]
    [InlineData("IntegerSequences")]
    [InlineData("Soup")]
    [InlineData("State")]
    [InlineData("Mmx")]
    public void General_instructions_agree_with_the_real_processor(string family) => Compare(family);
}

/// <summary>Floating-point and vector instructions.</summary>
public sealed class VectorOracleTests(ITestOutputHelper output) : OracleTests(output)
{
    [Theory]
    [InlineData("X87")]
    [InlineData("Sse")]
    [InlineData("Sse4")]
    [InlineData("Crypto")]
    [InlineData("Avx")]
    [InlineData("Avx2")]
    [InlineData("Fma")]
    [InlineData("X87Sequences")]
    [InlineData("SimdSequences")]
    [InlineData("MixedSequences")]
    public void Vector_instructions_agree_with_the_real_processor(string family) => Compare(family);
}
