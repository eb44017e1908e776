using System.Text;
using System.Text.Json;

namespace Hospes.Vmm.CommandLine;

/// <summary>
/// The parameters of one option as QEMU writes them: <c>a=b,c=d</c>, where <c>,,</c> in a value stands for a comma, a first part without a name
/// belongs to an implied one, and a name alone switches on (with <c>no</c> in front, off); or a JSON object, whose members within members get names
/// with dots (<c>file.filename</c>). Immutable.
/// </summary>
public sealed class OptionSet
{
    /// <summary>How deep a JSON object may be nested.</summary>
    private const int MostDepth = 32;

    private readonly List<KeyValuePair<string, string>> _entries = [];

    private OptionSet()
    {
    }

    /// <summary>All parameters in order; a name may come again.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Entries => _entries;

    /// <summary>Whether the list of what is possible is asked for: <c>help</c> or <c>?</c> alone as a part.</summary>
    public bool WantsHelp { get; private set; }

    /// <summary>Reads an option's text.</summary>
    /// <param name="text">What stands behind the option.</param>
    /// <param name="implied">The name that a first part without one belongs to; null for none.</param>
    /// <param name="error">What is wrong, in QEMU's words; null when nothing is.</param>
    /// <returns>The parameters, or null.</returns>
    public static OptionSet? TryParse(string text, string? implied, out string? error)
    {
        if (text.StartsWith('{')) return TryParseJson(text, out error);
        var set = new OptionSet();
        error = null;
        for (int at = 0, part = 0; at < text.Length; part++)
        {
            int end = text.AsSpan(at).IndexOfAny('=', ',') is var found && found < 0 ? text.Length : at + found;
            bool named = end < text.Length && text[end] == '=';
            bool first = part == 0 && implied is not null && !named;
            string key = named ? text[at..end] : first ? implied! : "";
            string value = TakeValue(text, named ? end + 1 : at, out at);
            if (!named && value is "help" or "?") set.WantsHelp = true;
            else if (named || first) set._entries.Add(new(key, value));
            else if (value.StartsWith("no", StringComparison.Ordinal) && value.Length > 2) set._entries.Add(new(value[2..], "off"));
            else set._entries.Add(new(value, "on"));
            if (key.Length == 0 && (named || value.Length == 0)) error = $"Invalid parameter '{key}'";
        }
        return error is null ? set : null;
    }

    /// <summary>Reads a JSON object.</summary>
    /// <param name="text">The object's text.</param>
    /// <param name="error">What is wrong, in QEMU's words; null when nothing is.</param>
    /// <returns>The parameters, or null.</returns>
    public static OptionSet? TryParseJson(string text, out string? error)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = MostDepth });
            if (document.RootElement.ValueKind == JsonValueKind.Object) return FromJson(document.RootElement, out error);
            error = "JSON parse error, expected an object";
        }
        catch (JsonException fault)
        {
            error = $"JSON parse error, {fault.Message.Split('.')[0]}";
        }
        catch (ArgumentException)
        {
            // Half of a surrogate pair is no UTF-8.
            error = "JSON parse error, invalid UTF-8 sequence in input";
        }
        return null;
    }

    /// <summary>Takes over the members of a JSON object.</summary>
    /// <param name="json">An object.</param>
    /// <param name="error">What is wrong, in QEMU's words; null when nothing is.</param>
    /// <returns>The parameters, or null.</returns>
    public static OptionSet? FromJson(JsonElement json, out string? error)
    {
        var set = new OptionSet();
        error = set.Add(json, "");
        return error is null ? set : null;
    }

    /// <summary>The parameters whose names begin with <paramref name="prefix"/> and a dot, without both.</summary>
    /// <param name="prefix">The part of the name in front of the dot.</param>
    public OptionSet Below(string prefix)
    {
        var set = new OptionSet();
        foreach ((string key, string value) in _entries)
        {
            if (key.Length > prefix.Length && key[prefix.Length] == '.' && key.StartsWith(prefix, StringComparison.Ordinal)) set._entries.Add(new(key[(prefix.Length + 1)..], value));
        }
        return set;
    }

    /// <summary>The text from here to the comma that ends it; <paramref name="next"/> is behind that comma.</summary>
    private static string TakeValue(string text, int at, out int next)
    {
        var value = new StringBuilder();
        for (; at < text.Length; at++)
        {
            if (text[at] == ',' && (++at == text.Length || text[at] != ',')) break;
            value.Append(text[at]);
        }
        next = at;
        return value.ToString();
    }

    private string? Add(JsonElement json, string prefix)
    {
        int index = 0;
        IEnumerable<(string Key, JsonElement Value)> members = json.ValueKind == JsonValueKind.Object
            ? json.EnumerateObject().Select(static member => (member.Name, member.Value))
            : json.EnumerateArray().Select(item => ($"{index++}", item));
        foreach ((string name, JsonElement value) in members)
        {
            string key = prefix + name;
            switch (value.ValueKind)
            {
                case JsonValueKind.Object or JsonValueKind.Array:
                    if (Add(value, key + ".") is { } error) return error;
                    break;
                case JsonValueKind.True or JsonValueKind.False:
                    _entries.Add(new(key, value.GetBoolean() ? "on" : "off"));
                    break;
                case JsonValueKind.String:
                    // A lone surrogate is JSON, but no text.
                    if (!TryText(value, out string? text)) return $"Invalid parameter type for '{key}', expected: string";
                    _entries.Add(new(key, text!));
                    break;
                case JsonValueKind.Number:
                    _entries.Add(new(key, value.GetRawText()));
                    break;
                default:
                    return $"Invalid parameter type for '{key}', expected: string";
            }
        }
        return null;
    }

    private static bool TryText(JsonElement value, out string? text)
    {
        try
        {
            text = value.GetString();
            return text is not null;
        }
        catch (InvalidOperationException)
        {
            text = null;
            return false;
        }
    }
}
