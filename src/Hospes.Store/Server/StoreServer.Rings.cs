using Hospes.Store.Engine;
using Hospes.Store.Quotas;
using Hospes.Store.Requests;
using Hospes.Store.Rings;
using Hospes.Store.Wire;

namespace Hospes.Store.Server;

/// <content>Domains that talk through a ring.</content>
public sealed partial class StoreServer
{
    private readonly Dictionary<ushort, RingConnection> _rings = [];
    private readonly Dictionary<ushort, (IRingPage Page, Action Notify)> _offered = [];

    /// <summary>
    /// Makes a domain's ring page known. It is connected at once if the domain is introduced, else by INTRODUCE.
    /// </summary>
    /// <param name="domain">The domain id, 1 to 0x7FEF.</param>
    /// <param name="page">The shared page; used on the store's thread until the domain is released.</param>
    /// <param name="notify">Signals the guest that the page changed; called on the store's thread, must return soon.</param>
    public void OfferRing(ushort domain, IRingPage page, Action notify)
    {
        ArgumentOutOfRangeException.ThrowIfZero(domain);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(domain, XsWire.FirstReservedDomain);
        Invoke(() =>
        {
            _offered[domain] = (page, notify);
            DomainState known = State.DomainOf(domain);
            if (known.IsIntroduced) ConnectRing(known);
        });
    }

    /// <summary>Introduces a domain, as INTRODUCE does; its ring was offered before.</summary>
    /// <param name="domain">The domain id.</param>
    /// <param name="eventChannel">Its event channel, for the record.</param>
    public void IntroduceDomain(ushort domain, uint eventChannel = 1) => Invoke(() => Processor.IntroduceDomain(State.DomainOf(domain), 0, eventChannel));

    /// <summary>Ends a domain, as RELEASE does: its connection, its nodes, its permissions. Nothing happens for one that is not introduced.</summary>
    /// <param name="domain">The domain id.</param>
    public void ReleaseDomain(ushort domain) => Invoke(() =>
    {
        if (State.Domains.TryGetValue(domain, out DomainState? known) && known.IsIntroduced) Processor.ReleaseDomain(known);
    });

    /// <summary>Reports that a domain shut down; watchers of @releaseDomain with a depth are told once.</summary>
    /// <param name="domain">The domain id.</param>
    public void ReportShutDown(ushort domain) => Invoke(() =>
    {
        if (State.Domains.TryGetValue(domain, out DomainState? known)) Processor.NoteShutDown(known);
    });

    /// <summary>The guest has signalled: its ring is looked at soon. May be called from any thread, often.</summary>
    /// <param name="domain">The domain id.</param>
    public void SignalRing(ushort domain) => _loop.Post(() => ServeRing(domain));

    private void ServeRing(ushort domain)
    {
        if (_rings.TryGetValue(domain, out RingConnection? ring)) ring.Serve();
    }

    private void ConnectRing(DomainState domain)
    {
        if (!_offered.TryGetValue(domain.Id, out (IRingPage Page, Action Notify) offer)) return;
        if (_rings.TryGetValue(domain.Id, out RingConnection? known)) known.Rebind(offer.Page, offer.Notify);
        else
        {
            var ring = new RingConnection(State, domain, offer.Page, offer.Notify, ProcessFromRing, Processor.Drop, Again);
            _rings.Add(domain.Id, ring);
            ring.Reset();
        }
        offer.Notify();
    }

    private RequestOutcome ProcessFromRing(Session session, in XsHeader header, ReadOnlySpan<byte> payload) => _loop.Process(session, header, payload);

    private void Again(RingConnection ring) => _loop.Post(() => ServeRing(ring.Domain.Id));

    private void DisconnectRing(DomainState domain)
    {
        _offered.Remove(domain.Id);
        if (_rings.Remove(domain.Id, out RingConnection? ring)) ring.Session.MarkEnded();
    }
}
