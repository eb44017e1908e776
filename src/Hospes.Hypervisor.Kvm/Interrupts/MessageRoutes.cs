using Hospes.Hypervisor.Kvm.Native;

namespace Hospes.Hypervisor.Kvm.Interrupts;

/// <summary>
/// The kernel's table of interrupt routes. Its first entries are level-triggered messages of the machine's I/O APIC: only for those that stand there
/// does the kernel tell of their end (<c>KVM_EXIT_IOAPIC_EOI</c>); they are learnt from the messages that are delivered. Behind them are the messages
/// that devices raise through eventfds (<c>KVM_IRQFD</c>). Thread-safe.
/// </summary>
internal sealed unsafe class MessageRoutes(VmFile vm)
{
    /// <summary>How many routes devices' messages can have: far below the kernel's limit of 4096 for all.</summary>
    public const int MaxMessages = 2048;

    private readonly Lock _gate = new();
    private readonly Route[] _watched = new Route[VmFile.WatchedRoutes];
    private readonly List<Route?> _messages = [];
    private int _count, _next;

    /// <summary>Sees to it that the end of a level-triggered message is told.</summary>
    public void Watch(ulong address, uint data)
    {
        lock (_gate)
        {
            var route = new Route(address, data);
            if (Array.IndexOf(_watched, route, 0, _count) >= 0) return;
            // A guest that programs more of them than there are vectors loses the oldest.
            _watched[_next] = route;
            _next = (_next + 1) % _watched.Length;
            _count = Math.Max(_count, _next == 0 ? _watched.Length : _next);
            Tell();
        }
    }

    /// <summary>Gives a message a route.</summary>
    /// <param name="gsi">The route's number that the message has already, or negative for a new one.</param>
    /// <param name="address">The message address.</param>
    /// <param name="data">The message data.</param>
    /// <returns>The route's number; negative when the kernel refuses or there are too many.</returns>
    public int Set(int gsi, ulong address, uint data)
    {
        lock (_gate)
        {
            int index = gsi - VmFile.WatchedRoutes;
            if (gsi < 0)
            {
                index = _messages.IndexOf(null);
                if (index < 0 && _messages.Count >= MaxMessages) return -1;
                if (index < 0)
                {
                    index = _messages.Count;
                    _messages.Add(null);
                }
            }
            Route? before = _messages[index];
            _messages[index] = new Route(address, data);
            if (Tell()) return VmFile.WatchedRoutes + index;
            _messages[index] = before;
            return -1;
        }
    }

    /// <summary>Takes a message's route away. The kernel forgets it with the next change.</summary>
    public void Remove(int gsi)
    {
        lock (_gate) _messages[gsi - VmFile.WatchedRoutes] = null;
    }

    private bool Tell()
    {
        const int Head = 8;
        int messages = 0;
        Span<byte> buffer = new byte[Head + (_count + _messages.Count) * sizeof(KvmRoute)];
        fixed (byte* at = buffer)
        {
            var routes = (KvmRoute*)(at + Head);
            for (int i = 0; i < _count; i++) routes[i] = _watched[i].ToKernel(i);
            for (int i = 0; i < _messages.Count; i++)
            {
                if (_messages[i] is { } route) routes[_count + messages++] = route.ToKernel(VmFile.WatchedRoutes + i);
            }
            *(int*)at = _count + messages;
            return vm.Control(KvmRequests.SetRouting, (nint)at) == 0;
        }
    }

    private readonly record struct Route(ulong Address, uint Data)
    {
        public KvmRoute ToKernel(int gsi) => new()
        {
            Gsi = (uint)gsi,
            Type = KvmRoute.TypeMessage,
            AddressLow = (uint)Address,
            AddressHigh = (uint)(Address >> 32),
            Data = Data,
        };
    }
}
