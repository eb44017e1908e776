namespace Hospes.Machine;

/// <summary>Collects the resource descriptors of a device (ACPI 6.5, 6.4) into the buffer that <c>_CRS</c> returns.</summary>
internal sealed class ResourceTemplate
{
    /// <summary>Resource types of address space descriptors (6.4.3.5): memory, I/O, bus numbers.</summary>
    private const byte MemoryRange = 0, BusRange = 2;

    /// <summary>General flags of an address space descriptor: a bridge's window (producer), with a fixed first and last address.</summary>
    private const byte FixedWindow = 0x0C;

    /// <summary>Type flags of memory: not cacheable or cacheable, read and write.</summary>
    private const byte NonCacheable = 0x01;

    private readonly List<byte> _bytes = [];

    /// <summary>Adds I/O ports at a fixed place, decoded with 16 bits (6.4.2.5).</summary>
    public ResourceTemplate Ports(ushort first, byte count)
    {
        _bytes.AddRange([0x47, 0x01]);
        Number(first, 2);
        Number(first, 2);
        _bytes.AddRange([0x01, count]);
        return this;
    }

    /// <summary>Adds an interrupt that is the device's own: edge-triggered, active high (6.4.3.6).</summary>
    public ResourceTemplate EdgeInterrupt(int gsi)
    {
        _bytes.AddRange([0x89, 0x06, 0x00, 0x03, 0x01]);
        Number((ulong)gsi, 4);
        return this;
    }

    /// <summary>Adds the bus numbers behind a bridge (6.4.3.5.3).</summary>
    public ResourceTemplate Buses(byte first, byte last)
    {
        _bytes.Add(0x88);
        Number(13, 2);
        _bytes.AddRange([BusRange, FixedWindow, 0x00]);
        Range(first, last, 2);
        return this;
    }

    /// <summary>Adds a bridge's window of 32-bit memory (6.4.3.5.2).</summary>
    public ResourceTemplate Window32(ulong address, ulong size)
    {
        _bytes.Add(0x87);
        Number(23, 2);
        _bytes.AddRange([MemoryRange, FixedWindow, NonCacheable]);
        Range(address, address + size - 1, 4);
        return this;
    }

    /// <summary>Adds a bridge's window of 64-bit memory (6.4.3.5.1).</summary>
    public ResourceTemplate Window64(ulong address, ulong size)
    {
        _bytes.Add(0x8A);
        Number(43, 2);
        _bytes.AddRange([MemoryRange, FixedWindow, NonCacheable]);
        Range(address, address + size - 1, 8);
        return this;
    }

    /// <summary>Adds memory that the device occupies itself, anywhere (6.4.3.5.1, a consumer's descriptor).</summary>
    public ResourceTemplate Memory(ulong address, ulong size)
    {
        _bytes.Add(0x8A);
        Number(43, 2);
        _bytes.AddRange([MemoryRange, FixedWindow | 1, NonCacheable]);
        Range(address, address + size - 1, 8);
        return this;
    }

    /// <summary>The template, with its end tag (6.4.2.9); a checksum of 0 means there is none.</summary>
    public byte[] ToArray() => [.. _bytes, 0x79, 0x00];

    private void Range(ulong first, ulong last, int size)
    {
        Number(0, size); // granularity
        Number(first, size);
        Number(last, size);
        Number(0, size); // translation
        Number(last - first + 1, size);
    }

    private void Number(ulong value, int size)
    {
        for (int i = 0; i < size; i++) _bytes.Add((byte)(value >> (8 * i)));
    }
}
