using System.CommandLine;
using System.CommandLine.Help;

namespace Hospes.Cli.CommandLine;

/// <summary>Writes a command's help in the order of a manual page: NAME, SYNOPSIS, DESCRIPTION, COMMANDS, OPTIONS, EXIT STATUS and so on.</summary>
internal sealed class ManualWriter(TextWriter output, bool bold, int columns)
{
    private const int Indent = 7;
    private const int HangingIndent = 14;

    /// <summary>Writes the whole page of one command.</summary>
    public void Write(Command command)
    {
        ManualPage page = (command as IManual)?.Page ?? new ManualPage();
        Heading("NAME");
        Paragraph($"{Path(command)} - {command.Description}", Indent);
        Heading("SYNOPSIS");
        Paragraph(Synopsis(command), Indent);
        if (page.Description.Count > 0)
        {
            Heading("DESCRIPTION");
            for (int i = 0; i < page.Description.Count; i++)
            {
                if (i > 0) output.WriteLine();
                Paragraph(page.Description[i], Indent);
            }
        }

        Command[] commands = [.. command.Subcommands.Where(static child => !child.Hidden)];
        Pairs("COMMANDS", commands.Select(static child => (child.Name, child.Description ?? "")));
        Pairs("ARGUMENTS", command.Arguments.Where(static argument => !argument.Hidden).Select(static argument => (Placeholder(argument), argument.Description ?? "")));
        Pairs("OPTIONS", Options(command).Select(static option => (OptionLabel(option), option.Description ?? "")));
        Pairs("EXIT STATUS", page.ExitStatuses);
        Pairs("ENVIRONMENT", page.Variables);
        Pairs("FILES", page.Files);
        Pairs("EXAMPLES", page.Examples);
        if (page.SeeAlso.Count > 0)
        {
            Heading("SEE ALSO");
            Paragraph(string.Join(", ", page.SeeAlso.Select(static other => other + " --help")), Indent);
        }
    }

    /// <summary>The words that call a command, from the program's name down.</summary>
    public static string Path(Command command)
    {
        string path = Name(command);
        for (Command? parent = Parent(command); parent is not null; parent = Parent(parent)) path = $"{Name(parent)} {path}";
        return path;
    }

    /// <summary>The root would call itself by the name of the process, which may be the runtime's.</summary>
    private static string Name(Command command) => command is RootCommand ? "hospes" : command.Name;

    private static Command? Parent(Command command) => command.Parents.OfType<Command>().FirstOrDefault();

    private static string Synopsis(Command command)
    {
        var words = new List<string> { Path(command) };
        foreach (Option option in command.Options.Where(static option => option is { Hidden: false, Required: true })) words.Add(OptionLabel(option));
        if (command.Options.Any(static option => !option.Hidden && !option.Required && option is not HelpOption)) words.Add("[OPTION]...");
        if (command.Subcommands.Any(static child => !child.Hidden)) words.Add(command.Action is null ? "COMMAND" : "[COMMAND]");
        foreach (Argument argument in command.Arguments.Where(static argument => !argument.Hidden))
        {
            string name = Placeholder(argument);
            if (argument.Arity.MaximumNumberOfValues > 1) name += "...";
            words.Add(argument.Arity.MinimumNumberOfValues == 0 ? $"[{name}]" : name);
        }

        return string.Join(' ', words);
    }

    private static IEnumerable<Option> Options(Command command)
    {
        IEnumerable<Option> own = command.Options.Where(static option => !option.Hidden);
        for (Command? parent = Parent(command); parent is not null; parent = Parent(parent))
            own = own.Concat(parent.Options.Where(static option => option is { Hidden: false, Recursive: true }));
        // The help option comes last: it matters least to someone who is reading it.
        return own.OrderBy(static option => option is HelpOption or VersionOption);
    }

    private static string OptionLabel(Option option)
    {
        IEnumerable<string> names = option.Aliases.Where(static alias => alias.StartsWith('-')).OrderBy(static alias => alias.Length).Append(option.Name);
        string label = string.Join(", ", names.Where(static name => name is not "-?" and not "/?" and not "/h"));
        return option.Arity.MaximumNumberOfValues == 0 || option is Option<bool> ? label : $"{label} {option.HelpName ?? "VALUE"}";
    }

    private static string Placeholder(Argument argument) => argument.HelpName ?? argument.Name.ToUpperInvariant();

    private void Heading(string name)
    {
        if (name != "NAME") output.WriteLine();
        output.WriteLine(bold ? $"\e[1m{name}\e[0m" : name);
    }

    private void Pairs(string heading, IEnumerable<(string Left, string Right)> pairs)
    {
        bool any = false;
        foreach ((string left, string right) in pairs)
        {
            if (!any) Heading(heading);
            any = true;
            string label = bold ? $"\e[1m{left}\e[0m" : left;
            if (left.Length < HangingIndent - Indent)
            {
                Paragraph(right, HangingIndent, new string(' ', Indent) + label + new string(' ', HangingIndent - Indent - left.Length));
            }
            else
            {
                output.WriteLine(new string(' ', Indent) + label);
                Paragraph(right, HangingIndent);
            }
        }
    }

    private void Paragraph(string text, int indent, string? first = null)
    {
        string margin = new(' ', indent);
        if (text.StartsWith("  ", StringComparison.Ordinal))
        {
            foreach (string kept in text.Split('\n')) output.WriteLine(margin + kept);
            return;
        }

        string line = first ?? margin;
        int used = indent;
        bool empty = true;
        foreach (string word in text.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!empty && used + 1 + word.Length > columns)
            {
                output.WriteLine(line);
                line = margin;
                used = indent;
                empty = true;
            }

            if (!empty)
            {
                line += ' ';
                used++;
            }

            line += word;
            used += word.Length;
            empty = false;
        }

        output.WriteLine(line);
    }
}
