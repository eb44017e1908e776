using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Hospes.Store.Tree;

/// <summary>
/// Node records by id, and the index from (parent, name) to id. Ids start at 1. The index grows one bucket at a time (linear hashing),
/// so that no insertion pays for the growth of the whole. The hash is seeded, so that clients cannot aim at one bucket.
/// </summary>
internal sealed class NodeTable(ByteArena arena, ulong seed)
{
    private const long Reserved = 32L << 30;
    private const long ReservedForBuckets = 4L << 30;
    private const long SizeOfLarge = 8 << 20;
    private const int InitialLevel = 8;

    private readonly Slab<NodeRecord> _records = new(Reserved, SizeOfLarge);
    private readonly Slab<int> _buckets = new(ReservedForBuckets, long.MaxValue);
    private int _nextId = 1;
    private int _freeId;
    private int _level = InitialLevel;
    private int _split;

    /// <summary>Records in use, those of removed nodes that a snapshot sees included.</summary>
    public int Count { get; private set; }

    public long Capacity => _records.Capacity + _buckets.Capacity;

    /// <summary>One more than the largest id ever used: a scan over all nodes ends here.</summary>
    public int IdLimit => _nextId;

    public ref NodeRecord this[int id]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => ref _records[(uint)id];
    }

    public ReadOnlySpan<byte> NameOf(ref readonly NodeRecord node) => arena.Span(node.Block, node.NameLength);

    public ReadOnlySpan<byte> ValueOf(ref readonly NodeRecord node) =>
        node.ValueLength == 0 ? default : arena.Span(node.Block, node.BlockLength)[node.NameLength..];

    /// <summary>The child that is not removed, or 0.</summary>
    public int Find(int parent, ReadOnlySpan<byte> name)
    {
        uint hash = HashOf(parent, name);
        for (int id = Bucket(hash); id != 0;)
        {
            ref NodeRecord node = ref this[id];
            if (node.Hash == hash && node.Parent == parent && node.NameAndFlags == name.Length && NameOf(ref node).SequenceEqual(name)) return id;
            id = node.NextInBucket;
        }
        return 0;
    }

    /// <summary>Every record with that parent and name, removed ones included: give 0 to begin, then the last id.</summary>
    public int FindNext(int parent, ReadOnlySpan<byte> name, int after)
    {
        uint hash = HashOf(parent, name);
        for (int id = after == 0 ? Bucket(hash) : this[after].NextInBucket; id != 0;)
        {
            ref NodeRecord node = ref this[id];
            if (node.Hash == hash && node.Parent == parent && node.NameLength == name.Length && NameOf(ref node).SequenceEqual(name)) return id;
            id = node.NextInBucket;
        }
        return 0;
    }

    /// <summary>Makes a record, puts it into the index; the caller links it to its siblings.</summary>
    public int Add(int parent, ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
    {
        int id = _freeId;
        if (id != 0) _freeId = this[id].NextInBucket;
        else
        {
            id = _nextId++;
            Require((uint)id);
        }
        ref NodeRecord node = ref this[id];
        node = default;
        node.Parent = parent;
        node.Block = arena.Allocate(name.Length + value.Length);
        node.NameAndFlags = (ushort)name.Length;
        node.ValueLength = (ushort)value.Length;
        Span<byte> block = arena.Span(node.Block, name.Length + value.Length);
        name.CopyTo(block);
        value.CopyTo(block[name.Length..]);
        node.Hash = HashOf(parent, name);
        Count++;
        ref int bucket = ref Bucket(node.Hash);
        node.NextInBucket = bucket;
        bucket = id;
        if (Count > (1 << _level) + _split) SplitBucket();
        return id;
    }

    /// <summary>Takes a record out of the index and frees it with its block.</summary>
    public void Free(int id)
    {
        ref NodeRecord node = ref this[id];
        ref int link = ref Bucket(node.Hash);
        while (link != id) link = ref this[link].NextInBucket;
        link = node.NextInBucket;
        arena.Free(node.Block, node.BlockLength);
        node = default;
        node.NextInBucket = _freeId;
        _freeId = id;
        Count--;
    }

    private void Require(uint id)
    {
        long before = _records.Capacity;
        _records.Require(id);
        // The index is small beside the records, and every lookup begins in it.
        if (before < SizeOfLarge && _records.Capacity >= SizeOfLarge) _buckets.UseLargePages();
    }

    private ref int Bucket(uint hash) => ref _buckets[BucketOf(hash)];

    private uint BucketOf(uint hash)
    {
        uint index = hash & ((1u << _level) - 1);
        return index < _split ? hash & ((2u << _level) - 1) : index;
    }

    /// <summary>Splits the next bucket in turn in two.</summary>
    private void SplitBucket()
    {
        int from = _split;
        int to = from + (1 << _level);
        _buckets.Require((uint)to);
        ref int fromBucket = ref _buckets[(uint)from];
        int id = fromBucket, stay = 0, move = 0;
        while (id != 0)
        {
            ref NodeRecord node = ref this[id];
            int next = node.NextInBucket;
            ref int list = ref ((node.Hash >> _level) & 1) == 0 ? ref stay : ref move;
            node.NextInBucket = list;
            list = id;
            id = next;
        }
        fromBucket = stay;
        _buckets[(uint)to] = move;
        if (++_split == 1 << _level)
        {
            _split = 0;
            _level++;
        }
    }

    /// <summary>The newest record in a hash's bucket; 0 for none.</summary>
    public int FirstInBucket(uint hash) => Bucket(hash);

    public void PrefetchBucket(uint hash) => _buckets.Prefetch(BucketOf(hash));

    public void Prefetch(int id) => _records.Prefetch((uint)id);

    public void PrefetchBlock(ref readonly NodeRecord node) => arena.Prefetch(node.Block);

    public uint HashOf(int parent, ReadOnlySpan<byte> name) => SeededHash.Of(name, seed ^ (uint)parent);
}

/// <summary>A fast seeded hash of short byte strings: 8 bytes at a time, folded 128-bit products.</summary>
internal static class SeededHash
{
    private const ulong First = 0xA0761D6478BD642F;
    private const ulong Second = 0xE7037ED1A0B428DB;

    public static uint Of(ReadOnlySpan<byte> text, ulong seed)
    {
        ulong hash = Fold(seed ^ First, (ulong)text.Length ^ Second);
        while (text.Length >= 8)
        {
            hash = Fold(hash ^ MemoryMarshal.Read<ulong>(text), First);
            text = text[8..];
        }
        if (!text.IsEmpty)
        {
            ulong rest = 0;
            if (text.Length >= 4) rest = MemoryMarshal.Read<uint>(text) | (ulong)MemoryMarshal.Read<uint>(text[^4..]) << 32;
            else rest = text[0] | (ulong)text[text.Length >> 1] << 8 | (ulong)text[^1] << 16;
            hash = Fold(hash ^ rest, Second);
        }
        hash = Fold(hash ^ seed, Second);
        return (uint)(hash ^ (hash >> 32));
    }

    private static ulong Fold(ulong a, ulong b)
    {
        ulong high = Math.BigMul(a, b, out ulong low);
        return high ^ low;
    }
}
