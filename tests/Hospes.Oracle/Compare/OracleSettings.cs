using System.Globalization;

namespace Hospes.Oracle.Compare;

/// <summary>What the environment asks for: a longer run, other cases, or one case again.</summary>
internal sealed record OracleSettings(ulong Seed, long Cases, long? OnlyCase)
{
    /// <summary>Cases of an ordinary run, all families together.</summary>
    public const long DefaultCases = 1_100_000;

    private const ulong DefaultSeed = 20_260_718;

    /// <summary>
    /// HOSPES_ORACLE_SEED: a number, or "random". HOSPES_ORACLE_CASES: how many cases in all. HOSPES_ORACLE_CASE: the
    /// number of the one case to run.
    /// </summary>
    public static OracleSettings FromEnvironment()
    {
        var seed = Environment.GetEnvironmentVariable("HOSPES_ORACLE_SEED");
        var cases = Environment.GetEnvironmentVariable("HOSPES_ORACLE_CASES");
        var only = Environment.GetEnvironmentVariable("HOSPES_ORACLE_CASE");
        return new OracleSettings(
            string.IsNullOrEmpty(seed) ? DefaultSeed : seed == "random" ? (ulong)Random.Shared.NextInt64() : ulong.Parse(seed, CultureInfo.InvariantCulture),
            string.IsNullOrEmpty(cases) ? DefaultCases : long.Parse(cases, CultureInfo.InvariantCulture),
            string.IsNullOrEmpty(only) ? null : long.Parse(only, CultureInfo.InvariantCulture));
    }
}
