using Hospes.Store.Engine;
using Hospes.Store.Quotas;
using Hospes.Store.Tree;
using Hospes.Store.Wire;

namespace Hospes.Store.Requests;

/// <summary>Checks the store against itself (CONTROL check): links, index, lengths, accounts.</summary>
internal static class StoreCheck
{
    /// <summary>One line for each thing that is wrong; none when all is well.</summary>
    public static List<string> Run(StoreState state)
    {
        var faults = new List<string>();
        StoreTree tree = state.Tree;
        var nodes = new Dictionary<ushort, long>();
        int found = 0;
        int node = StoreTree.Root;
        while (node != 0)
        {
            found++;
            ushort owner = tree.PermissionsOf(node).Owner;
            nodes[owner] = nodes.GetValueOrDefault(owner) + 1;
            int length = 0;
            for (int child = tree.SkipRemoved(tree[node].FirstChild); child != 0; child = tree.SkipRemoved(tree[child].NextSibling))
            {
                length += tree[child].NameLength + 1;
                if (tree[child].Parent != node) faults.Add($"node {child} is below {node}, but its parent is {tree[child].Parent}");
                if (tree.FindChild(node, tree.NameOf(child)) != child) faults.Add($"node {child} is not found by its name");
            }
            if (length != tree[node].ChildrenLength) faults.Add($"node {node} has {length} bytes of children, not {tree[node].ChildrenLength}");
            node = Next(tree, node);
        }
        foreach (byte[] special in (byte[][])["@introduceDomain"u8.ToArray(), "@releaseDomain"u8.ToArray()])
        {
            int id = tree.Locate(special).Node;
            if (id == 0) continue;
            found++;
            ushort owner = tree.PermissionsOf(id).Owner;
            nodes[owner] = nodes.GetValueOrDefault(owner) + 1;
        }
        if (found != tree.Count) faults.Add($"{found} nodes are reachable, {tree.Count} are counted");
        foreach (DomainState domain in state.Domains.Values)
            if (domain.Used(QuotaItem.Nodes) != nodes.GetValueOrDefault(domain.Id)) faults.Add($"domain {domain.Id} owns {nodes.GetValueOrDefault(domain.Id)} nodes, {domain.Used(QuotaItem.Nodes)} are counted");
        return faults;
    }

    /// <summary>The next node in depth-first order; 0 after the last.</summary>
    public static int Next(StoreTree tree, int node)
    {
        int next = tree.SkipRemoved(tree[node].FirstChild);
        while (next == 0 && node != StoreTree.Root)
        {
            next = tree.SkipRemoved(tree[node].NextSibling);
            if (next == 0) node = tree[node].Parent;
        }
        return next;
    }
}
