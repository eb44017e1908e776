using Hospes.Cli.Images.Packages;

namespace Hospes.Cli.Images.Sources;

/// <summary>Reads the deb822 format of sources.list(5): stanzas with <c>Types</c>, <c>URIs</c>, <c>Suites</c> and so on.</summary>
internal static class Deb822Sources
{
    /// <summary>Reads every enabled stanza that describes binary packages. Reading ends at the first line that is no deb822.</summary>
    public static IEnumerable<RawSource> Parse(TextReader reader)
    {
        var control = new ControlReader(reader);
        while (control.Read() is { } stanza)
        {
            if (stanza.TryGetValue("Enabled", out string? enabled) && IsNo(enabled)) continue;
            if (!stanza.Words("Types").Contains("deb")) continue;
            yield return new RawSource(
                stanza.Words("URIs"),
                stanza.Words("Suites"),
                stanza.Words("Components"),
                stanza.Words("Architectures"),
                stanza.TryGetValue("Signed-By", out string? key) && key.StartsWith('/') ? key : null);
        }
    }

    /// <summary>The words that apt's configuration takes for "no" (apt.conf(5)).</summary>
    private static bool IsNo(string value) => value.Trim().ToLowerInvariant() is "no" or "false" or "without" or "off" or "disable" or "0";
}
