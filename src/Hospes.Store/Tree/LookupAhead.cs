using System.Runtime.CompilerServices;

namespace Hospes.Store.Tree;

/// <summary>
/// Brings into the processor's caches what several lookups are about to touch. One lookup in a large tree waits for memory three times for each
/// component of its path, each time for an address that the time before gave; several at once wait together. Nothing is decided here: a guess that is wrong
/// (names are not compared, and what is found may be gone when the request is carried out) costs time and nothing else.
/// </summary>
internal sealed class LookupAhead(NodeTable nodes)
{
    /// <summary>Lookups at once: more than a processor keeps memory accesses on their way.</summary>
    public const int LaneMax = 16;

    /// <summary>Nodes from which on it pays; fewer are in the caches anyway.</summary>
    private const int WorthFrom = 32 * 1024;

    private readonly Lane[] _lanes = new Lane[LaneMax];
    private int _count;

    /// <summary>One lookup on its way.</summary>
    private struct Lane
    {
        /// <summary>The component looked for: where it begins in the batch's bytes, and where the whole path ends.</summary>
        public int Start;
        public int Length;
        public int PathEnd;
        public int Parent;
        public uint Hash;

        /// <summary>The record to look at; 0 while the bucket is to be looked at.</summary>
        public int Candidate;
    }

    public bool IsWorthwhile => nodes.Count >= WorthFrom;

    public bool IsFull => _count == LaneMax;

    /// <summary>Adds an absolute path, which stands in <paramref name="bytes"/>.</summary>
    public void Add(ReadOnlySpan<byte> bytes, int start, int length)
    {
        if (length < 2) return;
        ref Lane lane = ref _lanes[_count++];
        lane = new Lane { Start = start + 1, PathEnd = start + length };
        Begin(ref lane, bytes, StoreTree.Root);
    }

    /// <summary>Carries all lookups out side by side, and forgets them.</summary>
    public void Run(ReadOnlySpan<byte> bytes)
    {
        while (_count > 0)
        {
            for (int i = _count - 1; i >= 0; i--)
                if (!Step(ref _lanes[i], bytes)) _lanes[i] = _lanes[--_count];
        }
    }

    /// <summary>One access to memory that was asked for in the step before; false when the lookup is over.</summary>
    private bool Step(ref Lane lane, ReadOnlySpan<byte> bytes)
    {
        int next;
        if (lane.Candidate == 0) next = nodes.FirstInBucket(lane.Hash);
        else
        {
            ref NodeRecord node = ref nodes[lane.Candidate];
            if (node.Hash == lane.Hash && node.Parent == lane.Parent)
            {
                nodes.PrefetchBlock(ref node);
                lane.Start += lane.Length + 1;
                if (lane.Start >= lane.PathEnd) return false;
                Begin(ref lane, bytes, lane.Candidate);
                return true;
            }
            next = node.NextInBucket;
        }
        lane.Candidate = next;
        if (next == 0) return false;
        nodes.Prefetch(next);
        return true;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Begin(ref Lane lane, ReadOnlySpan<byte> bytes, int parent)
    {
        ReadOnlySpan<byte> rest = bytes[lane.Start..lane.PathEnd];
        int slash = rest.IndexOf((byte)'/');
        lane.Length = slash < 0 ? rest.Length : slash;
        lane.Parent = parent;
        lane.Candidate = 0;
        lane.Hash = nodes.HashOf(parent, rest[..lane.Length]);
        nodes.PrefetchBucket(lane.Hash);
    }
}
