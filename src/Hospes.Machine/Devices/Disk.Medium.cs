using System.Diagnostics;
using Hospes.Storage;
using Hospes.Virtio;

namespace Hospes.Machine;

/// <summary>The medium of a drive, which comes and goes while requests are under way.</summary>
public sealed partial class Disk
{
    private BlockNode? _node;
    private int _users;

    /// <summary>The tray; null for a disk whose medium stays.</summary>
    public Tray? Tray { get; }

    /// <summary>Takes the medium out. Requests that are under way are waited for.</summary>
    /// <returns>The medium's node, which is nobody's then; null for a drive that has none.</returns>
    public BlockNode? TakeOut()
    {
        BlockNode? node = Interlocked.Exchange(ref _node, null);
        Tray?.HasMedium = false;
        // Who began before is counted; who begins later finds nothing.
        var wait = default(SpinWait);
        while (Volatile.Read(ref _users) > 0) wait.SpinOnce();
        if (node is not null) _graph.Release(node, remove: node.IsAnonymous);
        return node;
    }

    /// <summary>Puts a medium into a drive.</summary>
    /// <param name="node">The medium's node.</param>
    /// <returns>False when somebody uses the node, or the drive has a medium.</returns>
    public bool TryPutIn(BlockNode node)
    {
        if (!_graph.TryUse(node, this)) return false;
        if (Interlocked.CompareExchange(ref _node, node, null) is not null)
        {
            _graph.Release(node, remove: false);
            return false;
        }
        Tray?.HasMedium = true;
        return true;
    }

    /// <summary>A request that uses the medium, which stays in the meantime.</summary>
    private readonly ref struct Use : IDisposable
    {
        private readonly Disk _disk;

        public Use(Disk disk)
        {
            _disk = disk;
            Start = Stopwatch.GetTimestamp();
            Interlocked.Increment(ref disk._users);
            Image = disk.Node?.Image;
        }

        public long Start { get; }

        public IBlockImage? Image { get; }

        public void Dispose() => Interlocked.Decrement(ref _disk._users);
    }
}
