using Hospes.Hypervisor;

namespace Hospes.Machine;

/// <summary>Which device has which stretch of guest-physical memory. Filled while the machine is built, read only afterwards.</summary>
internal sealed class MemorySpace(Guest guest)
{
    private Entry[] _entries = [];

    /// <summary>What gets the accesses to addresses that no window here has: a device whose regions the guest moves. Set while the machine is
    /// built.</summary>
    public PciMemory? Unclaimed { get; set; }

    /// <summary>Gives a device its window and traps it.</summary>
    public Status Add(IMmioDevice device, ulong address, ulong size)
    {
        Status status = guest.SetTrap(TrapKind.Memory, address, size, null, (ulong)_entries.Length + 1);
        if (status == Status.Ok) _entries = [.. _entries, new Entry(address, size, device)];
        return status;
    }

    public ulong Read(in Packet packet) =>
        TryFind(packet, out Entry entry) ? entry.Device.Read(packet.Address - entry.Address, packet.Size)
        : Unclaimed is { } unclaimed ? unclaimed.Read(packet.Address, packet.Size)
        : ulong.MaxValue;

    public void Write(in Packet packet)
    {
        if (TryFind(packet, out Entry entry)) entry.Device.Write(packet.Address - entry.Address, packet.Size, packet.Data);
        else Unclaimed?.Write(packet.Address, packet.Size, packet.Data);
    }

    private bool TryFind(in Packet packet, out Entry entry)
    {
        Entry[] entries = _entries;
        ulong slot = packet.Key - 1;
        if (packet.IsTrapped && slot < (ulong)entries.Length && packet.Address - entries[slot].Address < entries[slot].Size)
        {
            entry = entries[slot];
            return true;
        }
        entry = default;
        return false;
    }

    private readonly record struct Entry(ulong Address, ulong Size, IMmioDevice Device);
}
