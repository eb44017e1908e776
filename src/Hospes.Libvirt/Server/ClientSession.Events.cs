using Hospes.Domains;
using Hospes.Domains.Events;
using Hospes.Libvirt.Procedures;
using Hospes.Libvirt.Wire;

namespace Hospes.Libvirt.Server;

/// <summary>One wish to be told of events.</summary>
/// <param name="Callback">Its number, which goes with its events; negative for the first generation of events, which have none.</param>
/// <param name="Kind">The kind (<c>virDomainEventID</c>); of many kinds there is never anything to tell.</param>
/// <param name="Domain">The domain, or null for all.</param>
internal sealed record EventWish(int Callback, int Kind, Guid? Domain);

internal sealed partial class ClientSession : IEventSink
{
    /// <summary>Wishes of one client at a time.</summary>
    private const int MaximumWishes = 1024;

    /// <summary><c>VIR_DOMAIN_EVENT_ID_LAST</c> of libvirt 9.0.</summary>
    public const int EventKinds = 27;

    private readonly Lock _wishesGate = new();
    private EventWish[] _wishes = [];
    private IDisposable? _subscription;
    private int _lastCallback;

    /// <summary>Tells the client of events from now on. Called by its reader only.</summary>
    /// <returns>The number of the wish, or null if there are too many.</returns>
    public int? Wish(int kind, Guid? domain, bool firstGeneration)
    {
        int callback;
        lock (_wishesGate)
        {
            if (_wishes.Length >= MaximumWishes) return null;
            callback = firstGeneration ? -1 - kind : _lastCallback++;
            _wishes = [.. _wishes, new EventWish(callback, kind, domain)];
        }
        // Outside the lock: whoever tells holds the log's, and asks for this one.
        _subscription ??= Host.Events.Subscribe(this).Value;
        return callback;
    }

    /// <summary>Ends a wish.</summary>
    /// <returns>Whether there was one.</returns>
    public bool Unwish(int callback)
    {
        lock (_wishesGate)
        {
            int index = Array.FindIndex(_wishes, wish => wish.Callback == callback);
            if (index < 0) return false;
            _wishes = [.. _wishes[..index], .. _wishes[(index + 1)..]];
            return true;
        }
    }

    /// <inheritdoc/>
    public void Take(DomainEvent happened)
    {
        EventWish[] wishes;
        lock (_wishesGate) wishes = _wishes;
        foreach (EventWish wish in wishes)
        {
            if (wish.Kind != (int)happened.Kind || (wish.Domain is { } uuid && uuid != happened.Uuid)) continue;
            if (EventMessages.Number(happened.Kind, wish.Callback >= 0) is not { } procedure) continue;
            _outgoing.Send(Header(procedure, MessageType.Message, 0, MessageStatus.Ok), (happened, wish.Callback), static (writer, value) => EventMessages.Write(writer, value.happened, value.Callback));
        }
    }

    private void EndEvents() => _subscription?.Dispose();
}
