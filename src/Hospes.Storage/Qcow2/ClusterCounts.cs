namespace Hospes.Storage.Qcow2;

/// <summary>References per cluster, as a check counts them. Only stretches with references take memory.</summary>
internal sealed class ClusterCounts
{
    private const int ChunkBits = 10;

    /// <summary>A gibibyte of chunks: sixteen tebibytes of an image with clusters of 64 KiB. A forged sparse file gets no more.</summary>
    private const int MaxChunks = 1 << 18;

    private readonly Dictionary<long, uint[]> _chunks = [];

    /// <summary>True when there was no room for a reference.</summary>
    public bool Overflowed { get; private set; }

    /// <summary>The first cluster after the last with a reference.</summary>
    public long End { get; private set; }

    public uint this[long cluster] => _chunks.TryGetValue(cluster >> ChunkBits, out uint[]? chunk) ? chunk[cluster & ((1 << ChunkBits) - 1)] : 0;

    public void Add(long cluster, uint count)
    {
        if (!_chunks.TryGetValue(cluster >> ChunkBits, out uint[]? chunk))
        {
            if (_chunks.Count >= MaxChunks)
            {
                Overflowed = true;
                return;
            }

            _chunks[cluster >> ChunkBits] = chunk = new uint[1 << ChunkBits];
        }

        ref uint cell = ref chunk[cluster & ((1 << ChunkBits) - 1)];
        cell = (uint)Math.Min(uint.MaxValue, (ulong)cell + count);
        End = Math.Max(End, cluster + 1);
    }

    public void Subtract(long cluster)
    {
        if (_chunks.TryGetValue(cluster >> ChunkBits, out uint[]? chunk) && chunk[cluster & ((1 << ChunkBits) - 1)] > 0) chunk[cluster & ((1 << ChunkBits) - 1)]--;
    }

    /// <summary>True when some cluster of a range has references; skips what has no memory.</summary>
    public bool Any(long from, long to)
    {
        for (long cluster = from; cluster < to;)
        {
            if (!_chunks.ContainsKey(cluster >> ChunkBits)) cluster = ((cluster >> ChunkBits) + 1) << ChunkBits;
            else if (this[cluster++] != 0) return true;
        }

        return false;
    }
}
