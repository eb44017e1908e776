using System.Text;
using Hospes.Store.Engine;
using Hospes.Store.Metrics;
using Hospes.Store.Native;
using Hospes.Store.Quotas;
using Hospes.Store.Requests;
using Hospes.Store.Transactions;
using Hospes.Store.Wire;

namespace Hospes.Store.Server;

/// <summary>
/// Carries out every usual request on a store of its own, before the first client comes. A runtime that compiles as it goes looks a method up, and compiles it
/// where nothing was compiled ahead of time, when it is first called; without a rehearsal the first clients wait for that. The store is private, its one
/// client is the other end of a socket pair, and nothing remains of either.
/// </summary>
internal sealed class Rehearsal : IDomainHost, IDisposable
{
    /// <summary>A method's first calls still go through what looks it up.</summary>
    private const int Times = 3;

    private readonly StoreMetrics _metrics = new();
    private readonly StoreLoop _loop;
    private readonly byte[] _message = new byte[XsWire.HeaderSize + XsWire.PayloadMax];
    private readonly int _client;
    private int _answered;
    private int _refused;

    private Rehearsal()
    {
        var state = new StoreState(StoreQuotas.Reference, new EngineLimits(), TimeProvider.System, null, 1) { Observer = _metrics };
        var transactions = new TransactionManager(state);
        _loop = new StoreLoop(state, transactions, _metrics) { Processor = new RequestProcessor(state, transactions, this) };
        state.CreateInitialNodes();
        (_client, int server) = Linux.CreatePair();
        _loop.AddConnection(server, XsWire.ControlDomain, isReadOnly: false);
    }

    /// <summary>Rehearses; gives how many requests were carried out and how many were refused, as some are meant to be.</summary>
    public static (int Answered, int Refused) Run()
    {
        using var rehearsal = new Rehearsal();
        for (uint transaction = 1, i = 0; i < Times; i++) transaction = rehearsal.Play(transaction);
        return (rehearsal._answered, rehearsal._refused);
    }

    /// <summary>One pass; gives the id that the next transaction will have.</summary>
    private uint Play(uint transaction)
    {
        Ask(XsMessageType.Watch, "/rehearsal\0token\0");
        Ask(XsMessageType.Write, "/rehearsal/node\0value");
        Ask(XsMessageType.Read, "/rehearsal/node\0");
        Ask(XsMessageType.Read, "/none\0");
        Ask(XsMessageType.Directory, "/rehearsal\0");
        Ask(XsMessageType.DirectoryPart, "/rehearsal\00\0");
        Ask(XsMessageType.GetPermissions, "/rehearsal/node\0");
        Ask(XsMessageType.SetPermissions, "/rehearsal/node\0n0\0r5\0");
        Ask(XsMessageType.GetDomainPath, "5\0");
        foreach (string end in (ReadOnlySpan<string>)["T\0", "F\0"])
        {
            Ask(XsMessageType.TransactionStart, "\0");
            Ask(XsMessageType.Read, "/rehearsal/node\0", transaction);
            Ask(XsMessageType.Directory, "/rehearsal\0", transaction);
            Ask(XsMessageType.Write, "/rehearsal/node\0other", transaction);
            Ask(XsMessageType.MakeDirectory, "/rehearsal/new\0", transaction);
            Ask(XsMessageType.TransactionEnd, end, transaction);
            transaction++;
        }
        // A commit that meets a conflict.
        Ask(XsMessageType.TransactionStart, "\0");
        Ask(XsMessageType.Write, "/rehearsal/node\0mine", transaction);
        Ask(XsMessageType.Write, "/rehearsal/node\0theirs");
        Ask(XsMessageType.TransactionEnd, "T\0", transaction);
        transaction++;
        Ask(XsMessageType.Unwatch, "/rehearsal\0token\0");
        Ask(XsMessageType.Remove, "/rehearsal\0");
        return transaction;
    }

    /// <summary>Sends a request as clients do, in one piece and in two (libxenstore sends header and payload apart), and takes what comes back.</summary>
    private void Ask(XsMessageType type, string payload, uint transaction = 0)
    {
        int length = XsWire.HeaderSize + Encoding.ASCII.GetBytes(payload, _message.AsSpan(XsWire.HeaderSize));
        XsWire.WriteHeader(_message, type, 1, transaction, length - XsWire.HeaderSize);
        int first = type == XsMessageType.Read ? XsWire.HeaderSize : length;
        Linux.Send(_client, _message.AsSpan(0, first));
        _loop.RunRound();
        if (first < length)
        {
            Linux.Send(_client, _message.AsSpan(first, length - first));
            _loop.RunRound();
        }
        while (Linux.Receive(_client, _message) > 0) Count(_message);
    }

    private void Count(ReadOnlySpan<byte> reply)
    {
        if (XsHeader.Read(reply).Type == (uint)XsMessageType.Error) _refused++;
        else _answered++;
    }

    public void Dispose()
    {
        Linux.Close(_client);
        // The connection's end is the last thing that is rehearsed.
        _loop.RunRound();
        _loop.Dispose();
        _metrics.Dispose();
    }

    bool IDomainHost.MayExist(ushort domain) => domain < XsWire.FirstReservedDomain;

    XsError IDomainHost.Introduce(DomainState domain, ulong gfn, uint eventChannel) => XsError.None;

    void IDomainHost.Release(DomainState domain)
    {
    }

    StoreMetrics? IDomainHost.Metrics => null;

    bool IDomainHost.TryOpenLog(string path) => false;

    bool IDomainHost.TryReportMemory(string? path, string report) => false;

    string? IDomainHost.LiveUpdate(IReadOnlyList<string> arguments, Session session, in XsHeader header) => null;
}
