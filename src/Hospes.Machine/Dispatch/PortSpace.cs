using Hospes.Hypervisor;

namespace Hospes.Machine;

/// <summary>
/// Which device has which I/O port. Filled while the machine is built, read only afterwards: look-ups need no lock. Ports that nobody has
/// read as all ones and swallow writes.
/// </summary>
internal sealed class PortSpace(Guest guest)
{
    private const int PerPart = 0x100;

    /// <summary>Whose each port is, in parts of which most are nobody's and not there.</summary>
    private readonly byte[]?[] _slots = new byte[0x10000 / PerPart][];
    private readonly List<IIoDevice> _adding = [];
    private IIoDevice[] _devices = [];

    /// <summary>Gives a device its ports and traps them.</summary>
    public Status Add(IIoDevice device, ushort first, int count)
    {
        int slot = _adding.IndexOf(device) + 1;
        if (slot == 0)
        {
            _adding.Add(device);
            slot = _adding.Count;
            _devices = [.. _adding];
        }
        Status status = guest.SetTrap(TrapKind.Io, first, (ulong)count, null, (ulong)slot);
        if (status != Status.Ok) return status;
        for (int port = first; port < first + count; port++) (_slots[port / PerPart] ??= new byte[PerPart])[port % PerPart] = (byte)slot;
        return status;
    }

    public uint Read(ushort port, int size)
    {
        int slot = Slot(port);
        if (slot != 0 && size <= _devices[slot - 1].MaxAccess) return _devices[slot - 1].Read(port, size);
        if (size == 1) return 0xFF;
        uint value = 0;
        for (int i = 0; i < size; i++) value |= (port + i > 0xFFFF ? 0xFF : Read((ushort)(port + i), 1) & 0xFF) << (i * 8);
        return value;
    }

    public void Write(ushort port, int size, uint value)
    {
        int slot = Slot(port);
        if (slot != 0 && size <= _devices[slot - 1].MaxAccess)
        {
            _devices[slot - 1].Write(port, size, value);
            return;
        }
        if (size == 1) return;
        for (int i = 0; i < size && port + i <= 0xFFFF; i++) Write((ushort)(port + i), 1, (value >> (i * 8)) & 0xFF);
    }

    private int Slot(ushort port) => _slots[port / PerPart] is { } part ? part[port % PerPart] : 0;
}
