namespace Hospes.Hypervisor;

/// <summary>
/// A counted reference to an object of the contract together with the rights that its holder has over it.
/// The object ends when its last handle is closed. Thread-safe.
/// </summary>
/// <typeparam name="T">The handle's own type, so that a duplicate has it too.</typeparam>
public abstract class Handle<T> : IDisposable
    where T : Handle<T>
{
    private readonly HandleCount _count;
    private int _closed;

    private protected Handle(Rights rights, HandleCount count)
    {
        Rights = rights;
        _count = count;
    }

    /// <summary>What this handle may do.</summary>
    public Rights Rights { get; }

    /// <summary>Whether this handle was closed; every further call on it answers <see cref="Status.BadState"/>.</summary>
    public bool IsClosed => Volatile.Read(ref _closed) != 0;

    /// <summary>Makes a second handle to the same object (zx_handle_duplicate).</summary>
    /// <param name="rights">The rights of the duplicate: a subset of <see cref="Rights"/>.</param>
    /// <param name="duplicate">The new handle, or null.</param>
    /// <returns><see cref="Status.AccessDenied"/> without <see cref="Rights.Duplicate"/>; <see cref="Status.InvalidArgs"/> when a right
    /// is asked for that this handle lacks; <see cref="Status.BadState"/> when it is closed.</returns>
    public Status Duplicate(Rights rights, out T? duplicate)
    {
        duplicate = null;
        Status status = Check(Rights.Duplicate);
        if (status != Status.Ok) return status;
        if ((rights & ~Rights) != 0) return Status.InvalidArgs;
        if (!_count.TryAdd()) return Status.BadState;
        duplicate = With(rights, _count);
        return Status.Ok;
    }

    /// <summary>Closes the handle. Closing it again does nothing.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _closed, 1) == 0 && _count.Release()) EndObject();
        GC.SuppressFinalize(this);
    }

    private protected abstract T With(Rights rights, HandleCount count);

    private protected abstract void EndObject();

    private protected Status Check(Rights needed) =>
        IsClosed ? Status.BadState : (Rights & needed) == needed ? Status.Ok : Status.AccessDenied;
}

/// <summary>How many open handles an object has: one at first; once there is none, none can be made any more.</summary>
internal sealed class HandleCount
{
    private int _handles = 1;

    public bool TryAdd()
    {
        int handles = Volatile.Read(ref _handles);
        while (handles > 0)
        {
            int found = Interlocked.CompareExchange(ref _handles, handles + 1, handles);
            if (found == handles) return true;
            handles = found;
        }
        return false;
    }

    public bool Release() => Interlocked.Decrement(ref _handles) == 0;
}
