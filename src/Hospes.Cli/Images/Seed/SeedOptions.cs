using System.CommandLine;
using Hospes.Cli.CommandLine;

namespace Hospes.Cli.Images.Seed;

/// <summary>The options that say what a guest is told on its first start.</summary>
internal sealed class SeedOptions
{
    /// <summary>Bytes of a file with keys, and of user-data: cloud-init's own limit for other sources is 16 KiB.</summary>
    private const int MaxFileSize = 1 << 20;

    /// <summary>Letters of a host's name (hostname(7)).</summary>
    private const int LongestHostName = 64;

    private readonly Option<string[]> _keys = new("--ssh-key")
    {
        HelpName = "KEY",
        Description = "Let this public SSH key log in: a file such as ~/.ssh/id_ed25519.pub, or the key itself; may be given again.",
        AllowMultipleArgumentsPerToken = false,
        Arity = ArgumentArity.OneOrMore,
    };

    private readonly Option<string?> _hostName = OptionValue.Create("--hostname", "NAME", "Name the guest.", (string text, out string? value) =>
    {
        value = text;
        return IsHostName(text) ? null : $"is no host name: up to {LongestHostName} letters, digits and hyphens, in parts between dots";
    });

    private readonly Option<string?> _userData = OptionValue.Text("--user-data", "FILE", "Hand this file to the guest as cloud-init's user-data: a #cloud-config, or a script that begins with #!.");

    /// <summary>The options, for a command.</summary>
    public IEnumerable<Option> Options => [_keys, _hostName, _userData];

    /// <summary>Whether any was given.</summary>
    public bool AreGiven(ParseResult result) => result.GetValue(_keys) is { Length: > 0 } || result.GetValue(_hostName) is not null || result.GetValue(_userData) is not null;

    /// <summary>Reads them.</summary>
    public Outcome<NoCloudSeed> Read(ParseResult result)
    {
        var lines = new List<string>();
        foreach (string key in result.GetValue(_keys) ?? [])
        {
            if (!Keys(key).Succeeded(out IReadOnlyList<string>? read, out Failure? failure)) return failure;
            lines.AddRange(read);
        }

        byte[]? data = null;
        if (result.GetValue(_userData) is { } userData && !File("--user-data", userData).Succeeded(out data, out Failure? unreadable)) return unreadable;
        return new NoCloudSeed(result.GetValue(_hostName), lines, data);
    }

    private static bool IsHostName(string name) => name.Length is > 0 and <= LongestHostName
        && name.Split('.').All(static part => part.Length > 0 && part[0] != '-' && part[^1] != '-' && part.All(static letter => char.IsAsciiLetterOrDigit(letter) || letter == '-'));

    private static Outcome<IReadOnlyList<string>> Keys(string given)
    {
        string text = given;
        if (!IsKey(given))
        {
            if (!File("--ssh-key", given).Succeeded(out byte[]? bytes, out Failure? failure)) return failure;
            text = System.Text.Encoding.UTF8.GetString(bytes);
        }

        if (text.Contains("PRIVATE KEY", StringComparison.Ordinal))
            return new Failure(FailureKind.Arguments, $"--ssh-key '{given}' is a private key", "give the public one, which ends in .pub");
        string[] lines = [.. text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Where(static line => !line.StartsWith('#'))];
        return lines.Length > 0 && lines.All(IsKey)
            ? new Outcome<IReadOnlyList<string>>(lines)
            : new Failure(FailureKind.Arguments, $"--ssh-key '{given}' is no public SSH key", "give a file such as ~/.ssh/id_ed25519.pub");
    }

    /// <summary>Whether a text has the shape of a public key: its kind, and its bytes in base64 (sshd(8), "AUTHORIZED_KEYS FILE FORMAT").</summary>
    private static bool IsKey(string text)
    {
        string[] words = text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        return words.Length >= 2 && (words[0].StartsWith("ssh-", StringComparison.Ordinal) || words[0].StartsWith("ecdsa-", StringComparison.Ordinal) || words[0].StartsWith("sk-", StringComparison.Ordinal))
            && words[1].StartsWith("AAAA", StringComparison.Ordinal) && !text.Any(char.IsControl);
    }

    private static Outcome<byte[]> File(string option, string path)
    {
        try
        {
            using FileStream file = System.IO.File.OpenRead(path);
            if (file.Length > MaxFileSize) return new Failure(FailureKind.File, $"{option} '{path}' is larger than {MaxFileSize >> 20} MiB", "give a smaller file");
            byte[] bytes = new byte[file.Length];
            file.ReadExactly(bytes);
            return bytes;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            return new Failure(FailureKind.File, $"{option} '{path}' cannot be read ({fault.Message.TrimEnd('.')})", "name a file that is there");
        }
    }
}
