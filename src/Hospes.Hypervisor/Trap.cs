namespace Hospes.Hypervisor;

/// <summary>The kinds of trap (zx_guest_set_trap).</summary>
public enum TrapKind
{
    /// <summary>Asynchronous: a guest's write queues a packet on a port and the guest goes on (ZX_GUEST_TRAP_BELL).</summary>
    Bell,

    /// <summary>Synchronous: <see cref="Vcpu.Run"/> returns a packet (ZX_GUEST_TRAP_MEM).</summary>
    Memory,

    /// <summary>Synchronous, on I/O ports (ZX_GUEST_TRAP_IO).</summary>
    Io,
}

/// <summary>A range of guest-physical addresses or I/O ports whose accesses leave the guest. Immutable.</summary>
public sealed class Trap
{
    /// <summary>Packets that a bell's port holds for this trap before a vCPU that rings it waits.</summary>
    public const int BellPackets = 256;

    internal Trap(TrapKind kind, ulong address, ulong size, ulong key, Port? port)
    {
        Kind = kind;
        Address = address;
        Size = size;
        Key = key;
        Port = port;
    }

    /// <summary>What an access does.</summary>
    public TrapKind Kind { get; }

    /// <summary>The first address or port.</summary>
    public ulong Address { get; }

    /// <summary>How many bytes or ports; at least 1.</summary>
    public ulong Size { get; }

    /// <summary>The first address or port behind it.</summary>
    public ulong End => Address + Size;

    /// <summary>The number that packets of this trap carry.</summary>
    public ulong Key { get; }

    /// <summary>Where a bell's packets go; null for the other kinds.</summary>
    public Port? Port { get; }

    /// <summary>Rings the bell: queues a packet, and waits while <see cref="BellPackets"/> of this trap are still unread.</summary>
    /// <param name="address">The address that the guest wrote.</param>
    /// <returns><see cref="Status.BadState"/> once the port's last handle is closed.</returns>
    public Status Ring(ulong address)
    {
        if (Port is null) return Status.BadState;
        return Port.Ring(Packet(address), this);
    }

    /// <summary>For engines: what feeds the bell's port from the host's kernel, so that it rings without <see cref="Ring"/>.</summary>
    /// <param name="make">Makes it at the first call for the port; it may be another engine's that is there already.</param>
    /// <returns>Null when there is none: the port has ended, or <paramref name="make"/> gave none.</returns>
    public IBellSource? Source(Func<IBellSource?> make) => Port?.Source(make);

    /// <summary>The packet that tells of a write to the bell.</summary>
    internal Packet Packet(ulong address) => new() { Kind = PacketKind.Bell, Key = Key, Address = address, IsTrapped = true, IsWrite = true };

    /// <summary>Packets of this bell that are still unread. Guarded by the port's queue.</summary>
    internal int Queued { get; set; }
}
