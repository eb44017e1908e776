namespace Hospes.Machine;

/// <summary>
/// Configuration through ports 0xCF8 and 0xCFC (PCI 3.0, 3.2.2.3.2), over the same functions as the memory window, and the reset control
/// register that shares the first of them (a byte at 0xCF9). Thread-safe.
/// </summary>
/// <param name="bridge">The host bridge, or null in a machine without PCI: then only the reset register is there.</param>
/// <param name="reset">Ends the run with a reset.</param>
internal sealed class PciPorts(PciHostBridge? bridge, Action reset) : IIoDevice
{
    private const uint Enable = 1u << 31;

    /// <summary>Reset control: a write with this bit set resets the machine (Intel ICH9, 13.7.5).</summary>
    private const uint ResetProcessor = 4;

    private uint _address;
    private uint _resetControl;

    /// <inheritdoc/>
    public int MaxAccess => 4;

    /// <inheritdoc/>
    public uint Read(ushort port, int size)
    {
        if (port >= PortMap.PciData)
        {
            return bridge is not null && TryLocate(port, size, out ulong offset) ? (uint)bridge.Read(offset, size) : uint.MaxValue;
        }
        if (port == PortMap.ResetControl && size == 1) return Volatile.Read(ref _resetControl);
        return bridge is not null && port == PortMap.PciAddress && size == 4 ? Volatile.Read(ref _address) : uint.MaxValue;
    }

    /// <inheritdoc/>
    public void Write(ushort port, int size, uint value)
    {
        if (port >= PortMap.PciData)
        {
            if (bridge is not null && TryLocate(port, size, out ulong offset)) bridge.Write(offset, size, value);
        }
        else if (port == PortMap.ResetControl && size == 1)
        {
            Volatile.Write(ref _resetControl, value & 0x0A);
            if ((value & ResetProcessor) != 0) reset();
        }
        else if (port == PortMap.PciAddress && size == 4)
        {
            Volatile.Write(ref _address, value & 0x80FF_FFFC);
        }
    }

    /// <summary>Where in the memory window the function's register is: 256 of a function's 4096 bytes can be reached from here.</summary>
    private bool TryLocate(ushort port, int size, out ulong offset)
    {
        uint address = Volatile.Read(ref _address);
        int inside = port - PortMap.PciData;
        offset = (address & 0x00FF_FF00UL) << 4 | (address & 0xFC) + (uint)inside;
        return (address & Enable) != 0 && inside + size <= 4;
    }
}
