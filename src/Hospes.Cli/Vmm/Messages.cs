using System.Globalization;
using Hospes.Cli.CommandLine;

namespace Hospes.Cli.Vmm;

/// <summary>What a domain's process says on standard error, in QEMU's form: the program's name first, before it the time and the domain's name where
/// they are asked for.</summary>
internal sealed class Messages(Surroundings surroundings)
{
    /// <summary>The name of the program.</summary>
    public const string Program = "hospes vmm";

    /// <summary>Whether the time stands in front (<c>-msg timestamp=on</c>).</summary>
    public bool HasTime { get; set; }

    /// <summary>The domain's name that stands in front; null for none (<c>-msg guest-name=on</c>).</summary>
    public string? Guest { get; set; }

    /// <summary>Says something.</summary>
    public void Say(string text)
    {
        string time = HasTime ? surroundings.Clock.GetUtcNow().ToString("yyyy-MM-ddTHH:mm:ss.ffffffZ ", CultureInfo.InvariantCulture) : "";
        surroundings.Error.WriteLine($"{time}{(Guest is null ? "" : Guest + " ")}{Program}: {Clean(text)}");
    }

    /// <summary>Says why there is no domain, and gives the exit status for it.</summary>
    public int Fail(string text)
    {
        Say(text);
        return 1;
    }

    /// <summary>Arguments are foreign text: no control character of theirs reaches a terminal, but for the ends of our own lines.</summary>
    private static string Clean(string text) => string.Create(text.Length, text, static (span, source) =>
    {
        for (int i = 0; i < span.Length; i++) span[i] = char.IsControl(source[i]) && source[i] != '\n' ? ' ' : source[i];
    });
}
