using System.Collections.Concurrent;
using System.Globalization;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Text;
using System.Threading.Channels;
using Hospes.Store.Wire;

namespace Hospes.Store.Client;

/// <summary>
/// A client of a XenStore server at a Unix socket: one connection that any number of callers share. All members may be called from any
/// thread; requests leave in the order of the calls, and any number may be under way.
/// </summary>
public sealed class XenStoreClient : XenStoreView, IAsyncDisposable
{
    private readonly Socket _socket;
    private readonly SemaphoreSlim _sending = new(1, 1);
    private readonly ConcurrentDictionary<uint, TaskCompletionSource<byte[]>> _waiting = new();
    private readonly ConcurrentDictionary<string, Channel<WatchEvent>> _watches = new();
    private readonly CancellationTokenSource _closing = new();
    private readonly Task _receiver;
    private uint _nextRequest;
    private long _nextToken;
    private Exception? _lost;

    private XenStoreClient(Socket socket)
    {
        _socket = socket;
        _receiver = Task.Run(ReceiveAsync);
    }

    /// <summary>Where the server is expected: the variable XENSTORED_PATH, else the socket that Xen's tools use.</summary>
    public static string DefaultPath => Environment.GetEnvironmentVariable("XENSTORED_PATH") is { Length: > 0 } path
        ? path
        : $"{Environment.GetEnvironmentVariable("XENSTORED_RUNDIR") ?? "/run/xenstored"}/socket";

