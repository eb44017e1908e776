using System.Runtime.InteropServices;

namespace Hospes.Hypervisor.Soft.Decode;

/// <summary>Native memory that is given out in order and taken back all at once.</summary>
internal sealed unsafe class Arena : IDisposable
{
    // SAFETY: what is given out stays valid until Reset or Dispose; the owner drops every pointer into the arena before either.
    private readonly List<nint> _chunks = [];
    private readonly nuint _chunkBytes;
    private int _chunk = -1;
    private nuint _used;

    /// <param name="chunkBytes">Bytes that are asked of the host at a time; the largest allocation.</param>
    public Arena(nuint chunkBytes)
    {
        _chunkBytes = chunkBytes;
        _used = chunkBytes;
    }

    /// <summary>How many bytes were given out since the last reset, chunk ends included.</summary>
    public long BytesUsed => _chunk < 0 ? 0 : (long)_chunk * (long)_chunkBytes + (long)_used;

    /// <summary>Gives out memory, aligned to 16 bytes, not cleared.</summary>
    public void* Allocate(nuint bytes)
    {
        bytes = (bytes + 15) & ~(nuint)15;
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bytes, _chunkBytes);
        if (_used + bytes > _chunkBytes)
        {
            if (++_chunk == _chunks.Count) _chunks.Add((nint)NativeMemory.AlignedAlloc(_chunkBytes, 64));
            _used = 0;
        }
        void* at = (byte*)_chunks[_chunk] + _used;
        _used += bytes;
        return at;
    }

    /// <summary>Takes everything back; the chunks are kept for reuse.</summary>
    public void Reset()
    {
        _chunk = -1;
        _used = _chunkBytes;
    }

    /// <summary>Frees the chunks.</summary>
    public void Dispose()
    {
        foreach (nint chunk in _chunks) NativeMemory.AlignedFree((void*)chunk);
        _chunks.Clear();
        Reset();
    }
}
