namespace Hospes.Virtio;

/// <summary>One direction through a gate. When nothing may begin, somebody is called once it may, or once the limits are others; he is also called when nothing
/// waits. For one thread at a time, but for the calls, which come from the clock and from whoever changes limits.</summary>
internal sealed class GateWay : IDisposable
{
    private readonly RequestGate _gate;
    private readonly bool _isWrite;
    private readonly Action _wake;
    private readonly ITimer _timer;

    public GateWay(RequestGate gate, bool isWrite, Action wake)
    {
        (_gate, _isWrite, _wake) = (gate, isWrite, wake);
        _timer = gate.Time.CreateTimer(static way => ((GateWay)way!)._wake(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        gate.Changed += _wake;
    }

    /// <summary>Whether a request may begin; if so, it counts.</summary>
    /// <param name="bytes">How many bytes it is for.</param>
    public bool TryBegin(ulong bytes) => IsOpen(_gate.TryBegin(_isWrite, bytes));

    /// <summary>Whether a request may begin, which <see cref="Count"/> then is to count.</summary>
    public bool Ask() => IsOpen(_gate.Ask(_isWrite));

    /// <summary>Counts a request that begins.</summary>
    /// <param name="bytes">How many bytes it is for.</param>
    public void Count(ulong bytes) => _gate.Count(_isWrite, bytes);

    /// <inheritdoc/>
    public void Dispose()
    {
        _gate.Changed -= _wake;
        _timer.Dispose();
    }

    private bool IsOpen(TimeSpan wait)
    {
        if (wait > TimeSpan.Zero) _timer.Change(wait, Timeout.InfiniteTimeSpan);
        return wait == TimeSpan.Zero;
    }
}