    /// <summary>Connects.</summary>
    /// <param name="path">The server's socket; null for <see cref="DefaultPath"/>.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="SocketException">Nobody listens there.</exception>
    public static async Task<XenStoreClient> ConnectAsync(string? path = null, CancellationToken cancellation = default)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path ?? DefaultPath), cancellation).ConfigureAwait(false);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
        return new XenStoreClient(socket);
    }

    private protected override Task<byte[]> CallAsync(XsMessageType type, ReadOnlyMemory<byte> payload, CancellationToken cancellation) => CallAsync(type, payload, 0, cancellation);

    /// <summary>Sends any request and waits for its reply's payload. A cancelled call's reply is dropped when it comes.</summary>
    /// <param name="type">The message type.</param>
    /// <param name="payload">The payload, at most 4096 bytes.</param>
    /// <param name="transaction">The transaction, or 0.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    /// <exception cref="XenStoreException">The server refused; E2BIG without asking it when the payload is too long.</exception>
    /// <exception cref="IOException">The connection is lost.</exception>
    public async Task<byte[]> CallAsync(XsMessageType type, ReadOnlyMemory<byte> payload, uint transaction, CancellationToken cancellation = default)
    {
        if (payload.Length > XsWire.PayloadMax) throw new XenStoreException(XsError.TooBig, type.ToString());
        uint id = Interlocked.Increment(ref _nextRequest);
        var reply = new TaskCompletionSource<byte[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        _waiting[id] = reply;
        try
        {
            if (_lost is not null) throw new IOException("The connection to the store is lost.", _lost);
            var message = new byte[XsWire.HeaderSize + payload.Length];
            XsWire.WriteHeader(message, type, id, transaction, payload.Length);
            payload.CopyTo(message.AsMemory(XsWire.HeaderSize));
            await _sending.WaitAsync(cancellation).ConfigureAwait(false);
            try
            {
                // A message must leave whole or not at all: no cancellation once it has begun.
                for (int sent = 0; sent < message.Length;)
                    sent += await _socket.SendAsync(message.AsMemory(sent), SocketFlags.None, CancellationToken.None).ConfigureAwait(false);
            }
            catch (SocketException lost)
            {
                throw new IOException("The connection to the store is lost.", lost);
            }
            finally
            {
                _sending.Release();
            }
            return await reply.Task.WaitAsync(cancellation).ConfigureAwait(false);
        }
        catch (XenStoreException refused)
        {
            throw new XenStoreException(refused.Error, Describe(type, payload.Span));
        }
        finally
        {
            _waiting.TryRemove(id, out _);
        }
    }

    private static string Describe(XsMessageType type, ReadOnlySpan<byte> payload)
    {
        int nul = payload.IndexOf((byte)0);
        return nul <= 0 ? type.ToString() : $"{type} {Encoding.UTF8.GetString(payload[..nul])}";
    }

    /// <summary>
    /// Watches a path: first the event that every new watch gives, then one for each change, until the enumeration is left or cancelled.
    /// </summary>
    /// <param name="path">The path, or a special one such as @releaseDomain.</param>
    /// <param name="depth">Levels below the path that count; null for all.</param>
    /// <param name="cancellation">Ends the watch.</param>
    public async IAsyncEnumerable<WatchEvent> WatchAsync(string path, int? depth = null, [EnumeratorCancellation] CancellationToken cancellation = default)
    {
        string token = string.Create(CultureInfo.InvariantCulture, $"hospes-{Interlocked.Increment(ref _nextToken)}");
        var events = Channel.CreateUnbounded<WatchEvent>(new UnboundedChannelOptions { SingleReader = true });
        _watches[token] = events;
        try
        {
            string[] words = depth is { } levels ? [path, token, levels.ToString(CultureInfo.InvariantCulture)] : [path, token];
            await CallAsync(XsMessageType.Watch, Strings(words), 0, cancellation).ConfigureAwait(false);
            try
            {
                await foreach (WatchEvent fired in events.Reader.ReadAllAsync(cancellation).ConfigureAwait(false)) yield return fired;
            }
            finally
            {
                if (_lost is null && !_closing.IsCancellationRequested) await UnwatchAsync(path, token).ConfigureAwait(false);
            }
        }
        finally
        {
            _watches.TryRemove(token, out _);
        }
    }

    private async Task UnwatchAsync(string path, string token)
    {
        try
        {
            await CallAsync(XsMessageType.Unwatch, Strings(path, token), 0, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception gone) when (gone is IOException or XenStoreException or ObjectDisposedException)
        {
            // The connection took the watch with it.
        }
    }

    /// <summary>Carries out an action in a transaction, again from the start as often as it meets a conflict.</summary>
    /// <param name="action">What to do; must be harmless to repeat.</param>
    /// <param name="cancellation">Gives up between attempts and during each.</param>
    public Task RunAsync(Func<XenStoreTransaction, Task> action, CancellationToken cancellation = default) => RunAsync(
        async transaction =>
        {
            await action(transaction).ConfigureAwait(false);
            return true;
        }, cancellation);

    /// <summary>Carries out a function in a transaction, again from the start as often as it meets a conflict.</summary>
    /// <typeparam name="T">The function's result.</typeparam>
    /// <param name="function">What to do; must be harmless to repeat.</param>
    /// <param name="cancellation">Gives up between attempts and during each.</param>
    /// <returns>The result of the attempt that was committed.</returns>
    public async Task<T> RunAsync<T>(Func<XenStoreTransaction, Task<T>> function, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(function);
        while (true)
        {
            uint id = uint.Parse(Split(await CallAsync(XsMessageType.TransactionStart, Strings(""), 0, cancellation).ConfigureAwait(false))[0], CultureInfo.InvariantCulture);
            T result;
            try
            {
                result = await function(new XenStoreTransaction(this, id)).ConfigureAwait(false);
            }
            catch
            {
                await AbandonAsync(id).ConfigureAwait(false);
                throw;
            }
            try
            {
                await CallAsync(XsMessageType.TransactionEnd, Strings("T"), id, cancellation).ConfigureAwait(false);
                return result;
            }
            catch (XenStoreException refused) when (refused.Error == XsError.TryAgain)
            {
                cancellation.ThrowIfCancellationRequested();
            }
        }
    }

    private async Task AbandonAsync(uint id)
    {
        try
        {
            await CallAsync(XsMessageType.TransactionEnd, Strings("F"), id, CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception gone) when (gone is IOException or XenStoreException or ObjectDisposedException)
        {
            // Nothing of the transaction is left either way.
        }
    }

    /// <summary>A domain's base path.</summary>
    /// <param name="domain">The domain id.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public async Task<string> GetDomainPathAsync(ushort domain, CancellationToken cancellation = default) =>
        Split(await CallAsync(XsMessageType.GetDomainPath, Strings(domain.ToString(CultureInfo.InvariantCulture)), 0, cancellation).ConfigureAwait(false))[0];

    /// <summary>Sends a control command and gives its answer.</summary>
    /// <param name="words">The command and its parameters.</param>
    /// <param name="cancellation">Gives up waiting.</param>
    public async Task<string> ControlAsync(IEnumerable<string> words, CancellationToken cancellation = default) =>
        Encoding.UTF8.GetString(await CallAsync(XsMessageType.Control, Strings(words), 0, cancellation).ConfigureAwait(false)).TrimEnd('\0');

    private async Task ReceiveAsync()
    {
        var buffer = new byte[64 * 1024];
        int end = 0;
        Exception lost;
        try
        {
            while (true)
            {
                int received = await _socket.ReceiveAsync(buffer.AsMemory(end), SocketFlags.None, _closing.Token).ConfigureAwait(false);
                if (received == 0) throw new IOException("The server closed the connection.");
                end += received;
                int start = 0;
                while (end - start >= XsWire.HeaderSize)
                {
                    XsHeader header = XsHeader.Read(buffer.AsSpan(start));
                    if (header.Length > XsWire.PayloadMax) throw new IOException("The server sent a payload longer than the protocol allows.");
                    int length = XsWire.HeaderSize + (int)header.Length;
                    if (end - start < length) break;
                    Take(header, buffer.AsSpan(start + XsWire.HeaderSize, (int)header.Length));
                    start += length;
                }
                buffer.AsSpan(start, end - start).CopyTo(buffer);
                end -= start;
            }
        }
        catch (Exception failure) when (failure is IOException or SocketException or OperationCanceledException or ObjectDisposedException)
        {
            lost = failure;
        }
        _lost = lost;
        foreach (TaskCompletionSource<byte[]> waiting in _waiting.Values) waiting.TrySetException(new IOException("The connection to the store is lost.", lost));
        foreach (Channel<WatchEvent> events in _watches.Values) events.Writer.TryComplete(new IOException("The connection to the store is lost.", lost));
    }

    private void Take(in XsHeader header, ReadOnlySpan<byte> payload)
    {
        var type = (XsMessageType)header.Type;
        if (type == XsMessageType.WatchEvent)
        {
            string[] words = Split(payload);
            if (words.Length >= 2 && _watches.TryGetValue(words[1], out Channel<WatchEvent>? events)) events.Writer.TryWrite(new WatchEvent(words[0], words[1]));
        }
        else if (_waiting.TryRemove(header.RequestId, out TaskCompletionSource<byte[]>? reply))
        {
            if (type == XsMessageType.Error) reply.TrySetException(new XenStoreException(XsErrorNames.FromWire(payload.TrimEnd((byte)0)), "request"));
            else reply.TrySetResult(payload.ToArray());
        }
    }

    /// <summary>Closes the connection; what waits fails with <see cref="IOException"/>.</summary>
    public async ValueTask DisposeAsync()
    {
        await _closing.CancelAsync().ConfigureAwait(false);
        await _receiver.ConfigureAwait(false);
        _socket.Dispose();
        _sending.Dispose();
        _closing.Dispose();
    }
}
