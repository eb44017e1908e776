namespace Hospes.Storage;

/// <summary>An error together with what exactly was found.</summary>
/// <param name="Error">The error; never <see cref="StorageError.None"/>.</param>
/// <param name="Detail">Names and figures of the case at hand, or null. It can hold text from the image: treat it as foreign.</param>
public sealed record StorageFailure(StorageError Error, string? Detail = null)
{
    /// <summary>Cause, with the detail in parentheses: a clause without a full stop.</summary>
    public string Cause => $"{StorageErrors.Cause(Error)}{(Detail is null ? "" : $" ({Detail})")}";

    /// <summary>What to do about it: a clause without a full stop.</summary>
    public string Remedy => StorageErrors.Remedy(Error);

    /// <summary>One line: cause, detail, remedy.</summary>
    public string Message => $"{Cause}; {Remedy}";

    /// <inheritdoc/>
    public override string ToString() => Message;
}
