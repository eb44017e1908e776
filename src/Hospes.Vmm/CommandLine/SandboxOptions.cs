namespace Hospes.Vmm.CommandLine;

/// <summary>How the process of a domain is confined (<c>-sandbox</c>).</summary>
/// <param name="Rules">The file with <see cref="ConfinementRules"/>; null when files and ports are not restricted.</param>
public sealed record SandboxOptions(string? Rules);
