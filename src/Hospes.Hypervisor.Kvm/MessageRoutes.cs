using Hospes.Hypervisor.Kvm.Native;

namespace Hospes.Hypervisor.Kvm;

/// <summary>
/// The kernel's table of interrupt routes. Its first entries are level-triggered messages of the machine's I/O APIC: only for those that stand there
/// does the kernel tell of their end (<c>KVM_EXIT_IOAPIC_EOI</c>). They are learnt from the messages that are delivered. Thread-safe.
/// </summary>
internal sealed unsafe class MessageRoutes(VmFile vm)
{
    private readonly Lock _gate = new();
    private readonly (ulong Address, uint Data)[] _watched = new (ulong, uint)[VmFile.WatchedRoutes];
    private int _count, _next;

    /// <summary>Sees to it that the end of a level-triggered message is told.</summary>
    public void Watch(ulong address, uint data)
    {
        lock (_gate)
        {
            for (int i = 0; i < _count; i++)
            {
                if (_watched[i].Address == address && _watched[i].Data == data) return;
            }
            // A guest that programs more of them than there are vectors loses the oldest.
            _watched[_next] = (address, data);
            _next = (_next + 1) % _watched.Length;
            _count = Math.Max(_count, _next == 0 ? _watched.Length : _next);
            Tell();
        }
    }

    private void Tell()
    {
        const int Head = 8;
        Span<byte> buffer = new byte[Head + _count * sizeof(KvmRoute)];
        fixed (byte* at = buffer)
        {
            *(uint*)at = (uint)_count;
            var routes = (KvmRoute*)(at + Head);
            for (int i = 0; i < _count; i++)
            {
                routes[i] = new KvmRoute
                {
                    Gsi = (uint)i,
                    Type = KvmRoute.TypeMessage,
                    AddressLow = (uint)_watched[i].Address,
                    AddressHigh = (uint)(_watched[i].Address >> 32),
                    Data = _watched[i].Data,
                };
            }
            _ = vm.Control(KvmRequests.SetRouting, (nint)at);
        }
    }
}
