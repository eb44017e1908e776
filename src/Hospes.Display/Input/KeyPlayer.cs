namespace Hospes.Display;

/// <summary>Presses keys together for a while, one set after the other. Thread-safe.</summary>
public sealed class KeyPlayer : IDisposable
{
    /// <summary>How many sets of keys wait at most.</summary>
    public const int MostWaiting = 256;

    private readonly Lock _gate = new();
    private readonly InputHub _hub;
    private readonly ITimer _timer;
    private readonly Queue<(ushort[] Keys, TimeSpan Hold)> _waiting = new();
    private ushort[]? _held;

    /// <summary>Makes one.</summary>
    /// <param name="hub">Where the keys go.</param>
    /// <param name="time">Where time comes from.</param>
    public KeyPlayer(InputHub hub, TimeProvider time)
    {
        _hub = hub;
        _timer = time.CreateTimer(static player => ((KeyPlayer)player!).Next(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Presses keys in their order, and lets them go in the opposite one.</summary>
    /// <param name="keys">The keys, by Linux's numbers.</param>
    /// <param name="hold">How long they are held.</param>
    /// <returns>False when too many sets wait.</returns>
    public bool Play(IReadOnlyList<ushort> keys, TimeSpan hold)
    {
        lock (_gate)
        {
            if (_waiting.Count >= MostWaiting) return false;
            _waiting.Enqueue(([.. keys], hold));
            if (_held is null) Next();
        }
        return true;
    }

    /// <summary>Lets go what is held, and forgets what waits.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _waiting.Clear();
            Next();
            _timer.Dispose();
        }
    }

    /// <summary>Lets the keys go that are held, and presses the next ones.</summary>
    private void Next()
    {
        lock (_gate)
        {
            foreach (ushort key in Enumerable.Reverse(_held ?? [])) _hub.Send(new InputAction(InputKind.Key, key, 0));
            _held = null;
            if (!_waiting.TryDequeue(out (ushort[] Keys, TimeSpan Hold) next)) return;
            foreach (ushort key in next.Keys) _hub.Send(new InputAction(InputKind.Key, key, 1));
            _held = next.Keys;
            _timer.Change(next.Hold, Timeout.InfiniteTimeSpan);
        }
    }
}
