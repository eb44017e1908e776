using Hospes.Domains.Catalogues;
using Hospes.Domains.Networks;
using Hospes.Libvirt.Procedures;
using Hospes.Libvirt.Wire;

namespace Hospes.Libvirt.Server;

internal sealed partial class ClientSession
{
    /// <summary>Lifecycle events of networks and of storage pools (<c>REMOTE_PROC_NETWORK_EVENT_LIFECYCLE</c>, <c>REMOTE_PROC_STORAGE_POOL_EVENT_LIFECYCLE</c>).</summary>
    private const int NetworkLifecycle = 315, PoolLifecycle = 370;

    private readonly Dictionary<int, IDisposable> _watches = [];

    /// <summary>Tells the client of what happens to networks or pools from now on. Called by its reader only.</summary>
    /// <param name="catalogue">The networks or pools.</param>
    /// <param name="type">Which they are.</param>
    /// <param name="only">The one that the client wants to know of, or null for all.</param>
    /// <param name="kind">The kind of event: 0 for lifecycles; of others there is never anything to tell.</param>
    /// <returns>The number of the wish, or null if there are too many.</returns>
    public int? Watch<T>(Catalogue<T> catalogue, Type type, Guid? only, int kind) where T : class, ICatalogued
    {
        lock (_watches)
        {
            if (_watches.Count >= MaximumWishes) return null;
        }
        int callback, procedure = type == typeof(NetworkConfig) ? NetworkLifecycle : PoolLifecycle;
        lock (_wishesGate) callback = _lastCallback++;
        IDisposable watch = catalogue.Watch((happened, item) =>
        {
            if (kind != 0 || (only is { } uuid && uuid != item.Uuid)) return;
            _outgoing.Send(Header(procedure, MessageType.Message, 0, MessageStatus.Ok), (callback, happened, Name: new ItemName(item.Name, item.Uuid)), static (writer, told) =>
            {
                writer.Int32(told.callback);
                told.Name.Write(writer);
                writer.Int32((int)told.happened);
                writer.Int32(0);
            });
        });
        lock (_watches) _watches.Add(callback, watch);
        return callback;
    }

    /// <summary>Ends a wish.</summary>
    /// <returns>Whether there was one.</returns>
    public bool Unwatch(int callback)
    {
        lock (_watches)
        {
            if (!_watches.Remove(callback, out IDisposable? watch)) return false;
            watch.Dispose();
            return true;
        }
    }

    private void EndWatches()
    {
        lock (_watches)
        {
            foreach (IDisposable watch in _watches.Values) watch.Dispose();
            _watches.Clear();
        }
    }
}
