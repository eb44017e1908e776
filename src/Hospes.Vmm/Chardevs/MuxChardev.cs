using System.Text;
using System.Threading.Channels;

namespace Hospes.Vmm.Chardevs;

/// <summary>
/// Lets several share one character device. All write to it; one has the keyboard. Ctrl-A is the key for the rest: C gives the keyboard to the next,
/// X ends the domain, H shows the keys, and Ctrl-A again is the key itself.
/// </summary>
internal sealed class MuxChardev : IDisposable
{
    private const byte Escape = 0x01;
    private const int MostWaiting = 64, ChunkSize = 4096;

    private readonly Chardev _inner;
    private readonly Action _quit;
    private readonly object _gate = new();
    private readonly List<End> _ends = [];
    private Stream? _peer;
    private int _focus;
    private bool _escaped;

    public MuxChardev(Chardev inner, Action quit) => (_inner, _quit) = (inner, quit);

    /// <summary>Makes another side to use. The first one has the keyboard.</summary>
    public Chardev AddEnd()
    {
        var end = new End(this);
        _ends.Add(end);
        return end;
    }

    /// <summary>Starts reading, once all sides are there.</summary>
    public void Start()
    {
        Task<Stream?> first = _inner.ConnectAsync().AsTask();
        if (first.IsCompleted) _peer = first.Result;
        new Thread(() => Receive(first)) { Name = $"input {_inner.Id}", IsBackground = true }.Start();
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (End end in _ends) end.Dispose();
        _inner.Dispose();
    }

    private void Receive(Task<Stream?> next)
    {
        byte[] buffer = new byte[ChunkSize];
        while (next.GetAwaiter().GetResult() is { } peer)
        {
            lock (_gate) _peer = peer;
            try
            {
                while (peer.Read(buffer) is var count and > 0) Type(buffer.AsSpan(0, count));
            }
            catch (Exception fault) when (fault is IOException or ObjectDisposedException or OperationCanceledException)
            {
                // It is gone.
            }
            lock (_gate) _peer = null;
            peer.Dispose();
            next = _inner.ConnectAsync().AsTask();
        }
    }

    private void Type(ReadOnlySpan<byte> keys)
    {
        var pass = new List<byte>();
        foreach (byte key in keys)
        {
            if (!_escaped && key == Escape)
            {
                _escaped = true;
                continue;
            }
            if (!_escaped || key == Escape)
            {
                pass.Add(key);
            }
            else
            {
                Deliver(pass);
                Command((char)key);
            }
            _escaped = false;
        }
        Deliver(pass);
    }

    private void Deliver(List<byte> keys)
    {
        // Who has the keyboard and does not read holds up the keys, not the others' output.
        if (keys.Count > 0) _ends[_focus].Keys.Writer.WriteAsync(keys.ToArray()).AsTask().Wait();
        keys.Clear();
    }

    private void Command(char key)
    {
        switch (key)
        {
            case 'c':
                _focus = (_focus + 1) % _ends.Count;
                break;
            case 'x':
                _quit();
                break;
            case 'h' or '?':
                Write(Encoding.ASCII.GetBytes("\r\nC-a h    print this help\r\nC-a x    exit emulator\r\nC-a c    switch between console and monitor\r\nC-a C-a  sends C-a\r\n"));
                break;
        }
    }

    private void Write(ReadOnlySpan<byte> bytes)
    {
        lock (_gate)
        {
            try
            {
                _peer?.Write(bytes);
            }
            catch (Exception fault) when (fault is IOException or ObjectDisposedException)
            {
                // It is gone; the reading side finds out.
            }
        }
    }

    /// <summary>One side. Its peer is always there.</summary>
    private sealed class End(MuxChardev mux) : Chardev(mux._inner.Id)
    {
        private bool _given;

        public Channel<ReadOnlyMemory<byte>> Keys { get; } = Channel.CreateBounded<ReadOnlyMemory<byte>>(MostWaiting);

        public override string FileName => mux._inner.FileName;

        public override ValueTask<Stream?> ConnectAsync()
        {
            if (_given) return NeverAsync();
            _given = true;
            return new(new QueueStream(Keys.Reader, mux.Write, Ended));
        }
    }
}
