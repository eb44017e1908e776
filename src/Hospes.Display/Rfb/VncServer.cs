using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Hospes.Display.Rfb;

namespace Hospes.Display;

/// <summary>How a VNC server is to be.</summary>
/// <param name="Place">Where it listens; see <see cref="VncPlace"/>.</param>
/// <param name="WantsPassword">Whether clients need a password; until there is one, none is let in.</param>
public sealed record VncSettings(string Place, bool WantsPassword = false)
{
    /// <summary>The password; null for none yet. Eight bytes of it count.</summary>
    public string? Password { get; init; }
}

/// <summary>One end of a connection.</summary>
/// <param name="Host">The address, or the path of a Unix socket.</param>
/// <param name="Service">The port; empty for a Unix socket.</param>
/// <param name="Family">The kind of address.</param>
public sealed record VncAddress(string Host, string Service, AddressFamily Family);

/// <summary>What happens to a client.</summary>
public enum VncHappening
{
    /// <summary>It connected.</summary>
    Connected,

    /// <summary>It was let in.</summary>
    Initialized,

    /// <summary>It is gone.</summary>
    Disconnected,
}

/// <summary>Shows a guest's first screen to VNC clients (RFC 6143), and hands their keys and pointers to its devices. Thread-safe.</summary>
public sealed class VncServer : IDisposable
{
    /// <summary>How many clients there are at once; further ones are turned away.</summary>
    public const int MostClients = 32;

    /// <summary>How long a client may take until it is let in.</summary>
    public static readonly TimeSpan GreetingTime = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly Socket _listener;
    private readonly EndPoint _point;
    private readonly CancellationTokenSource _over = new();
    private readonly List<(RfbSession Session, VncAddress Address)> _sessions = [];
    private readonly Task _serving;
    private byte[]? _password;

    private VncServer(Socket listener, EndPoint point, VncSettings settings, Seat seat, string name, TimeProvider time)
    {
        _listener = listener;
        _point = point;
        // A listener that was closed can't be asked any more.
        Address = Describe(listener.LocalEndPoint ?? point);
        Settings = settings;
        Seat = seat;
        Name = name;
        Time = time;
        Password = settings.Password;
        _serving = Task.Run(AcceptAsync);
    }

    /// <summary>How it is.</summary>
    public VncSettings Settings { get; }

    /// <summary>Where it listens.</summary>
    public VncAddress Address { get; }

    /// <summary>Those who were let in.</summary>
    public IReadOnlyList<VncAddress> Clients
    {
        get
        {
            lock (_gate) return [.. _sessions.Select(static at => at.Address)];
        }
    }

    /// <summary>Whether clients need a password.</summary>
    public bool WantsPassword => Settings.WantsPassword;

    /// <summary>The password from now on; null to let nobody in who needs one. It can't be read.</summary>
    public string? Password
    {
        set
        {
            byte[]? bytes = value is null ? null : Encoding.UTF8.GetBytes(value);
            lock (_gate) _password = bytes;
        }
    }

    /// <summary>Told what happens to clients, on any thread. It must not block.</summary>
    public Action<VncHappening, VncAddress>? Told { get; set; }

    /// <summary>What clients are told that they see.</summary>
    internal string Name { get; }

    internal Seat Seat { get; }

    internal TimeProvider Time { get; }

    /// <summary>Listens.</summary>
    /// <param name="settings">How it is to be.</param>
    /// <param name="seat">What it shows.</param>
    /// <param name="name">What clients are told that they see.</param>
    /// <param name="time">Where time comes from.</param>
    /// <param name="error">Why not: a clause without a full stop.</param>
    public static VncServer? TryListen(VncSettings settings, Seat seat, string name, TimeProvider time, out string? error)
    {
        error = null;
        if (VncPlace.Parse(settings.Place) is not { } point)
        {
            error = $"'{settings.Place}' is no place to listen; give HOST:DISPLAY or unix:PATH";
            return null;
        }
        try
        {
            return new VncServer(VncPlace.Listen(point), point, settings, seat, name, time);
        }
        catch (Exception refused) when (refused is SocketException or IOException or UnauthorizedAccessException)
        {
            error = $"VNC clients cannot connect to '{settings.Place}': {refused.Message.TrimEnd('.')}";
            return null;
        }
    }

    /// <summary>Ends all sessions and lets nobody connect any more.</summary>
    public void Dispose()
    {
        _over.Cancel();
        _listener.Dispose();
        _serving.GetAwaiter().GetResult();
        if (_point is UnixDomainSocketEndPoint) File.Delete(_point.ToString()!);
        _over.Dispose();
    }

    /// <summary>Whether a client knows the password (RFC 6143, 7.2.2).</summary>
    internal bool IsRight(ReadOnlySpan<byte> challenge, ReadOnlySpan<byte> answer)
    {
        byte[]? password;
        lock (_gate) password = _password;
        if (password is null) return false;
        Span<byte> expected = stackalloc byte[RfbNumbers.ChallengeSize];
        challenge.CopyTo(expected);
        Des.Answer(password, expected);
        return CryptographicOperations.FixedTimeEquals(expected, answer);
    }

    /// <summary>A client wants to be alone (7.3.1).</summary>
    internal void EndOthers(RfbSession session)
    {
        lock (_gate)
        {
            foreach ((RfbSession other, _) in _sessions)
            {
                if (other != session) other.End();
            }
        }
    }

    private static VncAddress Describe(EndPoint? point) => point switch
    {
        IPEndPoint at => new VncAddress(at.Address.ToString(), at.Port.ToString(CultureInfo.InvariantCulture), at.AddressFamily),
        _ => new VncAddress(point?.ToString() ?? "", "", AddressFamily.Unix),
    };

    private async Task AcceptAsync()
    {
        var running = new List<Task>();
        try
        {
            while (true)
            {
                Socket peer = await _listener.AcceptAsync(_over.Token).ConfigureAwait(false);
                running.RemoveAll(static task => task.IsCompleted);
                if (running.Count >= MostClients)
                {
                    peer.Dispose();
                    continue;
                }
                if (peer.ProtocolType == ProtocolType.Tcp) peer.NoDelay = true;
                running.Add(Task.Run(() => ServeAsync(peer)));
            }
        }
        catch (Exception fault) when (fault is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // Nobody else is to come.
        }
        await Task.WhenAll(running).ConfigureAwait(false);
    }

    private async Task ServeAsync(Socket peer)
    {
        VncAddress address = Describe(peer.RemoteEndPoint);
        using var session = new RfbSession(this, new NetworkStream(peer, ownsSocket: true), _over.Token);
        Told?.Invoke(VncHappening.Connected, address);
        try
        {
            await session.RunAsync(() =>
            {
                lock (_gate) _sessions.Add((session, address));
                Told?.Invoke(VncHappening.Initialized, address);
            }).ConfigureAwait(false);
        }
        catch (Exception fault) when (fault is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The client is gone, or the domain.
        }
        lock (_gate) _sessions.RemoveAll(at => at.Session == session);
        Told?.Invoke(VncHappening.Disconnected, address);
    }
}
