using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using Hospes.Storage.Iso;

namespace Hospes.Cli.Images.Seed;

/// <summary>What a guest is told on its first start (cloud-init's documentation, "NoCloud").</summary>
/// <param name="HostName">Its name; null to leave it.</param>
/// <param name="Keys">Public SSH keys that may log in, a line each as in <c>authorized_keys</c>.</param>
/// <param name="UserData">What cloud-init calls user-data; null for none.</param>
internal sealed record NoCloudSeed(string? HostName, IReadOnlyList<string> Keys, byte[]? UserData)
{
    /// <summary>The label by which guests find the disk.</summary>
    private const string Label = "cidata";


    /// <summary>Makes the disk: an ISO 9660 volume with the files <c>meta-data</c> and <c>user-data</c>.</summary>
    /// <param name="made">When it is made.</param>
    public byte[] ToDisk(DateTimeOffset made) =>
        IsoImage.Create(Label, [new IsoFile("meta-data", Encoding.UTF8.GetBytes(MetaData())), new IsoFile("user-data", UserData ?? "#cloud-config\n"u8.ToArray())], made);

    /// <summary>The meta-data, in YAML that needs no YAML reader: strings as JSON writes them are strings of YAML, too.</summary>
    private string MetaData()
    {
        var text = new StringBuilder();
        if (HostName is not null) text.Append("local-hostname: ").Append(Quote(HostName)).Append('\n');
        if (Keys.Count > 0) text.Append("public-keys:\n");
        foreach (string key in Keys) text.Append("  - ").Append(Quote(key)).Append('\n');
        // Guests do their first start anew when the id changes: so it changes with what they are told.
        byte[] told = [.. Encoding.UTF8.GetBytes(text.ToString()), 0, .. UserData ?? []];
        return $"instance-id: {Quote($"hospes-{Convert.ToHexStringLower(SHA256.HashData(told).AsSpan(0, 8))}")}\n{text}";
    }

    private static string Quote(string text) => $"\"{JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(text)}\"";
}
