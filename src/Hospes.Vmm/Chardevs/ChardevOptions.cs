using System.Net;

namespace Hospes.Vmm.Chardevs;

/// <summary>A character device of the host, as <c>-chardev</c> describes it: a closed set of kinds.</summary>
/// <param name="Id">Its name, unique among a domain's character devices.</param>
public abstract record ChardevOptions(string Id)
{
    /// <summary>Whether several may use it at once, one of which has the keyboard (Ctrl-A C gives it to the next).</summary>
    public bool Mux { get; init; }

    /// <summary>The option that asked for it, as it was given, to stand in front of what is wrong; null for none.</summary>
    public string? Origin { get; init; }
}

/// <summary>A stream socket: a Unix socket or TCP. One peer is served after the other.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Address">Where it is: a <see cref="System.Net.Sockets.UnixDomainSocketEndPoint"/>, or an address and a port.</param>
public sealed record SocketChardevOptions(string Id, EndPoint Address) : ChardevOptions(Id)
{
    /// <summary>Whether this side listens; else it connects.</summary>
    public bool Server { get; init; }

    /// <summary>Whether a domain waits for the first peer before it goes on.</summary>
    public bool Wait { get; init; }

    /// <summary>How long this side waits before it connects again; null when it does so once only. Not for servers.</summary>
    public TimeSpan? Reconnect { get; init; }
}

/// <summary>Standard input and output of the process.</summary>
/// <param name="Id">Its name.</param>
public sealed record StdioChardevOptions(string Id) : ChardevOptions(Id)
{
    /// <summary>Whether Ctrl-C on a terminal ends the process, rather than being a key like others.</summary>
    public bool Signal { get; init; } = true;
}

/// <summary>A pseudo-terminal, whose name is told when it is opened.</summary>
/// <param name="Id">Its name.</param>
public sealed record PtyChardevOptions(string Id) : ChardevOptions(Id);

/// <summary>A file that is written.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Path">The file's path.</param>
public sealed record FileChardevOptions(string Id, string Path) : ChardevOptions(Id)
{
    /// <summary>Whether what is there already stays; else the file is emptied first.</summary>
    public bool Append { get; init; }
}

/// <summary>Nothing: what is written is gone, and nothing is ever read.</summary>
/// <param name="Id">Its name.</param>
public sealed record NullChardevOptions(string Id) : ChardevOptions(Id);

/// <summary>Memory that keeps what was written last.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Size">How many bytes it keeps: a power of two.</param>
public sealed record RingbufChardevOptions(string Id, int Size) : ChardevOptions(Id)
{
    internal const ulong UsualSize = 65536;

    internal const string SizeError = "size of ringbuf chardev must be power of two";

    internal static bool IsPossible(ulong size) => size is > 0 and <= 1 << 30 && ulong.IsPow2(size);
}
