namespace Hospes.Libvirt.Server;

/// <summary>
/// How many clients have threads of their own. One who calls again and again is answered a good deal sooner by a thread that waits for nobody else than by the pool, where each message wakes two
/// threads; one who only listens to events needs none.
/// </summary>
internal sealed class Attendance
{
    /// <summary>How long a client that does not call keeps its thread.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    /// <summary>As many as libvirtd has (<c>max_workers</c>).</summary>
    private int _free = 20;

    /// <summary>Takes a thread, if one is left.</summary>
    public bool TryEnter()
    {
        if (Interlocked.Decrement(ref _free) >= 0) return true;
        Leave();
        return false;
    }

    /// <summary>Gives a thread back.</summary>
    public void Leave() => Interlocked.Increment(ref _free);
}
