using System.Diagnostics;

namespace Hospes;

/// <summary>
/// How long a thread that waits for another keeps looking before it gives up its processor. Waking a sleeping thread costs tens of microseconds, more
/// than most answers of a device take; looking is worth it only where answers come that soon, so the window grows while they do and shrinks to nothing
/// while they do not (the rule of Linux' halt polling, Documentation/virt/kvm/halt-polling.rst). A value of one waiter; threads that share one only
/// make it less exact.
/// </summary>
internal struct PollWindow
{
    private const long Shortest = 10_000, Longest = 200_000;

    private static readonly bool s_isAlone = Environment.ProcessorCount == 1;

    private long _window;

    /// <summary>The time at which a wait begins.</summary>
    public static long Now => Stopwatch.GetTimestamp();

    /// <summary>Whether it is worth looking at all.</summary>
    public readonly bool IsOpen => _window != 0;

    /// <summary>Whether to look once more; passes a moment, if so.</summary>
    /// <param name="since">When the wait began (<see cref="Now"/>).</param>
    public readonly bool LooksAgain(long since)
    {
        if (_window == 0 || Nanoseconds(since) >= _window) return false;
        Thread.SpinWait(8);
        return true;
    }

    /// <summary>Takes note of when the whole wait began, asleep or not; it is over now.</summary>
    /// <param name="since">When it began.</param>
    public void Ended(long since) => Adapt(Nanoseconds(since));

    /// <summary>Opens or closes the window after a wait.</summary>
    /// <param name="waited">How long it was, in nanoseconds.</param>
    public void Adapt(long waited)
    {
        if (s_isAlone) return;
        if (waited > Longest) _window = _window > Shortest ? _window / 2 : 0;
        else if (waited > _window) _window = Math.Clamp(_window * 2, Shortest, Longest);
    }

    private static long Nanoseconds(long since) => (long)Stopwatch.GetElapsedTime(since).TotalNanoseconds;
}
