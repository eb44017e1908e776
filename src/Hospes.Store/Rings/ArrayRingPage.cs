using System.Runtime.InteropServices;

namespace Hospes.Store.Rings;

/// <summary>A ring page in ordinary memory: for a guest side in the same process, and for tests.</summary>
public sealed class ArrayRingPage : IRingPage
{
    private readonly byte[] _bytes = new byte[RingLayout.PageSize];

    /// <inheritdoc/>
    public uint ReadWord(int offset) => Volatile.Read(ref Word(offset));

    /// <inheritdoc/>
    public void WriteWord(int offset, uint value)
    {
        Volatile.Write(ref Word(offset), value);
        Interlocked.MemoryBarrier();
    }

    /// <inheritdoc/>
    public void Read(int offset, Span<byte> destination) => _bytes.AsSpan(offset, destination.Length).CopyTo(destination);

    /// <inheritdoc/>
    public void Write(int offset, ReadOnlySpan<byte> source) => source.CopyTo(_bytes.AsSpan(offset, source.Length));

    private ref uint Word(int offset) => ref MemoryMarshal.Cast<byte, uint>(_bytes.AsSpan(offset, sizeof(uint)))[0];
}
