namespace Hospes.Domains;

/// <summary>Why an operation on domains did not do what was asked: a closed set. Each has one counterpart in libvirt's <c>virErrorNumber</c>.</summary>
public enum DomainError
{
    /// <summary>No error.</summary>
    None,

    /// <summary>No domain has that id, name or UUID.</summary>
    NoDomain,

    /// <summary>The text is no well-formed XML document, or passes a limit on size or depth.</summary>
    MalformedXml,

    /// <summary>The XML does not describe a domain: something is missing, doubled, or has a value that it cannot have.</summary>
    InvalidXml,

    /// <summary>The XML has elements or attributes that no domain has, and the caller asked for them to be refused.</summary>
    UnknownXml,

    /// <summary>The XML describes a domain that the machine cannot be.</summary>
    UnsupportedConfiguration,

    /// <summary>The domain is not in a state in which this can be done.</summary>
    InvalidState,

    /// <summary>An argument that never makes sense.</summary>
    InvalidArgument,

    /// <summary>A flag or argument that this host does not know.</summary>
    UnsupportedArgument,

    /// <summary>The operation is known, but cannot be done for this domain on this host.</summary>
    UnsupportedOperation,

    /// <summary>The operation was tried and failed.</summary>
    OperationFailed,

    /// <summary>The operation was given up at somebody's wish.</summary>
    Aborted,

    /// <summary>The domain or a limit of the host does not allow it now; later it may.</summary>
    Busy,

    /// <summary>The domain's process did not answer in time.</summary>
    Timeout,

    /// <summary>The host's file system or processes refused.</summary>
    System,

    /// <summary>The domain has no metadata of that kind.</summary>
    NoMetadata,

    /// <summary>The domain has no such device.</summary>
    NoDevice,

    /// <summary>No storage pool has that name or UUID.</summary>
    NoPool,

    /// <summary>No volume has that name or path.</summary>
    NoVolume,

    /// <summary>There is a volume of that name.</summary>
    VolumeExists,

    /// <summary>No network has that name or UUID.</summary>
    NoNetwork,

    /// <summary>A program of the host's owner did not agree, or failed.</summary>
    HookFailed,
}

/// <summary>An error with what exactly was found.</summary>
/// <param name="Error">The error; never <see cref="DomainError.None"/>.</param>
/// <param name="Detail">A clause about the case at hand. It may hold text from outside.</param>
public sealed record DomainFailure(DomainError Error, string Detail)
{
    /// <inheritdoc/>
    public override string ToString() => $"{Error}: {Detail}";
}

/// <summary>A value, or why there is none.</summary>
/// <typeparam name="T">The type of the value.</typeparam>
public readonly struct Outcome<T>
{
    private readonly T? _value;

    private Outcome(T? value, DomainFailure? failure)
    {
        _value = value;
        Failure = failure;
    }

    /// <summary>Why there is no value; null when there is one.</summary>
    public DomainFailure? Failure { get; }

    /// <summary>Whether there is a value.</summary>
    public bool Succeeded => Failure is null;

    /// <summary>The value.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public T Value => Failure is null ? _value! : throw new InvalidOperationException(Failure.ToString());

    /// <summary>A value.</summary>
    public static implicit operator Outcome<T>(T value) => new(value, null);

    /// <summary>A failure.</summary>
    public static implicit operator Outcome<T>(DomainFailure failure) => new(default, failure);
}

/// <summary>The value of operations that have none.</summary>
public readonly record struct Done;
