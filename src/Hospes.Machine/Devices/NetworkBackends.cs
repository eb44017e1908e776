using System.Diagnostics.CodeAnalysis;
using Hospes.Network;
using Hospes.Virtio;

namespace Hospes.Machine;

/// <summary>One way for frames out of the domain, and back: what QEMU calls a netdev.</summary>
public sealed class NetworkBackend
{
    internal NetworkBackend(NetworkOptions options, LinkBackend link) => (Options, Link) = (options, link);

    /// <summary>Its name; null for one that can't be asked for.</summary>
    public string? Name => Options.Backend;

    /// <summary>What it is made of.</summary>
    public NetworkOptions Options { get; }

    /// <summary>The card that uses it, or null.</summary>
    public NetworkCard? Card { get; internal set; }

    internal LinkBackend Link { get; }
}

/// <summary>What is behind a network device over all lives of the domain.</summary>
public sealed class NetworkCard
{
    private readonly NetSettings _settings;
    private readonly LinkBackend _link;
    private NetDevice? _device;
    private bool _isUp = true, _isTold = true;

    internal NetworkCard(NetworkBackend backend, NetworkOptions options, NetSettings settings, TimeProvider time)
    {
        Options = options;
        Gate = new RequestGate(time) { Limits = options.Limits };
        _link = backend.Link;
        _settings = settings with { Gate = Gate };
        backend.Card = this;
        _link.IsCut = false;
    }

    /// <summary>What lets frames of the guest pass; its limits can be changed at any time.</summary>
    public RequestGate Gate { get; }

    /// <summary>What the card is made of.</summary>
    public NetworkOptions Options { get; }

    /// <summary>The device's name; null for none.</summary>
    public string? Name => Options.Id;

    /// <summary>Whether the cable is plugged in, so to speak. Whoever sets it lets <see cref="TellLink"/> follow.</summary>
    public bool IsUp
    {
        get => Volatile.Read(ref _isUp);
        set
        {
            Volatile.Write(ref _isUp, value);
            _link.IsCut = !value;
        }
    }

    /// <summary>Tells the guest of the current life of a link that it was not told yet. The life lasts at least as long as the call.</summary>
    public void TellLink()
    {
        bool isUp = IsUp;
        if (_isTold == isUp) return;
        _isTold = isUp;
        _device?.SetLink(isUp);
    }

    /// <summary>Makes the device for a life.</summary>
    internal NetDevice MakeDevice()
    {
        _device = new NetDevice(_link, _settings);
        _isTold = IsUp;
        if (!_isTold) _device.SetLink(false);
        return _device;
    }
}

/// <summary>A domain's network backends. It owns their links. Thread-safe.</summary>
public sealed class NetworkBackends : IDisposable
{
    private readonly Lock _gate = new();
    private readonly List<NetworkBackend> _backends = [];

    /// <summary>The backends, the newest last.</summary>
    public IReadOnlyList<NetworkBackend> All
    {
        get
        {
            lock (_gate) return [.. _backends];
        }
    }

    /// <summary>Finds a backend.</summary>
    /// <param name="name">Its name.</param>
    public NetworkBackend? Find(string name)
    {
        lock (_gate) return _backends.Find(backend => backend.Name == name);
    }

    /// <summary>Opens a backend. Its name must be free.</summary>
    /// <param name="options">What it is made of.</param>
    /// <param name="backend">The backend.</param>
    /// <param name="failure">Why not.</param>
    public bool TryAdd(NetworkOptions options, [NotNullWhen(true)] out NetworkBackend? backend, [NotNullWhen(false)] out DeviceFailure? failure)
    {
        lock (_gate)
        {
            NetworkFailure? refused = Open(options, out INetworkLink? link);
            failure = refused is null ? null : new DeviceFailure(refused.Cause, refused.Remedy);
            backend = link is null ? null : new NetworkBackend(options, new LinkBackend(link));
            if (backend is not null) _backends.Add(backend);
            return backend is not null;
        }
    }

    /// <summary>Takes a backend from its card, which is no longer there.</summary>
    internal void Release(NetworkCard card)
    {
        lock (_gate)
        {
            if (_backends.Find(backend => backend.Card == card) is { } backend) backend.Card = null;
        }
    }

    /// <summary>Closes a backend. The card that used it stays, with its link down for good.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>Whether there was one.</returns>
    public bool TryRemove(string name)
    {
        lock (_gate)
        {
            if (_backends.Find(backend => backend.Name == name) is not { } backend) return false;
            _backends.Remove(backend);
            backend.Link.Dispose();
            return true;
        }
    }

    /// <summary>Closes all.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            foreach (NetworkBackend backend in _backends) backend.Link.Dispose();
            _backends.Clear();
        }
    }

    private static NetworkFailure? Open(NetworkOptions options, out INetworkLink? link)
    {
        NetworkFailure? failure;
        switch (options)
        {
            case UserNetworkOptions user:
                failure = PasstLink.TryStart(user.Forwards, out PasstLink? passt);
                link = passt;
                return failure;
            case TapNetworkOptions tap:
                failure = TapLink.TryOpen(tap.Name, out TapLink? device);
                link = device;
                return failure;
            case StreamNetworkOptions stream:
                failure = stream.Listens ? StreamLink.TryListen(stream.Path, out StreamLink? socket) : StreamLink.TryConnect(stream.Path, out socket);
                link = socket;
                return failure;
            case TcpNetworkOptions tcp:
                failure = tcp.Listens ? StreamLink.TryListen(tcp.Point, out StreamLink? listener) : StreamLink.TryConnect(tcp.Point, out listener);
                link = listener;
                return failure;
            case DatagramNetworkOptions datagram:
                failure = DatagramLink.TryOpen(datagram.Local, datagram.Remote, out DatagramLink? udp);
                link = udp;
                return failure;
            default:
                throw new ArgumentException("a network of no known kind", nameof(options));
        }
    }
}
