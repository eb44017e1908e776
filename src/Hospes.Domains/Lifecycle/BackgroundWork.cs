namespace Hospes.Domains.Lifecycle;

/// <summary>Work that nobody waits for: counted, so that one can wait until there is none.</summary>
internal sealed class BackgroundWork : IDisposable
{
    private readonly Lock _gate = new();
    private int _running;
    private TaskCompletionSource? _idle;
    private bool _closed;

    public void Start(Func<Task> work)
    {
        lock (_gate)
        {
            if (_closed) return;
            _running++;
        }
        _ = Task.Run(async () =>
        {
            try
            {
                await work().ConfigureAwait(false);
            }
            finally
            {
                lock (_gate)
                {
                    if (--_running == 0)
                    {
                        _idle?.TrySetResult();
                        _idle = null;
                    }
                }
            }
        });
    }

    public Task WhenIdleAsync()
    {
        lock (_gate)
        {
            if (_running == 0) return Task.CompletedTask;
            return (_idle ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    public void Dispose()
    {
        lock (_gate) _closed = true;
    }
}
