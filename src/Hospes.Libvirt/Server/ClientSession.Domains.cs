using Hospes.Domains.Lifecycle;

namespace Hospes.Libvirt.Server;

internal sealed partial class ClientSession
{
    private readonly Lock _domainsGate = new();
    private readonly List<(ManagedDomain Domain, int Id)> _domains = [];
    private bool _gone;

    /// <summary>Has a domain end when this client goes (<c>VIR_DOMAIN_START_AUTODESTROY</c>).</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="id">The id that it has: started anew by somebody else, it stays.</param>
    public void EndsWith(ManagedDomain domain, int id)
    {
        lock (_domainsGate)
        {
            if (!_gone)
            {
                _domains.RemoveAll(static other => other.Domain.Now.Id != other.Id);
                _domains.Add((domain, id));
                return;
            }
        }
        Host.EndWithItsStarter(domain, id);
    }

    private void EndDomains()
    {
        lock (_domainsGate) _gone = true;
        foreach ((ManagedDomain domain, int id) in _domains) Host.EndWithItsStarter(domain, id);
    }
}
