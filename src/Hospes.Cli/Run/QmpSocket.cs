using System.Net.Sockets;
using Hospes.Cli.CommandLine;
using Hospes.Vmm.Qmp;

namespace Hospes.Cli.Run;

/// <summary>A Unix socket on which everyone of this user may drive a domain over QMP, any number at a time.</summary>
internal sealed class QmpSocket : IDisposable
{
    /// <summary>How long the end of a domain waits for those who are connected to read what they were told.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    private readonly Socket _listener;
    private readonly string _path;
    private readonly CancellationTokenSource _end = new();

    private QmpSocket(Socket listener, string path) => (_listener, _path) = (listener, path);

    /// <summary>Takes the path. Who connects is served from <see cref="Serve"/> on, and waits until then.</summary>
    /// <param name="path">The socket's path; one that is left over from a process that is gone is replaced.</param>
    public static Outcome<QmpSocket> TryListen(string path)
    {
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            if (IsLeftOver(path)) File.Delete(path);
            listener.Bind(new UnixDomainSocketEndPoint(path));
            // Nobody can connect before it listens, so nobody does before only this user may.
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            listener.Listen();
            return new QmpSocket(listener, path);
        }
        catch (Exception fault) when (fault is SocketException or ArgumentException or IOException or UnauthorizedAccessException)
        {
            listener.Dispose();
            return new Failure(FailureKind.Host, $"--qmp '{path}': cannot listen there ({fault.Message.TrimEnd('.')})", "name a path that is not taken, in a folder that can be written");
        }
    }

    /// <summary>Serves everyone who connects.</summary>
    public void Serve(QmpMonitor monitor) => _ = AcceptAsync(monitor);

    /// <summary>Waits until those who are connected have read what they were told, but not for ever.</summary>
    public static void Drain(QmpMonitor monitor) => monitor.DrainAsync(s_patience).GetAwaiter().GetResult();

    /// <summary>Ends all sessions and takes the socket away.</summary>
    public void Dispose()
    {
        _end.Cancel();
        _listener.Dispose();
        File.Delete(_path);
    }

    /// <summary>Whether there is a socket on which nobody listens.</summary>
    private static bool IsLeftOver(string path)
    {
        if (!File.Exists(path)) return false;
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
            return false;
        }
        catch (SocketException fault)
        {
            // A file of another kind refuses, too, and must stay.
            return fault.SocketErrorCode == SocketError.ConnectionRefused && !IsPlain(path);
        }
    }

    /// <summary>Whether the file can be opened: a socket can't (open(2), ENXIO). For reading and writing, which waits for nobody on a FIFO (fifo(7)).</summary>
    private static bool IsPlain(string path)
    {
        try
        {
            using FileStream file = File.Open(path, FileMode.Open, FileAccess.ReadWrite);
            return true;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return fault is UnauthorizedAccessException;
        }
    }

    private async Task AcceptAsync(QmpMonitor monitor)
    {
        try
        {
            while (true)
            {
                Socket peer = await _listener.AcceptAsync(_end.Token).ConfigureAwait(false);
                _ = monitor.ServeAsync(new NetworkStream(peer, ownsSocket: true), _end.Token);
            }
        }
        catch (Exception fault) when (fault is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // The domain is at its end.
        }
    }
}
