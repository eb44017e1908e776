namespace Hospes.Domains.Lifecycle;

/// <summary>Something long that is done to a running domain, and that may be given up. Thread-safe.</summary>
/// <param name="total">Its bytes, about.</param>
/// <param name="since">When it began.</param>
public sealed class DomainJob(ulong total, DateTimeOffset since) : IDisposable
{
    private readonly CancellationTokenSource _end = new();
    private long _done;

    /// <summary>Its bytes, about.</summary>
    public ulong Total => Math.Max(total, Done);

    /// <summary>The bytes that are done.</summary>
    public ulong Done => (ulong)Volatile.Read(ref _done);

    /// <summary>When it began.</summary>
    public DateTimeOffset Since => since;

    /// <summary>Ends it.</summary>
    internal CancellationToken Cancellation => _end.Token;

    /// <summary>Has it given up.</summary>
    public void Cancel()
    {
        try
        {
            _end.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It was through.
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _end.Dispose();

    internal void Advance(int bytes) => Interlocked.Add(ref _done, bytes);
}
