namespace Hospes.Machine;

/// <summary>
/// Carries bytes from the serial port to its sink in batches: at the end of a line, when a good part of the buffer is full, or a moment
/// after the first byte. Thread-safe; the writing side never blocks.
/// </summary>
internal sealed class SerialOutput : IDisposable
{
    /// <summary>How many bytes wait for the sink at most.</summary>
    public const int Capacity = 16 * 1024;

    private const int Batch = 2048;
    private static readonly TimeSpan s_moment = TimeSpan.FromMilliseconds(2);

    private readonly Lock _gate = new();
    private readonly Lock _draining = new();
    private readonly byte[] _ring = new byte[Capacity];
    private readonly byte[] _batch = new byte[Capacity];
    private readonly IConsoleSink _sink;
    private readonly ITimer _timer;
    private int _start;
    private int _count;
    private bool _scheduled;
    private bool _urgent;

    public SerialOutput(IConsoleSink sink, TimeProvider time)
    {
        _sink = sink;
        _timer = time.CreateTimer(static output => ((SerialOutput)output!).Drain(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Called, without a lock held, when a full buffer has room again.</summary>
    public Action? RoomMade { get; set; }

    /// <summary>Whether a byte can be taken.</summary>
    public bool HasRoom => Volatile.Read(ref _count) < Capacity;

    /// <summary>Takes a byte; one without room is lost.</summary>
    public void Write(byte value)
    {
        lock (_gate)
        {
            if (_count == Capacity) return;
            _ring[(_start + _count) % Capacity] = value;
            Volatile.Write(ref _count, _count + 1);
            bool urgent = value == (byte)'\n' || _count >= Batch;
            if (urgent ? _urgent : _scheduled) return;
            _scheduled = true;
            _urgent = urgent;
            _timer.Change(urgent ? TimeSpan.Zero : s_moment, Timeout.InfiniteTimeSpan);
        }
    }

    /// <summary>Hands everything that waits to the sink.</summary>
    public void Drain()
    {
        lock (_draining)
        {
            while (Take() is int count and > 0)
            {
                _sink.Write(_batch.AsSpan(0, count));
            }
        }
    }

    public void Dispose()
    {
        _timer.Dispose();
        Drain();
    }

    private int Take()
    {
        int count;
        lock (_gate)
        {
            count = _count;
            int first = Math.Min(count, Capacity - _start);
            _ring.AsSpan(_start, first).CopyTo(_batch);
            _ring.AsSpan(0, count - first).CopyTo(_batch.AsSpan(first));
            _start = (_start + count) % Capacity;
            Volatile.Write(ref _count, 0);
            _scheduled = _urgent = false;
        }
        if (count == Capacity) RoomMade?.Invoke();
        return count;
    }
}
