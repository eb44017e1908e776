using System.Diagnostics.CodeAnalysis;
using Hospes.Virtio.FileSystem.Native;

namespace Hospes.Virtio.FileSystem;

/// <summary>What the guest has open. For one thread.</summary>
internal sealed class HandleTable(NodeTable nodes, int most)
{
    private readonly Dictionary<ulong, Handle> _all = [];
    private ulong _next = 1;

    /// <summary>How many there are.</summary>
    public int Count => _all.Count;

    /// <summary>Whether no further one is possible.</summary>
    public bool IsFull => _all.Count >= most;

    /// <summary>Notes a file that was opened; there is room.</summary>
    /// <param name="node">The file.</param>
    /// <param name="file">Its descriptor, the handle's from now on.</param>
    public Handle Add(Node node, int file)
    {
        var handle = new Handle(_next++, node, file) { Next = node.FirstHandle };
        node.FirstHandle = handle;
        _all.Add(handle.Id, handle);
        return handle;
    }

    /// <summary>Finds a handle.</summary>
    /// <param name="id">Its number.</param>
    /// <param name="node">The number of the file that the guest says it is of.</param>
    /// <param name="handle">The handle.</param>
    public bool TryFind(ulong id, ulong node, [NotNullWhen(true)] out Handle? handle) => _all.TryGetValue(id, out handle) && handle.Node.Id == node;

    /// <summary>Closes a handle.</summary>
    public void Close(Handle handle)
    {
        _all.Remove(handle.Id);
        HostCalls.Close(handle.File);
        Node node = handle.Node;
        if (node.FirstHandle == handle)
        {
            node.FirstHandle = handle.Next;
        }
        else
        {
            Handle before = node.FirstHandle!;
            while (before.Next != handle) before = before.Next!;
            before.Next = handle.Next;
        }
        nodes.Release(node);
    }

    /// <summary>Closes all of them.</summary>
    public void Clear()
    {
        foreach (Handle handle in _all.Values)
        {
            HostCalls.Close(handle.File);
            handle.Node.FirstHandle = null;
        }
        _all.Clear();
    }
}
