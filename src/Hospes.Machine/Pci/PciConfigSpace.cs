namespace Hospes.Machine;

/// <summary>The 4096 bytes of configuration space of one PCI Express function, with a mask of what the guest may change. Thread-safe.</summary>
internal sealed class PciConfigSpace
{
    /// <summary>Bytes of a function's configuration space (PCI Express 5.0, 7.2.2).</summary>
    public const int Size = 4096;

    private readonly Lock _gate = new();
    private readonly byte[] _bytes = new byte[Size];
    private readonly byte[] _writable = new byte[Size];

    /// <summary>Sets a register as the device has it.</summary>
    public void Set(int offset, ulong value, int size = 2)
    {
        lock (_gate)
        {
            for (int i = 0; i < size; i++) _bytes[offset + i] = (byte)(value >> (i * 8));
        }
    }

    /// <summary>Sets or clears bits of a 16-bit register.</summary>
    public void SetBits(int offset, ushort bits, bool value)
    {
        lock (_gate)
        {
            for (int i = 0; i < 2; i++)
            {
                byte part = (byte)(bits >> (i * 8));
                _bytes[offset + i] = (byte)(value ? _bytes[offset + i] | part : _bytes[offset + i] & ~part);
            }
        }
    }

    /// <summary>Lets the guest change some bits of a register.</summary>
    public void Allow(int offset, ulong mask, int size = 2)
    {
        for (int i = 0; i < size; i++) _writable[offset + i] = (byte)(mask >> (i * 8));
    }

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
