namespace Hospes.Storage.Boot.Grub;

/// <summary>Makes statements of a script. What is wrong in it ends the reading there: what stands before counts, as it does for GRUB.</summary>
internal sealed class GrubParser
{
    /// <summary>Blocks within blocks, at most.</summary>
    private const int MaxDepth = 64;

    private readonly GrubLexer _lexer;

    private GrubToken _token;

    private int _depth;

    /// <summary>Set at the first mistake: from then on everything ends.</summary>
    private bool _broken;

    private GrubParser(string text)
    {
        _lexer = new GrubLexer(text);
        _token = _lexer.Next();
    }

    /// <summary>Reads a script.</summary>
    public static IReadOnlyList<Statement> Parse(string text)
    {
        var parser = new GrubParser(text);
        var statements = new List<Statement>();
        while (!parser._broken && parser._token != GrubToken.EndOfText)
        {
            statements.AddRange(parser.Statements());
            // A closing brace or keyword that nothing opened is passed by.
            if (!parser._broken && parser._token != GrubToken.EndOfText) parser.Advance();
        }

        return statements;
    }

    private void Advance() => _token = _broken ? GrubToken.EndOfText : _lexer.Next();

    private bool At(string keyword) => _token == GrubToken.Word && _lexer.Word.Is(keyword);

    private bool AtAny(params ReadOnlySpan<string> keywords)
    {
        foreach (string keyword in keywords)
        {
            if (At(keyword)) return true;
        }

        return false;
    }

    private void SkipEnds()
    {
        while (_token == GrubToken.End) Advance();
    }

    private void Expect(string keyword)
    {
        SkipEnds();
        if (At(keyword)) Advance();
        else _broken = true;
    }

    /// <summary>Statements up to a closing brace, a keyword that ends them, or the end.</summary>
    private List<Statement> Statements()
    {
        var statements = new List<Statement>();
        if (++_depth > MaxDepth) _broken = true;
        SkipEnds();
        while (!_broken && _token is GrubToken.Word or GrubToken.Open && !AtAny("then", "elif", "else", "fi", "do", "done"))
        {
            if (_token == GrubToken.Open)
            {
                statements.AddRange(Braces());
            }
            else if (Statement() is { } statement && !_broken)
            {
                statements.Add(statement);
            }

            SkipEnds();
        }

        _depth--;
        return statements;
    }

    private Statement? Statement()
    {
        if (At("if")) return If();
        if (At("for")) return For();
        if (AtAny("while", "until")) return While();
        if (At("function")) return Function();
        return Command();
    }

    private CommandStatement Command()
    {
        var words = new List<Word>();
        for (; _token == GrubToken.Word; Advance()) words.Add(_lexer.Word);
        IReadOnlyList<Statement>? block = _token == GrubToken.Open ? Braces() : null;
        return new CommandStatement(words, block);
    }

    private List<Statement> Braces()
    {
        Advance();
        var statements = Statements();
        if (_token == GrubToken.Close) Advance();
        else _broken = true;
        return statements;
    }

    private IfStatement If()
    {
        var branches = new List<(IReadOnlyList<Statement>?, IReadOnlyList<Statement>)>();
        do
        {
            Advance();
            List<Statement> condition = Statements();
            Expect("then");
            branches.Add((condition, Statements()));
            SkipEnds();
        }
        while (!_broken && At("elif"));
        if (At("else"))
        {
            Advance();
            branches.Add((null, Statements()));
        }

        Expect("fi");
        return new IfStatement(branches);
    }

    private ForStatement? For()
    {
        Advance();
        if (_token != GrubToken.Word || _lexer.Word.Parts is not [{ IsVariable: false } name])
        {
            _broken = true;
            return null;
        }

        Advance();
        Expect("in");
        var items = new List<Word>();
        for (; _token == GrubToken.Word; Advance()) items.Add(_lexer.Word);
        return new ForStatement(name.Text, items, Body());
    }

    private WhileStatement While()
    {
        bool until = At("until");
        Advance();
        List<Statement> condition = Statements();
        return new WhileStatement(condition, until, Body());
    }

    private List<Statement> Body()
    {
        Expect("do");
        List<Statement> body = Statements();
        Expect("done");
        return body;
    }

    private FunctionStatement? Function()
    {
        Advance();
        if (_token == GrubToken.Word && _lexer.Word.Parts is [{ IsVariable: false } name])
        {
            Advance();
            SkipEnds();
            if (_token == GrubToken.Open) return new FunctionStatement(name.Text, Braces());
        }

        _broken = true;
        return null;
    }
}
