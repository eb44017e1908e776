using System.CommandLine;
using System.CommandLine.Parsing;

namespace Hospes.Cli.CommandLine;

/// <summary>Turns what the parser found wrong with a command line into one failure.</summary>
internal static class ParseMistake
{
    /// <summary>Describes the first mistake of a command line that has one.</summary>
    public static Failure Describe(ParseResult result)
    {
        Command command = result.CommandResult.Command;
        string path = ManualWriter.Path(command);
        string help = $"see '{path} --help'";
        // A mistake in a value that is there says more than a word that is left over.
        if (result.Errors.FirstOrDefault(static error => error.Message.StartsWith(OptionValue.Mark, StringComparison.Ordinal)) is { } own)
            return new Failure(FailureKind.Arguments, own.Message[OptionValue.Mark.Length..], help);
        if (result.UnmatchedTokens.Count > 0)
        {
            string word = result.UnmatchedTokens[0];
            return word.StartsWith('-')
                ? Unknown("option", word, Options(command), help)
                : command.Subcommands.Count > 0
                    ? Unknown("command", word, command.Subcommands.Select(static child => child.Name), help)
                    : new Failure(FailureKind.Arguments, $"'{word}' is one argument too many", help);
        }

        foreach (ParseError error in result.Errors)
        {
            switch (error.SymbolResult)
            {
                case OptionResult option when option.Tokens.Count == 0 && option.IdentifierTokenCount > 0:
                    return new Failure(FailureKind.Arguments, $"{option.Option.Name} needs a value ({option.Option.HelpName ?? "VALUE"})", help);
                case OptionResult option when option.IdentifierTokenCount > 1:
                    return new Failure(FailureKind.Arguments, $"{option.Option.Name} was given more than once", "give it once");
                case ArgumentResult { Tokens.Count: 0 } argument:
                    return new Failure(FailureKind.Arguments, $"{argument.Argument.HelpName ?? argument.Argument.Name.ToUpperInvariant()} is missing", help);
            }
        }

        if (command.Options.FirstOrDefault(option => option.Required && result.GetResult(option) is not { IdentifierTokenCount: > 0 }) is { } required)
            return new Failure(FailureKind.Arguments, $"{required.Name} {required.HelpName} is missing", help);
        return new Failure(FailureKind.Arguments, $"{result.Errors[0].Message.TrimEnd('.')}", help);
    }

    private static Failure Unknown(string what, string word, IEnumerable<string> known, string help)
    {
        string? near = known.Select(name => (Name: name, Distance: Distance(word, name)))
            .Where(near => near.Distance <= Math.Max(1, word.Length / 3))
            .OrderBy(static near => near.Distance).Select(static near => near.Name).FirstOrDefault();
        string cause = $"there is no {what} '{word}'";
        return new Failure(FailureKind.Arguments, cause, near is null ? help : $"did you mean '{near}'? {help}");
    }

    private static IEnumerable<string> Options(Command command)
    {
        for (Command? at = command; at is not null; at = at.Parents.OfType<Command>().FirstOrDefault())
        {
            foreach (Option option in at.Options.Where(option => !option.Hidden && (at == command || option.Recursive))) yield return option.Name;
        }
    }

    /// <summary>The Levenshtein distance: how many letters to add, drop or change.</summary>
    private static int Distance(string left, string right)
    {
        if (left.Length > 64 || right.Length > 64) return int.MaxValue;
        int[] row = [.. Enumerable.Range(0, right.Length + 1)];
        for (int i = 1; i <= left.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= right.Length; j++)
            {
                int changed = diagonal + (left[i - 1] == right[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(changed, Math.Min(row[j], row[j - 1]) + 1);
            }
        }

        return row[right.Length];
    }
}
