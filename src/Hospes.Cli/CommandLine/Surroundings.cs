using Spectre.Console;

namespace Hospes.Cli.CommandLine;

/// <summary>What a command sees of the process that runs it: streams, terminal, environment, clock. Tests pass their own.</summary>
internal sealed class Surroundings
{
    /// <summary>Standard output, for what the command was asked for.</summary>
    public required TextWriter Out { get; init; }

    /// <summary>Standard error, for progress and for failures.</summary>
    public required TextWriter Error { get; init; }

    /// <summary>True when <see cref="Out"/> is a terminal that may be coloured.</summary>
    public bool OutIsTerminal { get; init; }

    /// <summary>True when <see cref="Error"/> is a terminal that may be coloured.</summary>
    public bool ErrorIsTerminal { get; init; }

    /// <summary>True when standard input is a terminal.</summary>
    public bool InIsTerminal { get; init; }

    /// <summary>Reads one environment variable; null when it is not set.</summary>
    public Func<string, string?> Variable { get; init; } = static _ => null;

    /// <summary>The clock.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;

    /// <summary>Columns to wrap help and tables at.</summary>
    public int Columns { get; init; } = 80;

    /// <summary>The surroundings of this process.</summary>
    public static Surroundings OfProcess()
    {
        bool plain = !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
            || Environment.GetEnvironmentVariable("TERM") is null or "" or "dumb";
        return new Surroundings
        {
            Out = Console.Out,
            Error = Console.Error,
            OutIsTerminal = !Console.IsOutputRedirected && !plain,
            ErrorIsTerminal = !Console.IsErrorRedirected && !plain,
            InIsTerminal = !Console.IsInputRedirected,
            Variable = Environment.GetEnvironmentVariable,
            Columns = Console.IsOutputRedirected ? 80 : Math.Clamp(Console.WindowWidth, 40, 100),
        };
    }

    /// <summary>A Spectre console on standard output or standard error; colours and cursor movement only on a terminal.</summary>
    public IAnsiConsole Rich(bool onError)
    {
        bool terminal = onError ? ErrorIsTerminal : OutIsTerminal;
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(onError ? Error : Out),
            Ansi = terminal ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = terminal ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
            Interactive = terminal ? InteractionSupport.Yes : InteractionSupport.No,
        });
        console.Profile.Width = Columns;
        return console;
    }

    /// <summary>Writes one failure to standard error as <c>hospes: cause; remedy</c> and gives the exit status for it.</summary>
    public int Fail(Failure failure)
    {
        Error.WriteLine($"hospes: {failure.Line}");
        return ExitStatus.BadRequest;
    }

    /// <summary>Writes one note to standard error.</summary>
    public void Note(string text) => Error.WriteLine($"hospes: {text}");
}
