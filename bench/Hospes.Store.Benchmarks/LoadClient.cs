using System.Diagnostics;
using System.Text;
using Hospes.Store.Native;
using Hospes.Store.Wire;

namespace Hospes.Store.Benchmarks;

/// <summary>What a load does when a message comes back on a connection, and what it sends.</summary>
internal abstract class Load
{
    /// <summary>Appends the next request of a connection to the buffer; gives its length, 0 when there is none (yet).</summary>
    public abstract int Next(int connection, Span<byte> buffer);

    /// <summary>Takes one message. True when it completes a request, so that another may be sent.</summary>
    public abstract bool Take(int connection, in XsHeader header, ReadOnlySpan<byte> payload);

    protected static int Request(Span<byte> buffer, XsMessageType type, uint transaction, ReadOnlySpan<byte> payload)
    {
        XsWire.WriteHeader(buffer, type, 1, transaction, payload.Length);
        payload.CopyTo(buffer[XsWire.HeaderSize..]);
        return XsWire.HeaderSize + payload.Length;
    }
}

/// <summary>Many connections to one server from one thread, each with a number of requests in flight.</summary>
internal sealed class LoadClient : IDisposable
{
    private readonly int _epoll = Linux.CreateEpoll();
    private readonly Dictionary<int, int> _index = [];
    private readonly int[] _descriptors;
    private readonly byte[][] _input;
    private readonly int[] _inputEnd;
    private readonly byte[] _output = new byte[1 << 20];
    private readonly byte[] _events = new byte[1024 * 16];

    public LoadClient(string path, int connections)
    {
        _descriptors = new int[connections];
        _input = new byte[connections][];
        _inputEnd = new int[connections];
        for (int i = 0; i < connections; i++)
        {
            _descriptors[i] = Linux.Connect(path);
            _input[i] = new byte[16 * 1024];
            _index[_descriptors[i]] = i;
            Linux.Watch(_epoll, _descriptors[i], Linux.EventIn);
        }
    }

    /// <summary>Runs a load until it ends the time or has nothing in flight any more; gives the time and the completed requests.</summary>
    public (TimeSpan Time, long Completed) Run(Load load, int inFlight, Func<long, bool>? isOver = null)
    {
        long completed = 0;
        int flying = 0;
        var clock = Stopwatch.StartNew();
        for (int i = 0; i < _descriptors.Length; i++) flying += Fill(load, i, inFlight);
        while (flying > 0)
        {
            int count = Linux.Wait(_epoll, _events, 10_000);
            if (count == 0) throw new TimeoutException("the server does not answer");
            for (int e = 0; e < count; e++)
            {
                int connection = _index[Linux.Entry(_events, e).Descriptor];
                int done = Receive(load, connection);
                completed += done;
                flying -= done;
                if (done > 0 && (isOver is null || !isOver(completed))) flying += Fill(load, connection, done);
            }
        }
        return (clock.Elapsed, completed);
    }

    /// <summary>Sends requests on every connection, and reads nothing, until no more are taken.</summary>
    public void SendUntilFull(Load load)
    {
        for (int i = 0; i < _descriptors.Length; i++)
        {
            while (true)
            {
                int length = load.Next(i, _output);
                if (Linux.Send(_descriptors[i], _output.AsSpan(0, length)) < length) break;
            }
        }
    }

    /// <summary>Receives without sending, until the condition holds.</summary>
    public TimeSpan ReceiveUntil(Load load, Func<bool> holds)
    {
        var clock = Stopwatch.StartNew();
        while (!holds())
        {
            int count = Linux.Wait(_epoll, _events, 10_000);
            if (count == 0) throw new TimeoutException("the server does not answer");
            for (int e = 0; e < count; e++) Receive(load, _index[Linux.Entry(_events, e).Descriptor]);
        }
        return clock.Elapsed;
    }

    private int Fill(Load load, int connection, int most)
    {
        int length = 0, sent = 0;
        while (sent < most)
        {
            int request = load.Next(connection, _output.AsSpan(length));
            if (request == 0) break;
            length += request;
            sent++;
        }
        for (int at = 0; at < length;)
        {
            int wrote = Linux.Send(_descriptors[connection], _output.AsSpan(at, length - at));
            if (wrote > 0) at += wrote;
            else if (Linux.LastError != Linux.TryAgain) throw new IOException("the server closed the connection");
            else Thread.Yield();
        }
        return sent;
    }

    private int Receive(Load load, int connection)
    {
        byte[] input = _input[connection];
        int received = Linux.Receive(_descriptors[connection], input.AsSpan(_inputEnd[connection]));
        if (received == 0) throw new IOException("the server closed the connection");
        if (received < 0) return 0;
        int end = _inputEnd[connection] + received, at = 0, done = 0;
        while (end - at >= XsWire.HeaderSize)
        {
            XsHeader header = XsHeader.Read(input.AsSpan(at));
            int length = XsWire.HeaderSize + (int)header.Length;
            if (end - at < length) break;
            if (load.Take(connection, header, input.AsSpan(at + XsWire.HeaderSize, (int)header.Length))) done++;
            at += length;
        }
        input.AsSpan(at, end - at).CopyTo(input);
        _inputEnd[connection] = end - at;
        return done;
    }

    public void Dispose()
    {
        foreach (int descriptor in _descriptors) Linux.Close(descriptor);
        Linux.Close(_epoll);
    }
}

/// <summary>A fixed list of requests, sent once each in order.</summary>
internal sealed class ListLoad(IEnumerator<(XsMessageType Type, string Payload)> requests) : Load
{
    public int Errors { get; private set; }

    public byte[] LastPayload { get; private set; } = [];

    public override int Next(int connection, Span<byte> buffer)
    {
        if (!requests.MoveNext()) return 0;
        return Request(buffer, requests.Current.Type, 0, Encoding.ASCII.GetBytes(requests.Current.Payload));
    }

    public override bool Take(int connection, in XsHeader header, ReadOnlySpan<byte> payload)
    {
        if (header.Type == (uint)XsMessageType.WatchEvent) return false;
        if (header.Type == (uint)XsMessageType.Error) Errors++;
        LastPayload = payload.ToArray();
        return true;
    }

    public static void Run(string path, IEnumerable<(XsMessageType, string)> requests)
    {
        using var client = new LoadClient(path, 1);
        var load = new ListLoad(requests.GetEnumerator());
        client.Run(load, 32);
        if (load.Errors > 0) throw new InvalidOperationException($"{load.Errors} requests of the preparation were refused: {Encoding.ASCII.GetString(load.LastPayload)}");
    }
}
