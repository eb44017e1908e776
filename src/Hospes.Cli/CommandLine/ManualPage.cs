namespace Hospes.Cli.CommandLine;

/// <summary>What a command's help says beyond its options: the sections of a manual page.</summary>
internal sealed record ManualPage
{
    /// <summary>Paragraphs of the DESCRIPTION section. A paragraph that starts with two spaces is kept as it is.</summary>
    public IReadOnlyList<string> Description { get; init; } = [];

    /// <summary>Exit statuses and their meaning, in order; 0 and 2 are written as given, nothing is added.</summary>
    public IReadOnlyList<(string Status, string Meaning)> ExitStatuses { get; init; } = [];

    /// <summary>Environment variables and their effect.</summary>
    public IReadOnlyList<(string Name, string Effect)> Variables { get; init; } = [];

    /// <summary>Files and folders that the command reads or writes.</summary>
    public IReadOnlyList<(string Path, string Use)> Files { get; init; } = [];

    /// <summary>Commands to copy, each with what it does.</summary>
    public IReadOnlyList<(string Command, string Does)> Examples { get; init; } = [];

    /// <summary>Other pages, such as <c>hospes image pull</c>.</summary>
    public IReadOnlyList<string> SeeAlso { get; init; } = [];
}

/// <summary>A command that carries its manual page.</summary>
internal class ManualCommand(string name, string summary, ManualPage page) : System.CommandLine.Command(name, summary), IManual
{
    /// <inheritdoc/>
    public ManualPage Page { get; } = page;
}

/// <summary>Something with a manual page.</summary>
internal interface IManual
{
    /// <summary>The page.</summary>
    ManualPage Page { get; }
}
