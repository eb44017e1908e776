using Hospes.Store.Tree;

namespace Hospes.Store.Requests;

/// <summary>
/// Lists of child names as DIRECTORY_PART gives them out, kept while the directory does not change: a long list is read in many parts, and again by the next reader,
/// and each part is then a copy. A few lists are kept; the one used longest ago goes first. Belongs to the store's thread.
/// </summary>
internal sealed class ChildLists(StoreTree tree)
{
    private const int Kept = 4;

    private readonly List[] _lists = new List[Kept];
    private long _uses;

    private struct List
    {
        public int Node;
        public ulong Generation;
        public long Used;
        public int Length;
        public byte[]? Bytes;
    }

    /// <summary>All names of a node's children, a nul after each.</summary>
    /// <param name="node">The node.</param>
    /// <param name="generation">Its generation, children included; no other state of this node, or of another that had its number, has the same.</param>
    public ReadOnlySpan<byte> Get(int node, ulong generation)
    {
        int at = 0;
        for (int i = 0; i < Kept; i++)
        {
            if (_lists[i].Node == node)
            {
                at = i;
                break;
            }
            if (_lists[i].Used < _lists[at].Used) at = i;
        }
        ref List list = ref _lists[at];
        list.Used = ++_uses;
        if (list.Node != node || list.Generation != generation) Fill(ref list, node, generation);
        return list.Bytes.AsSpan(0, list.Length);
    }

    private void Fill(ref List list, int node, ulong generation)
    {
        list.Node = node;
        list.Generation = generation;
        list.Length = tree[node].ChildrenLength;
        // A list that is growing is not made anew for every name; one that was long once does not keep its memory.
        if (list.Bytes is null || list.Bytes.Length < list.Length || list.Bytes.Length / 4 > list.Length) list.Bytes = new byte[list.Length + list.Length / 2];
        tree.CopyChildNames(node, list.Bytes);
    }
}
