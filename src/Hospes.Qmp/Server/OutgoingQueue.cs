namespace Hospes.Qmp.Server;

/// <summary>What waits to be written to a peer: bounded, in order. Thread-safe; one reader.</summary>
internal sealed class OutgoingQueue
{
    private readonly object _gate = new();
    private readonly Queue<byte[]> _waiting = new();
    private readonly SemaphoreSlim _more = new(0);
    private TaskCompletionSource _room = NewSignal(), _drained = NewSignal();
    private int _bytes;
    private bool _isEnded;

    /// <summary>Adds a message if there is room.</summary>
    /// <returns>Whether there was; one that takes no more drops the message.</returns>
    public bool TryAdd(byte[] message)
    {
        lock (_gate)
        {
            if (_isEnded) return true;
            if (_bytes > QmpLimits.Outgoing - message.Length) return false;
            Add(message);
            return true;
        }
    }

    /// <summary>Adds a message once the peer has read so much that there is room; a message beyond all bounds once everything else is read.</summary>
    public async Task AddAsync(byte[] message, CancellationToken cancellation)
    {
        while (true)
        {
            Task room;
            lock (_gate)
            {
                if (_isEnded) return;
                if (_bytes == 0 || _bytes <= QmpLimits.Outgoing - message.Length)
                {
                    Add(message);
                    return;
                }
                if (_room.Task.IsCompleted) _room = NewSignal();
                room = _room.Task;
            }
            await room.WaitAsync(cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Waits for the next message. It counts as waiting until <see cref="Written"/>.</summary>
    /// <returns>Null when the queue was ended and everything was read.</returns>
    public async Task<byte[]?> NextAsync(CancellationToken cancellation)
    {
        await _more.WaitAsync(cancellation).ConfigureAwait(false);
        // There are as many signals as messages, and one for the end.
        lock (_gate) return _waiting.TryDequeue(out byte[]? message) ? message : null;
    }

    /// <summary>A message that was taken is written.</summary>
    public void Written(byte[] message)
    {
        lock (_gate)
        {
            _bytes = Math.Max(0, _bytes - message.Length);
            _room.TrySetResult();
            if (_bytes == 0) _drained.TrySetResult();
        }
    }

    /// <summary>Takes no more messages.</summary>
    public void End()
    {
        lock (_gate)
        {
            if (_isEnded) return;
            _isEnded = true;
            _room.TrySetResult();
        }
        _more.Release();
    }

    /// <summary>Takes no more messages, and drops those that wait.</summary>
    public void Abort()
    {
        lock (_gate)
        {
            _waiting.Clear();
            _bytes = 0;
            _drained.TrySetResult();
        }
        End();
    }

    /// <summary>Ends once nothing waits.</summary>
    public Task WhenDrained()
    {
        lock (_gate) return _bytes == 0 ? Task.CompletedTask : _drained.Task;
    }

    private void Add(byte[] message)
    {
        if (_bytes == 0) _drained = NewSignal();
        _bytes += message.Length;
        _waiting.Enqueue(message);
        _more.Release();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
