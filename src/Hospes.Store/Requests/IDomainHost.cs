using Hospes.Store.Engine;
using Hospes.Store.Quotas;
using Hospes.Store.Wire;

namespace Hospes.Store.Requests;

/// <summary>What the store needs from the process around it: domains' rings, log files, a successor.</summary>
internal interface IDomainHost
{
    /// <summary>True for a domain id that a permission may name.</summary>
    bool MayExist(ushort domain);

    /// <summary>Connects to a domain's ring; or, for one that is connected, resets the connection.</summary>
    /// <returns>None, or why not.</returns>
    XsError Introduce(DomainState domain, ulong gfn, uint eventChannel);

    /// <summary>Ends what connects to the domain.</summary>
    void Release(DomainState domain);

    /// <summary>What was counted; null where nothing counts.</summary>
    Metrics.StoreMetrics? Metrics { get; }

    /// <summary>Sends the log to a file from now on.</summary>
    bool TryOpenLog(string path);

    /// <summary>Writes a memory report to a file, or to the log.</summary>
    bool TryReportMemory(string? path, string report);

    /// <summary>Carries out a step of a live update; the text is the reply. Null: the reply follows later, from the successor.</summary>
    string? LiveUpdate(IReadOnlyList<string> arguments, Session session, in XsHeader header);
}
