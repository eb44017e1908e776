using Hospes.Machine;

namespace Hospes.Vmm.Chardevs;

/// <summary>
/// A port of the guest on a character device. What the guest writes waits in a buffer of <see cref="Capacity"/> bytes for a thread that hands it to the
/// peer. While no peer is there it is dropped at once. A peer that is slow slows the guest's port; one that reads nothing for a quarter of a second
/// while the buffer is full loses what comes then, until it reads again. Thread-safe.
/// </summary>
public sealed class ChardevPort : IConsoleEnd, IDisposable
{
    /// <summary>How many bytes wait for the peer at most.</summary>
    public const int Capacity = 64 << 10;

    private const int ChunkSize = 4096;

    /// <summary>How long a full buffer waits for a peer that reads nothing.</summary>
    private readonly TimeSpan _patience;

    private readonly Chardev _chardev;
    private readonly Action<byte[], int> _type;
    private readonly ConsoleInput? _input;
    private readonly object _gate = new();
    private readonly byte[] _ring = new byte[Capacity];
    private readonly CancellationTokenSource _ended = new();
    private Stream? _peer;
    private int _start, _count;
    private bool _isStalled, _isWriting, _isOver;

    private ChardevPort(Chardev chardev, Action<byte[], int>? type, ConsoleInput? input, TimeSpan? patience)
    {
        _patience = patience ?? TimeSpan.FromMilliseconds(250);
        _chardev = chardev;
        _input = input;
        _type = type ?? ((bytes, count) => input!.Type(bytes.AsSpan(0, count), _ended.Token));
        chardev.IsUsed = true;
    }

    /// <summary>How many bytes of the guest's were dropped.</summary>
    public long Dropped { get; private set; }

    /// <summary>Makes a port whose input goes into whatever port of the guest is attached, and starts it.</summary>
    /// <param name="chardev">The character device; not owned.</param>
    /// <param name="patience">How long a peer may read nothing while the buffer is full; null for a quarter of a second.</param>
    public static ChardevPort Start(Chardev chardev, TimeSpan? patience = null) => new ChardevPort(chardev, null, new ConsoleInput(), patience).Started();

    /// <summary>Makes a port whose input goes elsewhere, and starts it.</summary>
    /// <param name="chardev">The character device; not owned.</param>
    /// <param name="type">Takes input; it may block.</param>
    public static ChardevPort Start(Chardev chardev, ConsoleInputSource type) => new ChardevPort(chardev, (bytes, count) => type(bytes.AsMemory(0, count)), null, null).Started();

    /// <inheritdoc/>
    public void Attach(IInputPort port) => _input?.Attach(port);

    /// <inheritdoc/>
    public void Detach() => _input?.Detach();

    /// <inheritdoc/>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        lock (_gate)
        {
            while (!bytes.IsEmpty && _peer is not null && !_isOver)
            {
                int room = Math.Min(bytes.Length, Capacity - _count);
                if (room == 0)
                {
                    int before = _count;
                    if (!_isStalled && (Monitor.Wait(_gate, _patience) || _count != before)) continue;
                    _isStalled = true;
                    break;
                }
                int first = (_start + _count) % Capacity, straight = Math.Min(room, Capacity - first);
                bytes[..straight].CopyTo(_ring.AsSpan(first));
                bytes[straight..room].CopyTo(_ring);
                _count += room;
                bytes = bytes[room..];
                Monitor.PulseAll(_gate);
            }
            Dropped += bytes.Length;
        }
    }

    /// <summary>Waits until the peer has everything, or does not read.</summary>
    public void Flush()
    {
        lock (_gate)
        {
            while ((_count > 0 || _isWriting) && _peer is not null && !_isStalled)
            {
                if (!Monitor.Wait(_gate, _patience)) return;
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Stream? peer;
        lock (_gate)
        {
            if (_isOver) return;
            _isOver = true;
            peer = _peer;
            _peer = null;
            Monitor.PulseAll(_gate);
        }
        _ended.Cancel();
        peer?.Dispose();
        _chardev.IsUsed = false;
    }

    private ChardevPort Started()
    {
        // A peer that is there already misses nothing.
        Task<Stream?> first = _chardev.ConnectAsync().AsTask();
        if (first.IsCompleted) _peer = first.Result;
        new Thread(() => Receive(first)) { Name = $"input {_chardev.Id}", IsBackground = true }.Start();
        new Thread(Send) { Name = $"output {_chardev.Id}", IsBackground = true }.Start();
        return this;
    }

    private void Receive(Task<Stream?> next)
    {
        byte[] buffer = new byte[ChunkSize];
        while (next.GetAwaiter().GetResult() is { } peer)
        {
            lock (_gate)
            {
                if (_isOver) return;
                _peer = peer;
                _isStalled = false;
            }
            try
            {
                while (peer.Read(buffer) is var count and > 0) _type(buffer, count);
            }
            catch (Exception fault) when (fault is IOException or ObjectDisposedException or OperationCanceledException)
            {
                // It is gone.
            }
            lock (_gate)
            {
                // What waits was for this peer.
                _peer = null;
                Dropped += _count;
                _count = 0;
                Monitor.PulseAll(_gate);
            }
            peer.Dispose();
            next = _chardev.ConnectAsync().AsTask();
        }
    }

    private void Send()
    {
        byte[] batch = new byte[Capacity];
        while (true)
        {
            int count;
            Stream peer;
            lock (_gate)
            {
                _isWriting = false;
                Monitor.PulseAll(_gate);
                while ((_count == 0 || _peer is null) && !_isOver) Monitor.Wait(_gate);
                if (_isOver) return;
                peer = _peer!;
                count = Math.Min(_count, ChunkSize);
                int straight = Math.Min(count, Capacity - _start);
                _ring.AsSpan(_start, straight).CopyTo(batch);
                _ring.AsSpan(0, count - straight).CopyTo(batch.AsSpan(straight));
                _start = (_start + count) % Capacity;
                _count -= count;
                _isStalled = false;
                _isWriting = true;
            }
            try
            {
                peer.Write(batch.AsSpan(0, count));
            }
            catch (Exception fault) when (fault is IOException or ObjectDisposedException or OperationCanceledException)
            {
                // The reading side finds out too, and looks for another peer.
            }
        }
    }
}

/// <summary>Takes what a peer typed. It may block.</summary>
/// <param name="bytes">The bytes; valid during the call.</param>
public delegate void ConsoleInputSource(ReadOnlyMemory<byte> bytes);
