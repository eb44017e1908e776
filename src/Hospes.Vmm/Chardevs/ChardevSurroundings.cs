namespace Hospes.Vmm.Chardevs;

/// <summary>What character devices use of the process that they are in.</summary>
public sealed record ChardevSurroundings
{
    /// <summary>Standard input.</summary>
    public required Stream Input { get; init; }

    /// <summary>Standard output.</summary>
    public required Stream Output { get; init; }

    /// <summary>Lets single keys of a terminal on standard input through, those for signals too unless true is given; gives what puts it back, or null
    /// when there is no terminal.</summary>
    public Func<bool, IDisposable?> EnterRaw { get; init; } = static _ => null;

    /// <summary>Told what people are to know, such as a pseudo-terminal's name: a line.</summary>
    public Action<string> Tell { get; init; } = static _ => { };

    /// <summary>Ends the domain, when a key says so.</summary>
    public Action Quit { get; init; } = static () => { };
}
