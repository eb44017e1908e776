using Hospes.Cli.Native;
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

    /// <summary>Rows of the terminal, for what is drawn over itself.</summary>
    public int Rows { get; init; } = 24;

    /// <summary>
    /// The surroundings of this process. The runtime's own console is passed by: on a terminal it sends control sequences
    /// when it starts and changes settings when child processes end, both behind the back of a guest that has the terminal.
    /// </summary>
    public static Surroundings OfProcess()
    {
        bool plain = !string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"))
            || Environment.GetEnvironmentVariable("TERM") is null or "" or "dumb";
        bool outIsTerminal = !Console.IsOutputRedirected;
        bool errorIsTerminal = !Console.IsErrorRedirected;
        (int Columns, int Rows)? size = outIsTerminal ? Terminal.Size(StandardStream.Output) : errorIsTerminal ? Terminal.Size(StandardStream.Error) : null;
        return new Surroundings
        {
            Out = StandardStream.Writer(StandardStream.Output),
            Error = StandardStream.Writer(StandardStream.Error),
            OutIsTerminal = outIsTerminal && !plain,
            ErrorIsTerminal = errorIsTerminal && !plain,
            InIsTerminal = !Console.IsInputRedirected,
            Variable = Environment.GetEnvironmentVariable,
            Columns = Math.Clamp(size?.Columns ?? 80, 40, 100),
            Rows = size?.Rows ?? 24,
        };
    }

    /// <summary>A Spectre console on standard output or standard error; colours and cursor movement only on a terminal.</summary>
    public IAnsiConsole Rich(bool onError)
    {
        bool terminal = onError ? ErrorIsTerminal : OutIsTerminal;
        return AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new RichOutput(onError ? Error : Out, terminal, Columns, Rows),
            Ansi = terminal ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = terminal ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
            Interactive = terminal ? InteractionSupport.Yes : InteractionSupport.No,
        });
    }

    /// <summary>Writes one failure to standard error as <c>hospes: cause; remedy</c> and gives the exit status for it.</summary>
    public int Fail(Failure failure)
    {
        Error.WriteLine($"hospes: {failure.Line}");
        return failure.Kind == FailureKind.Interrupted ? ExitStatus.Interrupted : ExitStatus.BadRequest;
    }

    /// <summary>Writes one note to standard error.</summary>
    public void Note(string text) => Error.WriteLine($"hospes: {text}");

    /// <summary>A writer as Spectre wants it, of a size that is known.</summary>
    private sealed class RichOutput(TextWriter writer, bool terminal, int columns, int rows) : IAnsiConsoleOutput
    {
        public TextWriter Writer => writer;

        public bool IsTerminal => terminal;

        public int Width => columns;

        public int Height => rows;

        public void SetEncoding(System.Text.Encoding encoding)
        {
            // The writers of this program write UTF-8 and nothing else.
        }
    }
}
