namespace Hospes.Vmm.Chardevs;

/// <summary>
/// A character device of the host that is open: something at whose other end a peer may be, one after the other. For one user at a time; other
/// threads may dispose it, which ends every wait.
/// </summary>
public abstract class Chardev : IDisposable
{
    private readonly CancellationTokenSource _ended = new();

    /// <summary>Makes it.</summary>
    /// <param name="id">Its name.</param>
    protected Chardev(string id) => Id = id;

    /// <summary>Its name.</summary>
    public string Id { get; }

    /// <summary>What it is and whether a peer is there, as QEMU's <c>query-chardev</c> says it.</summary>
    public abstract string FileName { get; }

    /// <summary>Whether someone uses it: a monitor or a port of the guest.</summary>
    public bool IsUsed { get; set; }

    /// <summary>Ends with the device.</summary>
    protected CancellationToken Ended => _ended.Token;

    /// <summary>Waits for what has to come before the domain goes on: the first peer of a server that is to wait.</summary>
    /// <param name="tell">Told what is waited for.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public virtual Task PrepareAsync(Action<string> tell, CancellationToken cancellation) => Task.CompletedTask;

    /// <summary>Waits for the next peer. The one before is gone: its stream was disposed.</summary>
    /// <returns>Both directions, to be disposed; reading gives 0 when the peer is gone. Null when no peer will come any more.</returns>
    public abstract ValueTask<Stream?> ConnectAsync();

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_ended.IsCancellationRequested) return;
        _ended.Cancel();
        Close();
        GC.SuppressFinalize(this);
    }

    /// <summary>Closes what it is made of; once.</summary>
    protected virtual void Close()
    {
    }

    /// <summary>Waits until the device is disposed.</summary>
    protected async ValueTask<Stream?> NeverAsync()
    {
        var end = new TaskCompletionSource();
        using CancellationTokenRegistration registration = Ended.Register(() => end.TrySetResult());
        await end.Task.ConfigureAwait(false);
        return null;
    }
}
