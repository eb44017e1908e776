using System.Globalization;
using System.Text;

namespace Hospes.Storage.Boot.Grub;

/// <summary>
/// Runs a script for what it says about the menu. Commands that do something to a real machine (<c>insmod</c>, <c>terminal_output</c>,
/// <c>gfxmode</c>) succeed and do nothing; the result of what cannot be known is false.
/// </summary>
internal sealed class GrubInterpreter(GrubContext context)
{
    private bool _status = true;

    /// <summary>Set by <c>return</c>, <c>exit</c> and a budget that is spent: statements that remain are passed by.</summary>
    private bool _done;

    private readonly GrubCommands _commands = new(context);

    /// <summary>Runs statements.</summary>
    /// <returns>Whether the last of them succeeded.</returns>
    public bool Run(IReadOnlyList<Statement> statements)
    {
        foreach (Statement statement in statements)
        {
            context.Budget.Command();
            if (_done || context.Budget.IsSpent) break;
            switch (statement)
            {
                case CommandStatement command: _status = RunCommand(command); break;
                case IfStatement choice: RunIf(choice); break;
                case ForStatement loop: RunFor(loop); break;
                case WhileStatement loop: RunWhile(loop); break;
                case FunctionStatement function: context.Functions[function.Name] = function.Body; break;
            }
        }

        return _status;
    }

    private void RunIf(IfStatement choice)
    {
        foreach ((IReadOnlyList<Statement>? condition, IReadOnlyList<Statement> body) in choice.Branches)
        {
            if (condition is not null && !Run(condition)) continue;
            Run(body);
            return;
        }

        _status = true;
    }

    private void RunFor(ForStatement loop)
    {
        foreach (string item in Expand(loop.Items))
        {
            if (_done || context.Budget.IsSpent) return;
            context.Budget.Command();
            context.Variables[loop.Variable] = item;
            Run(loop.Body);
        }
    }

    private void RunWhile(WhileStatement loop)
    {
        while (!_done && !context.Budget.IsSpent && Run(loop.Condition) != loop.Until)
        {
            context.Budget.Command();
            Run(loop.Body);
        }
    }

    private bool RunCommand(CommandStatement statement)
    {
        List<string> words = Expand(statement.Words);
        if (words.Count == 0) return true;
        bool negated = words[0] == "!";
        if (negated) words.RemoveAt(0);
        bool result = words.Count == 0 || RunWords(words, statement.Block);
        return result != negated;
    }

    private bool RunWords(List<string> words, IReadOnlyList<Statement>? block)
    {
        string name = words[0];
        if (name.IndexOf('=') > 0) return _commands.Set([name]);
        switch (name)
        {
            case "menuentry" or "submenu":
                return block is not null && AddItem(words, block);
            case "return" or "exit":
                _done = true;
                return words.Count < 2 || words[1] == "0";
            case "configfile" or "source" or ".":
                return words.Count > 1 && RunFile(words[1]);
        }

        if (!context.Functions.TryGetValue(name, out IReadOnlyList<Statement>? body)) return _commands.Run(words);
        return Nested(words, () => new GrubInterpreter(context).Run(body));
    }

    private bool RunFile(string path)
    {
        if (context.File(path) is not { } file || file.ReadText(out string script) != Volumes.VolumeError.None) return false;
        context.Budget.Letters(script.Length);
        return Nested(context.Arguments, () => new GrubInterpreter(context).Run(GrubParser.Parse(script)));
    }

    private bool Nested(IReadOnlyList<string> arguments, Func<bool> run)
    {
        if (context.Nesting >= GrubContext.MaxNesting) return false;
        IReadOnlyList<string> before = context.Arguments;
        context.Arguments = arguments;
        context.Nesting++;
        bool result = run();
        context.Nesting--;
        context.Arguments = before;
        return result;
    }

    /// <summary><c>menuentry</c> and <c>submenu</c> (GRUB manual, 16.1.1 and 16.1.2).</summary>
    private bool AddItem(List<string> words, IReadOnlyList<Statement> block)
    {
        var positional = new List<string>();
        string? id = null;
        for (int i = 1; i < words.Count; i++)
        {
            string word = words[i];
            if (word.StartsWith("--id=", StringComparison.Ordinal)) id = word["--id=".Length..];
            else if (word == "--id" && i + 1 < words.Count) id = words[++i];
            else if (word is "--class" or "--users" or "--hotkey" or "--source") i++;
            else if (!word.StartsWith("--", StringComparison.Ordinal)) positional.Add(word);
        }

        if (positional.Count == 0 || context.Items.Count >= BootLimits.Entries) return false;
        context.Items.Add(new GrubItem(positional[0], id ?? positional[0], block, positional, words[0] == "submenu"));
        return true;
    }

    /// <summary>Puts values in the place of variables. Outside of quotes a value is split at blanks, and an empty one makes no word.</summary>
    private List<string> Expand(IReadOnlyList<Word> words)
    {
        var expanded = new List<string>();
        var letters = new StringBuilder();
        foreach (Word word in words)
        {
            letters.Clear();
            bool makesWord = false;
            foreach (WordPart part in word.Parts)
            {
                string text = part.IsVariable ? Value(part.Text) : part.Text;
                context.Budget.Letters(text.Length + 1);
                if (context.Budget.IsSpent) return [];
                if (!part.IsVariable || part.IsQuoted)
                {
                    letters.Append(text);
                    makesWord = true;
                    continue;
                }

                foreach (char letter in text)
                {
                    makesWord |= letter is not (' ' or '\t' or '\n');
                    if (letter is not (' ' or '\t' or '\n')) letters.Append(letter);
                    else if (makesWord) End();
                }
            }

            if (makesWord) End();

            void End()
            {
                expanded.Add(letters.ToString());
                letters.Clear();
                makesWord = false;
            }
        }

        return expanded;
    }

    private string Value(string name) => name switch
    {
        "?" => _status ? "0" : "1",
        "#" => Math.Max(context.Arguments.Count - 1, 0).ToString(CultureInfo.InvariantCulture),
        "@" or "*" => string.Join(' ', context.Arguments.Skip(1)),
        [>= '0' and <= '9'] => context.Arguments.ElementAtOrDefault(name[0] - '0') ?? "",
        _ => context.Variables.GetValueOrDefault(name, ""),
    };
}
