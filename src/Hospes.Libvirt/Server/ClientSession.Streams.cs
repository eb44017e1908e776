using System.Collections.Concurrent;
using Hospes.Libvirt.Wire;

namespace Hospes.Libvirt.Server;

internal sealed partial class ClientSession
{
    /// <summary>Streams of one client at a time.</summary>
    private const int MaximumStreams = 16;

    private readonly ConcurrentDictionary<uint, OpenStream> _streams = new();

    /// <summary>Connects a stream to the call that asked for it, which is answered first.</summary>
    /// <returns>Whether there was room.</returns>
    public bool TryOpenStream(int procedure, uint serial, Stream stream)
    {
        var open = new OpenStream(procedure, serial, stream);
        if (_streams.Count >= MaximumStreams || !_streams.TryAdd(serial, open)) return false;
        return true;
    }

    /// <summary>Sends what comes out of a stream, from now on.</summary>
    public void StartStream(uint serial)
    {
        if (_streams.TryGetValue(serial, out OpenStream? open) && open.Stream.CanRead) _ = PumpAsync(open);
    }

    private void EndStreams()
    {
        foreach (OpenStream open in _streams.Values) Close(open);
    }

    private void Close(OpenStream open)
    {
        _streams.TryRemove(open.Serial, out _);
        open.End.Cancel();
        open.Stream.Dispose();
    }

    private async Task PumpAsync(OpenStream open)
    {
        byte[] buffer = new byte[Math.Min(WireLimits.StreamData, 65536)];
        try
        {
            while (true)
            {
                int count = await open.Stream.ReadAsync(buffer, open.End.Token).ConfigureAwait(false);
                _outgoing.Send(Header(open.Procedure, MessageType.Stream, open.Serial, MessageStatus.Continue), buffer.AsMemory(0, count), static (writer, bytes) => writer.Raw(bytes.Span));
                // Nothing at all means the end; the client closes its side then.
                if (count == 0) return;
                // A client that does not read holds up the console, not the daemon's memory.
                await _outgoing.DrainAsync().ConfigureAwait(false);
            }
        }
        catch (Exception fault) when (fault is OperationCanceledException or ObjectDisposedException)
        {
            // It was closed.
        }
        catch (IOException fault)
        {
            Close(open);
            FailStream(open.Procedure, open.Serial, fault.Message.TrimEnd('.'));
        }
    }

    private async ValueTask WriteAsync(OpenStream open, byte[] bytes)
    {
        try
        {
            await open.Stream.WriteAsync(bytes, open.End.Token).ConfigureAwait(false);
        }
        catch (Exception fault) when (fault is OperationCanceledException or ObjectDisposedException)
        {
            // It was closed.
        }
        catch (Exception fault) when (fault is IOException or InvalidOperationException)
        {
            Close(open);
            FailStream(open.Procedure, open.Serial, fault.Message.TrimEnd('.'));
        }
    }

    /// <summary>Writes what is uploaded at once: the client sends no faster than the disk takes it.</summary>
    private void WriteFile(OpenStream open, ReadOnlySpan<byte> bytes)
    {
        try
        {
            open.Stream.Write(bytes);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            Close(open);
            FailStream(open.Procedure, open.Serial, fault.Message.TrimEnd('.'));
        }
    }

    private ValueTask TakeStreamAsync(in MessageHeader header, ReadOnlySpan<byte> payload)
    {
        // A piece that was under way when the stream ended is nobody's.
        if (!_streams.TryGetValue(header.Serial, out OpenStream? open) || open.Procedure != header.Procedure) return ValueTask.CompletedTask;
        if (header.Status == MessageStatus.Continue)
        {
            if (!open.Stream.CanRead)
            {
                WriteFile(open, payload);
                return ValueTask.CompletedTask;
            }
            if (payload.IsEmpty || open.TryEnqueue(payload.ToArray(), bytes => WriteAsync(open, bytes))) return ValueTask.CompletedTask;
            Close(open);
            FailStream(open.Procedure, open.Serial, "the other end does not read");
            return ValueTask.CompletedTask;
        }
        Close(open);
        // The end is confirmed; giving up is confirmed by an empty piece (src/remote/remote_daemon_stream.c).
        MessageStatus status = header.Status == MessageStatus.Ok ? MessageStatus.Ok : MessageStatus.Continue;
        _outgoing.Send(Header(open.Procedure, MessageType.Stream, open.Serial, status), 0, static (_, _) => { });
        return ValueTask.CompletedTask;
    }

    private void FailStream(int procedure, uint serial, string detail) => _outgoing.Send(Header(procedure, MessageType.Stream, serial, MessageStatus.Error),
        new LibvirtError(ErrorCode.OperationFailed, ErrorDomain.Domain, detail), static (writer, value) => value.Write(writer));

    private sealed class OpenStream(int procedure, uint serial, Stream stream)
    {
        /// <summary>What may wait to be written.</summary>
        private const int MaximumWaiting = 1 << 20;

        private readonly Lock _gate = new();
        private Task _last = Task.CompletedTask;
        private int _waiting;

        public int Procedure => procedure;

        public uint Serial => serial;

        public Stream Stream => stream;

        public CancellationTokenSource End { get; } = new();

        /// <summary>Writes one piece behind the other.</summary>
        /// <returns>False if too much waits: a guest that does not read must not hold up the rest of the client.</returns>
        public bool TryEnqueue(byte[] bytes, Func<byte[], ValueTask> write)
        {
            lock (_gate)
            {
                if (_waiting + bytes.Length > MaximumWaiting) return false;
                _waiting += bytes.Length;
                _last = AfterAsync(_last);
                return true;
            }

            async Task AfterAsync(Task before)
            {
                await before.ConfigureAwait(false);
                await write(bytes).ConfigureAwait(false);
                lock (_gate) _waiting -= bytes.Length;
            }
        }
    }
}
