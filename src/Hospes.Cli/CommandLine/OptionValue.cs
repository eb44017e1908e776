using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;

namespace Hospes.Cli.CommandLine;

/// <summary>Options whose values are checked while the command line is read.</summary>
internal static class OptionValue
{
    /// <summary>In front of every message that is written here, so that <see cref="ParseMistake"/> tells it from the parser's own.</summary>
    public const string Mark = "\u0001";

    /// <summary>Reads one value.</summary>
    /// <returns>Null, or what is wrong with the text: a clause that follows "--name 'text' ".</returns>
    public delegate string? Reader<T>(string text, out T value);

    /// <summary>An option with one value.</summary>
    public static Option<T> Create<T>(string name, string placeholder, string description, Reader<T> read, T? whenAbsent = default) => new(name)
    {
        HelpName = placeholder,
        Description = description,
        Arity = ArgumentArity.ExactlyOne,
        DefaultValueFactory = _ => whenAbsent!,
        CustomParser = result =>
        {
            string text = result.Tokens[0].Value;
            string? wrong = read(text, out T value);
            if (wrong is not null) result.AddError($"{Mark}{name} '{text}' {wrong}");
            return value;
        },
    };

    /// <summary>An option whose value is any text.</summary>
    public static Option<string?> Text(string name, string placeholder, string description) => new(name)
    {
        HelpName = placeholder,
        Description = description,
        Arity = ArgumentArity.ExactlyOne,
    };

    /// <summary>An option whose value is a whole number within bounds.</summary>
    public static Option<int> Whole(string name, string placeholder, string description, int least, int most, int whenAbsent) =>
        Create(name, placeholder, description, (string text, out int value) =>
            int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && value >= least && value <= most
                ? null
                : $"is not a whole number from {least} to {most}", whenAbsent);

    /// <summary>A switch.</summary>
    public static Option<bool> Switch(string name, string description) => new(name) { Description = description, Arity = ArgumentArity.Zero };
}
