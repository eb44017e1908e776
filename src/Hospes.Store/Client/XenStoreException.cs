using Hospes.Store.Wire;

namespace Hospes.Store.Client;

/// <summary>The server refused a request.</summary>
public sealed class XenStoreException : Exception
{
    /// <summary>Makes the exception of an error reply.</summary>
    /// <param name="error">What the server answered.</param>
    /// <param name="what">The request, for the message.</param>
    public XenStoreException(XsError error, string what)
        : base($"{what}: {System.Text.Encoding.ASCII.GetString(XsErrorNames.ToWire(error))}") => Error = error;

    /// <summary>What the server answered.</summary>
    public XsError Error { get; }
}

/// <summary>One firing of a watch.</summary>
/// <param name="Path">The path that changed, relative if the watch was; or the watched path itself.</param>
/// <param name="Token">The watch's token.</param>
public readonly record struct WatchEvent(string Path, string Token);
