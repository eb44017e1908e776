using Hospes.Hypervisor.Kvm.Native;

namespace Hospes.Hypervisor.Kvm.Interrupts;

/// <summary>
/// A message that an eventfd raises (<c>KVM_IRQFD</c>): the kernel has it in its table of routes and raises it when the eventfd is written to. The table
/// is changed when a new message is first raised, because a guest sets a message in three writes. Where the kernel lacks irqfds, or has no room left,
/// and for level-triggered messages, whose end must be learnt, each message is delivered by itself. Thread-safe.
/// </summary>
internal sealed unsafe class RoutedMessage(KvmGuest guest) : IMessageEngine
{
    private readonly Lock _gate = new();
    private ulong _address;
    private uint _data;
    private int _file = -1, _gsi = -1;
    private bool _isSet, _isRouted, _isDelivered, _isEnded;

    /// <summary>Whether the eventfd raises the message that is set.</summary>
    public bool IsRouted
    {
        get
        {
            lock (_gate) return _isRouted;
        }
    }

    /// <inheritdoc/>
    public void Set(ulong address, uint data)
    {
        lock (_gate)
        {
            if (_isSet && _address == address && _data == data) return;
            (_address, _data, _isSet, _isRouted) = (address, data, true, false);
        }
    }

    /// <inheritdoc/>
    public bool Trigger()
    {
        lock (_gate)
        {
            if (!_isSet || _isEnded) return false;
            if (!_isRouted && !TryRoute()) return guest.DeliverMessage(_address, _data);
            ulong one = 1;
            return LibC.Write(_file, &one, sizeof(ulong)) == sizeof(ulong);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (End()) guest.Forget(this);
    }

    /// <summary>Ends it; false when it had ended before. The guest calls this at its own end.</summary>
    public bool End()
    {
        lock (_gate)
        {
            if (_isEnded) return false;
            _isEnded = true;
            _isRouted = false;
            if (_file < 0) return true;
            Assign(KvmIrqFd.Deassign);
            _ = LibC.Close(_file);
            guest.Routes.Remove(_gsi);
            return true;
        }
    }

    private bool TryRoute()
    {
        if (_isDelivered || KvmGuest.IsLevelTriggered(_data)) return false;
        int gsi = guest.HasIrqFd ? guest.Routes.Set(_gsi, _address, _data) : -1;
        if (gsi >= 0 && (_file >= 0 || TryConnect(gsi)))
        {
            _gsi = gsi;
            _isRouted = true;
            return true;
        }
        // What the kernel refused once is not asked for at every message.
        _isDelivered = true;
        return false;
    }

    private bool TryConnect(int gsi)
    {
        _gsi = gsi;
        _file = LibC.CreateEvent(0, LibC.EventCloseOnExec | LibC.EventNonBlocking);
        if (_file >= 0 && Assign(0)) return true;
        if (_file >= 0) _ = LibC.Close(_file);
        _file = -1;
        guest.Routes.Remove(gsi);
        return false;
    }

    private bool Assign(uint flags)
    {
        var request = new KvmIrqFd { File = _file, Gsi = (uint)_gsi, Flags = flags };
        return guest.Vm.Control(KvmRequests.IrqFd, (nint)(&request)) == 0;
    }
}
