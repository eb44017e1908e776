using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Hospes.Domains;
using Hospes.Domains.Storage;

namespace Hospes.Libvirt.Server;

/// <summary>How a server is run.</summary>
public sealed record LibvirtServerOptions
{
    /// <summary>The domains.</summary>
    public required DomainHost Host { get; init; }

    /// <summary>The storage pools.</summary>
    public required StoragePools Pools { get; init; }

    /// <summary>The socket for clients that may change things.</summary>
    public required string SocketPath { get; init; }

    /// <summary>The socket for clients that may only look, or null for none.</summary>
    public string? ReadOnlySocketPath { get; init; }

    /// <summary>The driver's name, as <c>virConnectGetType</c> tells it.</summary>
    public string DriverName { get; init; } = "Hospes";

    /// <summary>The URI that <c>virConnectGetURI</c> tells.</summary>
    public string Uri { get; init; } = "hospes:///session";

    /// <summary>Clients at a time (libvirtd's <c>max_clients</c>); further ones are sent away.</summary>
    public int MaximumClients { get; init; } = 5000;

    /// <summary>The version of Hospes: major times a million, minor times a thousand, release.</summary>
    public ulong Version { get; init; } = 1000;
}

/// <summary>
/// Serves libvirt's protocol at Unix sockets. Who connects is known by the kernel's word (<c>SO_PEERCRED</c>): the user whose daemon it is, and root, may change things at
/// the first socket and look at the second; nobody else gets in.
/// </summary>
public sealed class LibvirtServer : IDisposable
{
    private const int SocketLevel = 1;
    private const int PeerCredentials = 17;
    private readonly LibvirtServerOptions _options;
    private readonly Socket _listener;
    private readonly Socket? _readOnlyListener;
    private readonly ConcurrentDictionary<ClientSession, Task> _clients = new();
    private readonly uint _owner;
    private int _count;
    private volatile bool _closed;

    /// <summary>Opens the sockets; a socket that a dead daemon left is replaced.</summary>
    /// <exception cref="IOException">A socket cannot be opened, or somebody listens there.</exception>
    public LibvirtServer(LibvirtServerOptions options)
    {
        _options = options;
        _owner = OwnUser();
        _listener = Listen(options.SocketPath);
        try
        {
            _readOnlyListener = options.ReadOnlySocketPath is { } path ? Listen(path) : null;
        }
        catch
        {
            _listener.Dispose();
            throw;
        }
    }

    /// <summary>The domains.</summary>
    public DomainHost Host => _options.Host;

    internal LibvirtServerOptions Options => _options;

    internal Attendance Attendance { get; } = new();

    /// <summary>Takes clients from now on.</summary>
    public void Start()
    {
        _ = AcceptAsync(_listener, readOnly: false);
        if (_readOnlyListener is not null) _ = AcceptAsync(_readOnlyListener, readOnly: true);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_closed) return;
        _closed = true;
        _listener.Dispose();
        _readOnlyListener?.Dispose();
        File.Delete(_options.SocketPath);
        if (_options.ReadOnlySocketPath is { } path) File.Delete(path);
        foreach (ClientSession session in _clients.Keys) session.Break();
        Task.WaitAll([.. _clients.Values]);
    }

    private static Socket Listen(string path)
    {
        var address = new UnixDomainSocketEndPoint(path);
        var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            if (File.Exists(path))
            {
                if (IsAlive(address)) throw new IOException($"somebody listens at '{path}' already");
                File.Delete(path);
            }
            listener.Bind(address);
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            listener.Listen(512);
            return listener;
        }
        catch (SocketException fault)
        {
            listener.Dispose();
            throw new IOException($"cannot listen at '{path}': {fault.Message}", fault);
        }
        catch
        {
            listener.Dispose();
            throw;
        }
    }

    private static bool IsAlive(UnixDomainSocketEndPoint address)
    {
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(address);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>This process's user, as a peer would see it.</summary>
    private static uint OwnUser()
    {
        string path = Path.Combine(Path.GetTempPath(), $"hospes-{Guid.NewGuid():N}");
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        try
        {
            listener.Listen(1);
            using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            client.Connect(new UnixDomainSocketEndPoint(path));
            return UserOf(client);
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>The user at the other end (unix(7), <c>struct ucred</c>: process, user, group).</summary>
    private static uint UserOf(Socket socket)
    {
        Span<byte> credentials = stackalloc byte[12];
        socket.GetRawSocketOption(SocketLevel, PeerCredentials, credentials);
        return MemoryMarshal.Read<uint>(credentials[4..]);
    }

    private async Task AcceptAsync(Socket listener, bool readOnly)
    {
        while (!_closed)
        {
            Socket socket;
            try
            {
                socket = await listener.AcceptAsync().ConfigureAwait(false);
            }
            catch (Exception fault) when (fault is SocketException or ObjectDisposedException)
            {
                if (_closed || fault is ObjectDisposedException) return;
                // No descriptors are left, or the client went at once: the next may be luckier.
                await Task.Delay(TimeSpan.FromMilliseconds(10), _options.Host.Clock).ConfigureAwait(false);
                continue;
            }
            uint user;
            try
            {
                user = UserOf(socket);
            }
            catch (SocketException)
            {
                socket.Dispose();
                continue;
            }
            if ((user != _owner && user != 0) || Volatile.Read(ref _count) >= _options.MaximumClients)
            {
                socket.Dispose();
                continue;
            }
            Interlocked.Increment(ref _count);
            var session = new ClientSession(this, socket, readOnly);
            // Known before it can end, so that it is forgotten after.
            var started = new TaskCompletionSource();
            _clients[session] = ServeAsync(session, started.Task);
            started.SetResult();
        }
    }

    private async Task ServeAsync(ClientSession session, Task started)
    {
        await started.ConfigureAwait(false);
        await Task.Yield();
        try
        {
            await session.RunAsync().ConfigureAwait(false);
        }
        finally
        {
            session.Dispose();
            Interlocked.Decrement(ref _count);
            _clients.TryRemove(session, out _);
        }
    }
}
