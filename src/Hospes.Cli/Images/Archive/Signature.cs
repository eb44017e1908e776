using System.Diagnostics;
using System.Text;
using Hospes.Cli.CommandLine;

namespace Hospes.Cli.Images.Archive;

/// <summary>A Release file's text and what is known about its signature.</summary>
/// <param name="Text">The text, of which nothing is outside the signature when it was checked.</param>
/// <param name="Signer">The fingerprint of the key that signed it; null when the signature was not checked.</param>
/// <param name="NotChecked">Why the signature was not checked; null when it was.</param>
internal sealed record SignedText(string Text, string? Signer, string? NotChecked);

/// <summary>Checks the OpenPGP signature of an <c>InRelease</c> file with the host's <c>gpgv</c>.</summary>
internal static class Signature
{
    /// <summary>Debian's own keys, where the package debian-archive-keyring puts them.</summary>
    private static readonly string[] StandardKeyrings =
        ["/usr/share/keyrings/debian-archive-keyring.gpg", "/usr/share/keyrings/debian-archive-keyring.pgp"];

    private const string ClearHead = "-----BEGIN PGP SIGNED MESSAGE-----";
    private const string ClearTail = "-----BEGIN PGP SIGNATURE-----";

    /// <summary>Chooses the keyring: the one asked for, the one that the apt source names, or Debian's own.</summary>
    public static string? Keyring(string? asked, string? signedBy) =>
        // gpgv reads no armoured keys; an .asc file is passed over for Debian's own keyring.
        asked ?? (signedBy is not null && !signedBy.EndsWith(".asc", StringComparison.Ordinal) && File.Exists(signedBy) ? signedBy : null)
        ?? StandardKeyrings.FirstOrDefault(File.Exists);

    /// <summary>Checks a document, or says in its result why that cannot be done here.</summary>
    /// <param name="document">The bytes of InRelease.</param>
    /// <param name="address">Where they are from, for failures.</param>
    /// <param name="keyring">The keyring; null when there is none.</param>
    /// <param name="gpgv">The program; null when there is none.</param>
    /// <param name="scratch">An existing folder for two temporary files.</param>
    /// <param name="cancellation">Ends the check.</param>
    public static async Task<Outcome<SignedText>> CheckAsync(
        byte[] document, Uri address, string? keyring, string? gpgv, string scratch, CancellationToken cancellation)
    {
        if (gpgv is null) return Unchecked(document, address, "gpgv is not installed");
        if (keyring is null) return Unchecked(document, address, "the package debian-archive-keyring is not installed");
        if (!File.Exists(keyring))
            return new Failure(FailureKind.File, $"there is no keyring {keyring}", "name an existing one with --keyring FILE");
        string input = Path.Combine(scratch, $"InRelease.{Guid.NewGuid():N}");
        string output = input + ".text";
        try
        {
            await File.WriteAllBytesAsync(input, document, cancellation).ConfigureAwait(false);
            (string? signer, string complaint) = await RunAsync(gpgv, keyring, input, output, cancellation).ConfigureAwait(false);
            if (signer is null || !File.Exists(output))
            {
                return new Failure(
                    FailureKind.Integrity,
                    $"{address} has no good signature by a key in {keyring} ({complaint})",
                    "upgrade the package debian-archive-keyring, name the archive's keyring with --keyring FILE, or choose another archive with --mirror URL");
            }

            return new SignedText(await File.ReadAllTextAsync(output, cancellation).ConfigureAwait(false), signer, null);
        }
        finally
        {
            File.Delete(input);
            File.Delete(output);
        }
    }

    /// <summary>Takes the text out of a clear-signed document (RFC 9580, section 7) without checking its signature.</summary>
    public static Outcome<SignedText> Unchecked(byte[] document, Uri address, string why)
    {
        string text = Encoding.UTF8.GetString(document);
        if (!text.StartsWith(ClearHead, StringComparison.Ordinal)) return new SignedText(text, null, why);
        var lines = new StringBuilder();
        using var reader = new StringReader(text);
        // The head line and the Hash lines end at an empty line; the text ends at the signature.
        while (reader.ReadLine() is { } line && line.Length > 0)
        {
        }

        while (reader.ReadLine() is { } line)
        {
            if (line == ClearTail) return new SignedText(lines.ToString(), null, why);
            lines.Append(line.StartsWith("- ", StringComparison.Ordinal) ? line[2..] : line).Append('\n');
        }

        return new Failure(FailureKind.Format, $"{address} breaks off before its signature", "try again, or choose another archive with --mirror URL");
    }

    private static async Task<(string? Signer, string Complaint)> RunAsync(string gpgv, string keyring, string input, string output, CancellationToken cancellation)
    {
        var start = new ProcessStartInfo(gpgv) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (string argument in (string[])["--status-fd", "1", "--keyring", Path.GetFullPath(keyring), "--output", output, input]) start.ArgumentList.Add(argument);
        using Process process = Process.Start(start) ?? throw new InvalidOperationException("gpgv did not start");
        Task<string> messages = process.StandardError.ReadToEndAsync(cancellation);
        string status = await process.StandardOutput.ReadToEndAsync(cancellation).ConfigureAwait(false);
        await messages.ConfigureAwait(false);
        await process.WaitForExitAsync(cancellation).ConfigureAwait(false);
        string? signer = null;
        string complaint = "no signature was found";
        // VALIDSIG also follows EXPKEYSIG and REVKEYSIG: it counts after GOODSIG only.
        bool good = false;
        foreach (string line in status.Split('\n'))
        {
            // Lines are "[GNUPG:] KEYWORD arguments"; VALIDSIG's first argument is the fingerprint.
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (words.Length < 3 || words[0] != "[GNUPG:]") continue;
            switch (words[1])
            {
                case "GOODSIG": good = true; break;
                case "VALIDSIG" when good: signer ??= words[2]; break;
                case "BADSIG": return (null, "the signature does not belong to the text");
                case "NO_PUBKEY": complaint = $"it is signed by {words[2]}, which is not among them"; break;
                case "EXPSIG" or "EXPKEYSIG" or "REVKEYSIG":
                    good = false;
                    complaint = $"the key {words[2]} has ended or was revoked";
                    break;
            }
        }

        return (signer, complaint);
    }
}
