namespace Hospes.Cli.CommandLine;

/// <summary>Why a command did not do what it was asked: closed, one member per consequence.</summary>
internal enum FailureKind
{
    /// <summary>The arguments are wrong.</summary>
    Arguments,

    /// <summary>A file or folder of this host cannot be read, written or found.</summary>
    File,

    /// <summary>A server could not be reached or broke off.</summary>
    Network,

    /// <summary>A server answered, and what was asked for is not there.</summary>
    NotThere,

    /// <summary>What arrived is not what its publisher described: a size, a checksum or a signature differs.</summary>
    Integrity,

    /// <summary>The bytes do not follow their format.</summary>
    Format,

    /// <summary>This host lacks something that the command needs.</summary>
    Host,

    /// <summary>The person interrupted the command.</summary>
    Interrupted,
}

/// <summary>One failure as people read it: what was wrong and what to do about it.</summary>
/// <param name="Kind">The consequence.</param>
/// <param name="Cause">What was wrong: one clause, no full stop, names the file, address or option.</param>
/// <param name="Remedy">What to do: one clause in the imperative, no full stop.</param>
internal sealed record Failure(FailureKind Kind, string Cause, string Remedy)
{
    /// <summary>The line that goes to standard error, without the program's name.</summary>
    public string Line => OneLine($"{Cause}; {Remedy}");

    private static string OneLine(string text) =>
        string.Create(text.Length, text, static (span, source) =>
        {
            // Names and server answers are foreign text: a control character must not reach the terminal.
            for (int i = 0; i < span.Length; i++) span[i] = char.IsControl(source[i]) ? ' ' : source[i];
        });
}

/// <summary>A value, or the failure that stands in its place.</summary>
/// <typeparam name="T">The type of the value.</typeparam>
internal readonly struct Outcome<T>
    where T : notnull
{
    private readonly T? _value;

    /// <summary>A value. The conversion does the same, but C# offers none from an interface.</summary>
    public Outcome(T value)
        : this(value, null)
    {
    }

    private Outcome(T? value, Failure? failure)
    {
        _value = value;
        Failure = failure;
    }

    /// <summary>The failure, or null when there is a value.</summary>
    public Failure? Failure { get; }

    /// <summary>The value. Reading it without one is a fault of the caller.</summary>
    public T Value => Failure is null && _value is not null ? _value : throw new InvalidOperationException("an outcome without a value was read");

    /// <summary>Splits the outcome: true and the value, or false and the failure.</summary>
    public bool Succeeded(
        [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out T? result,
        [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out Failure? failure)
    {
        result = _value;
        failure = Failure ?? (_value is null ? throw new InvalidOperationException("an outcome that was never set was read") : null);
        return failure is null;
    }

    public static implicit operator Outcome<T>(T value) => new(value, null);

    public static implicit operator Outcome<T>(Failure failure) => new(default, failure);
}
