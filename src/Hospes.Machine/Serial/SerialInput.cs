namespace Hospes.Machine;

/// <summary>Bytes on their way to the guest that the serial port has no room for yet. Guarded by the serial port's lock.</summary>
internal sealed class SerialInput
{
    /// <summary>How many bytes wait at most.</summary>
    public const int Capacity = 4096;

    private readonly byte[] _ring = new byte[Capacity];
    private int _start;

    public int Count { get; private set; }

    /// <summary>Takes what there is room for.</summary>
    public int Put(ReadOnlySpan<byte> bytes)
    {
        int taken = Math.Min(bytes.Length, Capacity - Count);
        for (int i = 0; i < taken; i++) _ring[(_start + Count + i) % Capacity] = bytes[i];
        Count += taken;
        return taken;
    }

    /// <summary>Gives the oldest byte; there is one.</summary>
    public byte Take()
    {
        byte value = _ring[_start];
        _start = (_start + 1) % Capacity;
        Count--;
        return value;
    }
}
