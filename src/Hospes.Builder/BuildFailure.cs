namespace Hospes.Builder;

/// <summary>An error together with what exactly was found.</summary>
/// <param name="Error">The error.</param>
/// <param name="Detail">Figures and names of the case at hand, or null.</param>
public sealed record BuildFailure(BuildError Error, string? Detail = null)
{
    /// <summary>One line: cause, detail in parentheses, remedy.</summary>
    public string Message => $"{BuildErrors.Cause(Error)}{(Detail is null ? "" : $" ({Detail})")}; {BuildErrors.Remedy(Error)}";

    /// <inheritdoc/>
    public override string ToString() => Message;
}
