namespace Hospes.Cli.Images.Sources;

/// <summary>One archive that the host's apt reads binary packages from (sources.list(5)).</summary>
/// <param name="Uri">The base address, without a slash at its end.</param>
/// <param name="Suites">The suites read from it, such as <c>bookworm</c>.</param>
/// <param name="SignedBy">The keyring file that <c>Signed-By</c> names; null when none or when the key is written in place.</param>
internal sealed record AptSource(Uri Uri, IReadOnlyList<string> Suites, string? SignedBy);
