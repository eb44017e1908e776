namespace Hospes.Machine;

/// <summary>
/// The registers by which the tables' code learns of processors that were plugged in: a byte for each processor that there may be, by its APIC
/// id. Bit 0 says that it is there, bit 1 that it came and that the operating system was not told yet; a one written to bit 1 clears it.
/// </summary>
internal sealed class ProcessorPlug(int present, int most) : IMmioDevice
{
    /// <summary>Bits of a processor's byte.</summary>
    public const byte IsPresent = 1, IsNew = 2;

    private readonly Lock _gate = new();
    private readonly byte[] _flags = [.. Enumerable.Range(0, most).Select(id => id < present ? IsPresent : (byte)0)];

    /// <summary>Makes a processor present.</summary>
    /// <param name="id">Its APIC id.</param>
    public void Plug(int id)
    {
        lock (_gate) _flags[id] = IsPresent | IsNew;
    }

    /// <inheritdoc/>
    public ulong Read(ulong offset, int size)
    {
        ulong value = 0;
        lock (_gate)
        {
            for (int i = 0; i < size && offset + (ulong)i < (ulong)_flags.Length; i++) value |= (ulong)_flags[offset + (ulong)i] << (i * 8);
        }
        return value;
    }

    /// <inheritdoc/>
    public void Write(ulong offset, int size, ulong value)
    {
        lock (_gate)
        {
            for (int i = 0; i < size && offset + (ulong)i < (ulong)_flags.Length; i++) _flags[offset + (ulong)i] &= (byte)~(value >> (i * 8) & IsNew);
        }
    }
}
