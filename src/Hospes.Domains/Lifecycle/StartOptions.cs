namespace Hospes.Domains.Lifecycle;

/// <summary>How a domain is started.</summary>
public sealed record StartOptions
{
    /// <summary>Whether its processors are held at first.</summary>
    public bool Paused { get; init; }

    /// <summary>Whether the domain ends with whoever starts it: the host's next daemon ends it, if nobody did before.</summary>
    public bool AutoDestroy { get; init; }

    /// <summary>Ends the start, with everything undone.</summary>
    public CancellationToken Cancellation { get; init; }
}
