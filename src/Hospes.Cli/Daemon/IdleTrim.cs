namespace Hospes.Cli.Daemon;

/// <summary>
/// Gives memory back when a daemon rests. The collector keeps what it once needed in case it is needed again; a daemon that was asked a lot in one minute and nothing in the next
/// hour would hold a multiple of what it lives on.
/// </summary>
internal sealed class IdleTrim : IDisposable
{
    private static readonly TimeSpan Period = TimeSpan.FromSeconds(1);

    /// <summary>Less than this, allocated in a period, is rest.</summary>
    private const long Rest = 256 << 10;

    /// <summary>What has to have been allocated since the last time to make it worth while.</summary>
    private const long Worth = 8 << 20;

    private readonly ITimer _timer;
    private long _before;
    private long _trimmed;

    /// <summary>Watches from now on.</summary>
    public IdleTrim(TimeProvider clock) => _timer = clock.CreateTimer(static trim => ((IdleTrim)trim!).Look(), this, Period, Period);

    /// <inheritdoc/>
    public void Dispose() => _timer.Dispose();

    private void Look()
    {
        long now = GC.GetTotalAllocatedBytes();
        bool rests = now - _before < Rest;
        _before = now;
        if (!rests || now - _trimmed < Worth) return;
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        _trimmed = _before = GC.GetTotalAllocatedBytes();
    }
}
