namespace Hospes.Store.Server;

/// <summary>
/// How much of the store's time goes to connections that flood (those that had more requests waiting than their share of a round) while others work.
///
/// The rule: what the others use counts double, and what is then left of the time is the floods', but never less than a sixteenth. So a flood that is alone, or beside
/// clients that ask now and then, runs at full speed; beside clients that keep the store busy it is held to that sixteenth, even where the store has nothing to do for
/// some moments: those moments are when the others' processes work, and a flood that filled them would take the processors from them.
/// What the others use is measured anew every few milliseconds. Connections that flood take turns with each other.
/// </summary>
internal sealed class FloodBudget
{
    private const int LeastPart = 16;

    private readonly double _ticksInMillisecond;
    private readonly long _window;

    /// <summary>Time that may be saved up, so that a pause in which nobody asked is not paid out in one go.</summary>
    private readonly long _savedMax;

    private long _last;
    private long _windowBegan;
    private long _others;
    private double _part = 1;
    private double _left;

    /// <param name="frequency">Ticks of the clock in a second.</param>
    public FloodBudget(long frequency)
    {
        _ticksInMillisecond = frequency / 1000.0;
        _window = frequency / 500;
        _savedMax = frequency / 4000;
        _left = _savedMax;
    }

    /// <summary>True while connections that flood may be served.</summary>
    public bool IsOpen => _left > 0;

    /// <summary>Milliseconds, rounded up, until they may be served again if nobody else asks for anything.</summary>
    public int WaitTime => IsOpen ? 0 : (int)Math.Ceiling((1 - _left) / (_part * _ticksInMillisecond));

    /// <summary>Brings the budget up to a moment.</summary>
    /// <param name="now">The moment, in ticks.</param>
    /// <param name="others">Ticks of work for connections that do not flood since the last call.</param>
    public void Advance(long now, long others)
    {
        long passed = now - _last;
        _last = now;
        // No round takes as long as a window by itself: then another process had the processor.
        _others += Math.Min(others, _window);
        // After a time without floods nothing is known of the others: it is found out in the next window.
        if (passed > 8 * _window) Begin(now, 1);
        else if (now - _windowBegan >= _window) Begin(now, 1 - 2.0 * _others / (now - _windowBegan));
        _left = Math.Min(_savedMax, _left + passed * _part);
    }

    /// <summary>
    /// Takes off what serving a connection that floods has taken. A debt is bounded: where it took long, the system gave the processor to another process meanwhile.
    /// </summary>
    /// <param name="ticks">The time.</param>
    public void Spend(long ticks) => _left = Math.Max(_left - ticks, -_window);

    private void Begin(long now, double part)
    {
        _windowBegan = now;
        _others = 0;
        _part = Math.Max(part, 1.0 / LeastPart);
    }
}
