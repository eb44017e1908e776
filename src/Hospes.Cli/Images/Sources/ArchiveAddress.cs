using System.Diagnostics.CodeAnalysis;

namespace Hospes.Cli.Images.Sources;

/// <summary>Addresses of archives: absolute, http or https.</summary>
internal static class ArchiveAddress
{
    /// <summary>Reads an address and drops the slashes at its end.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out Uri? uri) =>
        Uri.TryCreate(text.TrimEnd('/'), UriKind.Absolute, out uri)
        && (uri.Scheme == Uri.UriSchemeHttp || uri.Scheme == Uri.UriSchemeHttps)
        && uri.Host.Length > 0;

    /// <summary>The address of a file below an archive.</summary>
    /// <param name="archive">The archive.</param>
    /// <param name="path">Segments joined by '/'; each is escaped.</param>
    public static Uri Below(Uri archive, string path) =>
        new(archive.GetLeftPart(UriPartial.Path).TrimEnd('/') + "/" + string.Join('/', path.Split('/').Select(Uri.EscapeDataString)));
}
