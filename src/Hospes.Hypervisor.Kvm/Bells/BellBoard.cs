using System.Collections.Concurrent;
using Hospes.Hypervisor.Kvm.Native;

namespace Hospes.Hypervisor.Kvm.Bells;

/// <summary>
/// Lets the kernel take a guest's writes to bells: each address that was rung once gets an eventfd (<c>KVM_IOEVENTFD</c>) on which whoever waits on
/// the bell's port waits too. Thread-safe.
/// </summary>
internal sealed unsafe class BellBoard : IDisposable
{
    /// <summary>How many addresses get an eventfd; what is rung beyond them goes on through exits. The kernel's own limit is 1000 for each VM.</summary>
    public const int MaxAddresses = 512;

    private readonly Lock _gate = new();
    private readonly VmFile _vm;
    private readonly bool _anyLength;
    private readonly ConcurrentDictionary<ulong, Entry> _entries = new();
    private bool _refused, _disposed;

    public BellBoard(KvmHost host, VmFile vm)
    {
        _vm = vm;
        _anyLength = host.Check(KvmExtension.IoEventFdAnyLength) != 0;
        _refused = host.Check(KvmExtension.IoEventFd) == 0;
    }

    /// <summary>How many addresses the kernel takes writes to.</summary>
    public int Count => _entries.Count;

    /// <summary>A write reached a bell by way of an exit: rings it, and lets the kernel take the next one to that address.</summary>
    /// <param name="trap">The bell.</param>
    /// <param name="address">Where the guest wrote.</param>
    /// <param name="size">How many bytes.</param>
    public void Ring(Trap trap, ulong address, int size)
    {
        trap.Ring(address);
        if (_refused || _entries.ContainsKey(address)) return;
        lock (_gate)
        {
            if (_disposed || _refused || _entries.Count >= MaxAddresses || _entries.ContainsKey(address)) return;
            if (!Register(trap, address, size)) _refused = true;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            foreach (Entry entry in _entries.Values)
            {
                entry.Source.Remove(entry.Index, entry.File);
                _ = LibC.Close(entry.File);
            }
        }
    }

    private bool Register(Trap trap, ulong address, int size)
    {
        // A port that another engine feeds already stays with that one.
        if (trap.Source(BellSource.TryCreate) is not BellSource source) return false;
        int file = LibC.CreateEvent(0, LibC.EventCloseOnExec | LibC.EventNonBlocking);
        if (file < 0) return false;
        int index = source.Add(trap, address, file);
        var request = new KvmIoEventFd { Address = address, Length = _anyLength ? 0 : (uint)size, File = file };
        if (index >= 0 && _vm.Control(KvmRequests.IoEventFd, (nint)(&request)) == 0)
        {
            _entries[address] = new Entry(source, index, file);
            return true;
        }
        if (index >= 0) source.Remove(index, file);
        _ = LibC.Close(file);
        return false;
    }

    private sealed record Entry(BellSource Source, int Index, int File);
}
