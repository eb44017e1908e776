namespace Hospes.Domains.Networks;

/// <summary>Networks in user mode, each served by a process of its own beside the machine: a machine that is confined cannot start it.</summary>
public interface IUserNetwork
{
    /// <summary>The largest packet that guests are told.</summary>
    int Mtu { get; }

    /// <summary>Starts one. It serves one machine, and ends with the connection.</summary>
    /// <param name="domain">The domain; whoever clears up after it finds the process by this.</param>
    Outcome<UserNetworkEnd> Open(Guid domain);

    /// <summary>Ends those of a domain to which nobody connected. No harm if there are none.</summary>
    void Remove(Guid domain);
}

/// <summary>Where a machine connects to a network in user mode.</summary>
/// <param name="socket">The path of the socket, which is gone when this is disposed of; connections stay.</param>
/// <param name="release">Removes it.</param>
public sealed class UserNetworkEnd(string socket, Action release) : IDisposable
{
    /// <summary>The path of the socket.</summary>
    public string Socket => socket;

    /// <inheritdoc/>
    public void Dispose() => release();
}
