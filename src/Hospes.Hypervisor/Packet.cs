namespace Hospes.Hypervisor;

/// <summary>What a <see cref="Packet"/> tells of: a closed set (zx_port_packet_t's guest kinds, and what a full machine needs beyond them).</summary>
public enum PacketKind
{
    /// <summary>Nothing; the value of an empty packet.</summary>
    None = 0,

    /// <summary>A write hit a bell (ZX_PKT_TYPE_GUEST_BELL). Arrives on a port.</summary>
    Bell,

    /// <summary>A synchronous access to a memory trap, or to guest-physical memory that nothing occupies (ZX_PKT_TYPE_GUEST_MEM).</summary>
    Memory,

    /// <summary>A synchronous access to an I/O port, trapped or not (ZX_PKT_TYPE_GUEST_IO).</summary>
    Io,

    /// <summary>The processor shut down: a triple fault (Intel SDM vol. 3, 7.15 "Double Fault Exception").</summary>
    Shutdown,

    /// <summary>The local APIC ended a level-triggered interrupt; the I/O APIC with that vector looks at its line again.</summary>
    EndOfInterrupt,

    /// <summary>The processor stopped for a debugger (<see cref="Capability.Debugging"/>); <see cref="Packet.Data"/> is the <see cref="DebugStop"/>.</summary>
    Debug,

    /// <summary>A packet that a user of the port queued.</summary>
    User,
}

/// <summary>One event of a guest. A value: nothing is allocated for it.</summary>
public readonly struct Packet
{
    /// <summary>What happened.</summary>
    public PacketKind Kind { get; init; }

    /// <summary>The key of the trap that was hit; 0 when none was.</summary>
    public ulong Key { get; init; }

    /// <summary>Whether a trap was hit: false for an access that nothing answers.</summary>
    public bool IsTrapped { get; init; }

    /// <summary>Guest-physical address (<see cref="PacketKind.Bell"/>, <see cref="PacketKind.Memory"/>), port number
    /// (<see cref="PacketKind.Io"/>), or vector (<see cref="PacketKind.EndOfInterrupt"/>).</summary>
    public ulong Address { get; init; }

    /// <summary>The width of the access in bytes: 1, 2, 4 or 8; a wider access is split.</summary>
    public int Size { get; init; }

    /// <summary>Whether the guest writes. A read is answered with <see cref="Vcpu.CompleteRead"/> before the next run.</summary>
    public bool IsWrite { get; init; }

    /// <summary>What the guest writes, in the low <see cref="Size"/> bytes.</summary>
    public ulong Data { get; init; }
}
