using System.Net.Sockets;

namespace Hospes.Libvirt.Server;

/// <summary>
/// Waits a moment for a peer where it is, instead of leaving the thread and being called back: a client that calls again at once is answered without two changes of threads. Only as
/// many threads as the host has processors wait so; where they all do, nobody waits and everything goes on as it would without.
/// </summary>
/// <param name="places">How many may wait at a time.</param>
internal sealed class Patience(int places)
{
    /// <summary>Longer than a client takes between two calls in a row, shorter than anybody would miss a thread.</summary>
    private static readonly TimeSpan Moment = TimeSpan.FromMilliseconds(1);

    private int _free = places;

    /// <summary>Returns when the socket is ready, a moment has passed, or at once.</summary>
    /// <exception cref="SocketException">The peer is gone.</exception>
    /// <exception cref="ObjectDisposedException">The socket is closed.</exception>
    public void WaitFor(Socket socket, SelectMode what)
    {
        try
        {
            if (Interlocked.Decrement(ref _free) >= 0) socket.Poll(Moment, what);
        }
        finally
        {
            Interlocked.Increment(ref _free);
        }
    }
}
