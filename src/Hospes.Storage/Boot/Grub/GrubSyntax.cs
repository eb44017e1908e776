namespace Hospes.Storage.Boot.Grub;

/// <summary>A piece of a word.</summary>
/// <param name="Text">Letters, or the name of a variable.</param>
/// <param name="IsVariable">Whether it is a variable.</param>
/// <param name="IsQuoted">Whether it stands in quotes: then a variable's value is not split at blanks.</param>
internal readonly record struct WordPart(string Text, bool IsVariable, bool IsQuoted);

/// <summary>A word of GRUB's script language (GRUB manual, 6.2, "Writing full configuration files directly").</summary>
/// <param name="Parts">Its pieces, which stand together.</param>
internal sealed record Word(IReadOnlyList<WordPart> Parts)
{
    /// <summary>Whether it is this text, written without quotes.</summary>
    public bool Is(string text) => Parts.Count == 1 && Parts[0] is { IsVariable: false, IsQuoted: false } part && part.Text == text;
}

/// <summary>A statement.</summary>
internal abstract record Statement;

/// <summary>A command with its words; what is in braces behind them, for <c>menuentry</c> and its like.</summary>
internal sealed record CommandStatement(IReadOnlyList<Word> Words, IReadOnlyList<Statement>? Block) : Statement;

/// <summary><c>if</c> with its <c>elif</c>s, each with its condition; the last without one is <c>else</c>.</summary>
internal sealed record IfStatement(IReadOnlyList<(IReadOnlyList<Statement>? Condition, IReadOnlyList<Statement> Body)> Branches) : Statement;

/// <summary><c>for</c>.</summary>
internal sealed record ForStatement(string Variable, IReadOnlyList<Word> Items, IReadOnlyList<Statement> Body) : Statement;

/// <summary><c>while</c> and <c>until</c>.</summary>
internal sealed record WhileStatement(IReadOnlyList<Statement> Condition, bool Until, IReadOnlyList<Statement> Body) : Statement;

/// <summary><c>function</c>.</summary>
internal sealed record FunctionStatement(string Name, IReadOnlyList<Statement> Body) : Statement;
