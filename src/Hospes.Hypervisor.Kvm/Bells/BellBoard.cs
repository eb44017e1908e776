using System.Collections.Concurrent;
using Hospes.Hypervisor.Kvm.Native;

namespace Hospes.Hypervisor.Kvm.Bells;

/// <summary>
/// Lets the kernel take a guest's writes to bells: each address that was rung once gets an eventfd (<c>KVM_IOEVENTFD</c>), and one thread brings
/// what they count to the bells' ports. Writes that come faster than the thread looks count as one packet. Thread-safe.
/// </summary>
internal sealed unsafe class BellBoard : IDisposable
{
    /// <summary>How many addresses get an eventfd; what is rung beyond them goes on through exits. The kernel's own limit is 1000 for each VM.</summary>
    public const int MaxAddresses = 512;

    private readonly Lock _gate = new();
    private readonly VmFile _vm;
    private readonly bool _anyLength;
    private readonly ConcurrentDictionary<ulong, Entry> _entries = new();
    private Thread? _thread;
    private int _poll = -1, _stop = -1;
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
            if (!Start() || !Register(trap, address, size)) _refused = true;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _disposed = true;
            ulong one = 1;
            if (_stop >= 0) _ = LibC.Write(_stop, &one, sizeof(ulong));
        }
        _thread?.Join();
        foreach (Entry entry in _entries.Values) _ = LibC.Close(entry.File);
        if (_stop >= 0) _ = LibC.Close(_stop);
        if (_poll >= 0) _ = LibC.Close(_poll);
    }

    private bool Start()
    {
        if (_thread is not null) return true;
        _poll = LibC.CreatePoll(LibC.CloseOnExec);
        _stop = LibC.CreateEvent(0, LibC.EventCloseOnExec | LibC.EventNonBlocking);
        if (_poll < 0 || _stop < 0) return false;
        // No bell lies at this address: it is not aligned to a page and beyond what a guest can address.
        var stop = new LibC.PollEvent { Events = LibC.PollIn, Data = ulong.MaxValue };
        if (LibC.ControlPoll(_poll, LibC.PollAdd, _stop, &stop) != 0) return false;
        _thread = new Thread(Watch) { Name = "bells", IsBackground = true };
        _thread.Start();
        return true;
    }

    private bool Register(Trap trap, ulong address, int size)
    {
        int file = LibC.CreateEvent(0, LibC.EventCloseOnExec | LibC.EventNonBlocking);
        if (file < 0) return false;
        var watched = new LibC.PollEvent { Events = LibC.PollIn, Data = address };
        var request = new KvmIoEventFd { Address = address, Length = _anyLength ? 0 : (uint)size, File = file };
        _entries[address] = new Entry(trap, file);
        if (LibC.ControlPoll(_poll, LibC.PollAdd, file, &watched) == 0 && _vm.Control(KvmRequests.IoEventFd, (nint)(&request)) == 0) return true;
        _entries.TryRemove(address, out _);
        _ = LibC.Close(file);
        return false;
    }

    private void Watch()
    {
        const int Batch = 32;
        LibC.PollEvent* ready = stackalloc LibC.PollEvent[Batch];
        while (true)
        {
            int count = LibC.WaitPoll(_poll, ready, Batch, -1);
            for (int i = 0; i < count; i++)
            {
                if (ready[i].Data == ulong.MaxValue) return;
                if (!_entries.TryGetValue(ready[i].Data, out Entry? entry)) continue;
                ulong rung;
                if (LibC.Read(entry.File, &rung, sizeof(ulong)) != sizeof(ulong)) continue;
                entry.Trap.Ring(ready[i].Data);
            }
        }
    }

    private sealed record Entry(Trap Trap, int File);
}
