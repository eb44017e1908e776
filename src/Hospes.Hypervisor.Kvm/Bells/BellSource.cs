using Hospes.Hypervisor.Kvm.Native;

namespace Hospes.Hypervisor.Kvm.Bells;

/// <summary>
/// What feeds one port from the kernel: an epoll over the eventfds of its bells and one more that wakes a waiter. Edges are asked for, so that
/// nothing need be read from an eventfd: each ring is an edge, and rings between two looks are one. Thread-safe.
/// </summary>
internal sealed unsafe class BellSource : IBellSource
{
    private const ulong WakeIndex = ulong.MaxValue;

    private readonly Lock _gate = new();
    private readonly int _poll, _wake;
    private Entry?[] _entries = [];
    private bool _disposed;

    private BellSource(int poll, int wake)
    {
        _poll = poll;
        _wake = wake;
    }

    /// <summary>Makes one without bells; null when the host has no descriptors left.</summary>
    public static BellSource? TryCreate()
    {
        int poll = LibC.CreatePoll(LibC.CloseOnExec), wake = LibC.CreateEvent(0, LibC.EventCloseOnExec | LibC.EventNonBlocking);
        var watched = new LibC.PollEvent { Events = LibC.PollIn | LibC.PollEdge, Data = WakeIndex };
        if (poll >= 0 && wake >= 0 && LibC.ControlPoll(poll, LibC.PollAdd, wake, &watched) == 0) return new BellSource(poll, wake);
        if (poll >= 0) _ = LibC.Close(poll);
        if (wake >= 0) _ = LibC.Close(wake);
        return null;
    }

    /// <summary>Rings a bell whenever an eventfd is written to.</summary>
    /// <param name="bell">The bell.</param>
    /// <param name="address">The address that its packets are to carry.</param>
    /// <param name="file">The eventfd; it stays the caller's.</param>
    /// <returns>A number for <see cref="Remove"/>; negative when the source has ended or the host refuses.</returns>
    public int Add(Trap bell, ulong address, int file)
    {
        lock (_gate)
        {
            if (_disposed) return -1;
            int index = Array.IndexOf(_entries, null);
            if (index < 0)
            {
                index = _entries.Length;
                var grown = new Entry?[Math.Max(4, index * 2)];
                _entries.CopyTo(grown, 0);
                Volatile.Write(ref _entries, grown);
            }
            _entries[index] = new Entry(bell, address);
            var watched = new LibC.PollEvent { Events = LibC.PollIn | LibC.PollEdge, Data = (uint)index };
            if (LibC.ControlPoll(_poll, LibC.PollAdd, file, &watched) == 0) return index;
            _entries[index] = null;
            return -1;
        }
    }

    /// <summary>Forgets a bell whose eventfd is about to be closed.</summary>
    public void Remove(int index, int file)
    {
        lock (_gate)
        {
            if (_disposed) return;
            _entries[index] = null;
            _ = LibC.ControlPoll(_poll, LibC.PollDelete, file, null);
        }
    }

    /// <inheritdoc/>
    public bool Wait(int milliseconds, out Trap? bell, out ulong address)
    {
        LibC.PollEvent ready;
        bell = null;
        address = 0;
        if (LibC.WaitPoll(_poll, &ready, 1, milliseconds) <= 0 || ready.Data == WakeIndex) return false;
        Entry? entry = Volatile.Read(ref _entries)[(int)ready.Data];
        if (entry is null) return false;
        bell = entry.Bell;
        address = entry.Address;
        return true;
    }

    /// <inheritdoc/>
    public void Wake()
    {
        ulong one = 1;
        _ = LibC.Write(_wake, &one, sizeof(ulong));
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed) return;
            _disposed = true;
            _ = LibC.Close(_poll);
            _ = LibC.Close(_wake);
        }
    }

    private sealed record Entry(Trap Bell, ulong Address);
}
