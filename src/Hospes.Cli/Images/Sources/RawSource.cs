namespace Hospes.Cli.Images.Sources;

/// <summary>One entry of a sources file as it is written, before its addresses are read.</summary>
internal sealed record RawSource(
    IReadOnlyList<string> Uris,
    IReadOnlyList<string> Suites,
    IReadOnlyList<string> Components,
    IReadOnlyList<string> Architectures,
    string? SignedBy);
