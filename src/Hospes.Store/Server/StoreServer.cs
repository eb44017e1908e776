using System.Buffers.Binary;
using System.Security.Cryptography;
using Hospes.Store.Engine;
using Hospes.Store.Metrics;
using Hospes.Store.Native;
using Hospes.Store.Persistence;
using Hospes.Store.Quotas;
using Hospes.Store.Requests;
using Hospes.Store.Transactions;
using Hospes.Store.Wire;

namespace Hospes.Store.Server;

/// <summary>
/// A XenStore server: the store, its sockets and rings, on one thread of its own. Public members may be called from any thread.
/// </summary>
public sealed partial class StoreServer : IDisposable
{
    private readonly StoreServerOptions _options;
    private readonly StoreMetrics _metrics = new();
    private readonly StoreLoop _loop;
    private StoreJournal? _journal;
    private Thread? _thread;
    private bool _isDisposed;

    /// <summary>A successor has the sockets; their files are its own now.</summary>
    private bool _isHandedOver;

    /// <summary>Opens the sockets and the data directory. Requests are served after <see cref="Start"/> or <see cref="Run"/>.</summary>
    /// <param name="options">The set-up.</param>
    /// <exception cref="IOException">A socket or the data directory cannot be opened.</exception>
    public StoreServer(StoreServerOptions options) : this(options, listen: true)
    {
    }

    private StoreServer(StoreServerOptions options, bool listen)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
        Span<byte> random = stackalloc byte[8];
        RandomNumberGenerator.Fill(random);
        State = new StoreState(options.Quotas, options.Limits, options.Clock, options.Log, options.Seed ?? BinaryPrimitives.ReadUInt64LittleEndian(random)) { Observer = _metrics };
        Transactions = new TransactionManager(State);
        _loop = new StoreLoop(State, Transactions, _metrics);
        _loop.Processor = Processor = new RequestProcessor(State, Transactions, new Host(this));
        try
        {
            State.CreateInitialNodes();
            if (options.Rehearses) Rehearsal.Run();
            if (!listen) return;
            if (options.DataDirectory is { } directory) Keep(StoreJournal.Open(directory, State, options.Sync));
            Listen();
        }
        catch
        {
            _loop.Dispose();
            _journal?.Dispose();
            throw;
        }
    }

    internal StoreState State { get; }

    internal TransactionManager Transactions { get; }

    internal RequestProcessor Processor { get; }

    internal StoreLoop Loop => _loop;

    /// <summary>Completes when the server has stopped.</summary>
    public bool IsRunning => _thread is { IsAlive: true };

    private void Keep(StoreJournal journal)
    {
        _journal = journal;
        _loop.Tasks.Add(journal);
    }

    private void Listen()
    {
        const int everybody = 0x1B6, owner = 0x180;
        if (_options.SocketPath is { } path) _loop.AddListener(Linux.Listen(path, owner), XsWire.ControlDomain, isReadOnly: false);
        if (_options.ReadOnlySocketPath is { } readOnly) _loop.AddListener(Linux.Listen(readOnly, everybody), XsWire.ControlDomain, isReadOnly: true);
        foreach ((ushort domain, string guestPath) in _options.GuestSocketPaths)
        {
            DomainState guest = State.DomainOf(domain);
            guest.IsIntroduced = true;
            _loop.AddListener(Linux.Listen(guestPath, owner), domain, isReadOnly: false);
        }
    }

    /// <summary>Serves on a thread of its own.</summary>
    public void Start()
    {
        _thread = new Thread(Run) { Name = "store", IsBackground = true };
        _thread.Start();
    }

    /// <summary>Serves on the calling thread until <see cref="Stop"/>.</summary>
    public void Run() => _loop.Run();

    /// <summary>Makes the server end; does not wait.</summary>
    public void Stop() => _loop.Stop();

    /// <summary>Carries out an action on the store's thread and waits for it.</summary>
    internal void Invoke(Action action)
    {
        if (_thread is null || !_thread.IsAlive)
        {
            action();
            return;
        }
        using var done = new ManualResetEventSlim();
        Exception? failure = null;
        _loop.Post(() =>
        {
            try
            {
                action();
            }
            catch (Exception exception)
            {
                failure = exception;
            }
            done.Set();
        });
        done.Wait();
        if (failure is not null) throw new InvalidOperationException("The action failed on the store's thread.", failure);
    }

    /// <summary>Ends the server and removes its sockets.</summary>
    public void Dispose()
    {
        if (_isDisposed) return;
        _isDisposed = true;
        _loop.Stop();
        if (_thread is not null && _thread != Thread.CurrentThread) _thread.Join();
        _loop.Dispose();
        _journal?.Dispose();
        _metrics.Dispose();
        if (_isHandedOver) return;
        foreach (string? path in new[] { _options.SocketPath, _options.ReadOnlySocketPath }.Concat(_options.GuestSocketPaths.Values))
            if (path is not null) File.Delete(path);
    }

    /// <summary>What the store asks of its process.</summary>
    private sealed class Host(StoreServer server) : IDomainHost
    {
        public bool MayExist(ushort domain) => domain < XsWire.FirstReservedDomain;

        public XsError Introduce(DomainState domain, ulong gfn, uint eventChannel)
        {
            server.ConnectRing(domain);
            return XsError.None;
        }

        public void Release(DomainState domain)
        {
            server.DisconnectRing(domain);
            foreach (SocketConnection connection in server._loop.Connections.Where(c => c.Session.Domain == domain).ToArray()) connection.Close();
        }

        public StoreMetrics? Metrics => server._metrics;

        public bool TryOpenLog(string path)
        {
            try
            {
                server.State.Log = new FileStoreLog(path);
                return true;
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException)
            {
                return false;
            }
        }

        public bool TryReportMemory(string? path, string report)
        {
            if (path is null)
            {
                server.State.Log?.Write(report);
                return server.State.Log is not null;
            }
            try
            {
                File.AppendAllText(path, report);
                return true;
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException)
            {
                return false;
            }
        }

        public string? LiveUpdate(IReadOnlyList<string> arguments, Session session, in XsHeader header) => server.LiveUpdate(arguments, session);
    }
}
