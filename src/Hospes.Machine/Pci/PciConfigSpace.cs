using System.Buffers.Binary;

namespace Hospes.Machine;

/// <summary>The 4096 bytes of configuration space of one PCI Express function, with a mask of what the guest may change. Thread-safe.</summary>
internal sealed class PciConfigSpace
{
    /// <summary>Bytes of a function's configuration space (PCI Express 5.0, 7.2.2).</summary>
    public const int Size = 4096;

    /// <summary>Registers of a type 0 header (PCI 3.0, 6.1).</summary>
    public const int VendorId = 0x00, DeviceId = 0x02, Command = 0x04, CacheLineSize = 0x0C, ClassCode = 0x0A, SubsystemVendorId = 0x2C,
        SubsystemId = 0x2E, InterruptLine = 0x3C;

    /// <summary>Command register: I/O, memory, bus master, parity errors, SERR#, interrupt disable (PCI 3.0, 6.2.2).</summary>
    public const ushort CommandMask = 0x0547;

    private readonly Lock _gate = new();
    private readonly byte[] _bytes = new byte[Size];
    private readonly byte[] _writable = new byte[Size];

    /// <summary>Sets a 16-bit register as the device has it out of reset.</summary>
    public void Set(int offset, ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(_bytes.AsSpan(offset), value);

    /// <summary>Lets the guest change some bits of a 16-bit register.</summary>
    public void Allow(int offset, ushort mask) => BinaryPrimitives.WriteUInt16LittleEndian(_writable.AsSpan(offset), mask);

    public ulong Read(int offset, int size)
    {
        ulong value = 0;
        lock (_gate)
        {
            for (int i = 0; i < size; i++) value |= (ulong)(offset + i < Size ? _bytes[offset + i] : 0xFF) << (i * 8);
        }
        return value;
    }

    public void Write(int offset, int size, ulong value)
    {
        lock (_gate)
        {
            for (int i = 0; i < size && offset + i < Size; i++)
            {
                byte mask = _writable[offset + i];
                _bytes[offset + i] = (byte)(_bytes[offset + i] & ~mask | (byte)(value >> (i * 8)) & mask);
            }
        }
    }
}
