using System.Text;
using Hospes.Store.Engine;
using Hospes.Store.Quotas;
using Hospes.Store.Requests;
using Hospes.Store.Transactions;
using Hospes.Store.Wire;

namespace Hospes.Store.Benchmarks;

/// <summary>Gates the bytes that the hot paths allocate for each request: exactly none.</summary>
internal sealed class AllocationGate : ISessionCarrier, IDomainHost
{
    private const int Rounds = 20_000;

    public static int Run()
    {
        var gate = new AllocationGate();
        var state = new StoreState(StoreQuotas.Reference, new EngineLimits(), TimeProvider.System, null, 1);
        var transactions = new TransactionManager(state);
        var processor = new RequestProcessor(state, transactions, gate);
        state.CreateInitialNodes();
        var session = new Session(state.DomainOf(0), gate, state.Segments, false);
        var watcher = new Session(state.DomainOf(0), gate, state.Segments, false);
        var guest = new Session(state.DomainOf(5), gate, state.Segments, false);
        void Do(Session by, XsMessageType type, byte[] payload, uint tx = 0)
        {
            processor.Process(by, new XsHeader((uint)type, 1, tx, (uint)payload.Length), payload);
            by.Output.Clear();
            watcher.Output.Clear();
        }
        byte[] Bytes(string text) => Encoding.ASCII.GetBytes(text);
        for (int i = 0; i < 50; i++) Do(session, XsMessageType.Write, Bytes($"/d/{i}\0value"));
        Do(session, XsMessageType.Write, Bytes("/local/domain/5/data\0value"));
        Do(session, XsMessageType.SetPermissions, Bytes("/local/domain/5/data\0n5\0"));
        Do(watcher, XsMessageType.Watch, Bytes("/d\0token\0"));

        byte[] read = Bytes("/d/7\0"), write = Bytes("/d/7\0new value"), directory = Bytes("/d\0"), start = Bytes("\0"), end = Bytes("T\0"), relative = Bytes("data\0"), part = Bytes("/d\00\0");
        bool good = true;
        good &= Gate("read", () => Do(session, XsMessageType.Read, read));
        good &= Gate("read by a guest, relative", () => Do(guest, XsMessageType.Read, relative));
        good &= Gate("write, with the event of a watch", () => Do(session, XsMessageType.Write, write));
        good &= Gate("directory", () => Do(session, XsMessageType.Directory, directory));
        good &= Gate("directory in parts", () => Do(session, XsMessageType.DirectoryPart, part));
        good &= Gate("create and remove", () =>
        {
            Do(session, XsMessageType.Write, Bytes2);
            Do(session, XsMessageType.Remove, Bytes3);
        });
        good &= Gate("transaction with read and write", () =>
        {
            uint id = session.NextTransactionId;
            Do(session, XsMessageType.TransactionStart, start);
            Do(session, XsMessageType.Read, read, id);
            Do(session, XsMessageType.Write, write, id);
            Do(session, XsMessageType.TransactionEnd, end, id);
        });
        return good ? 0 : 1;
    }

    private static readonly byte[] Bytes2 = Encoding.ASCII.GetBytes("/d/new\0v");
    private static readonly byte[] Bytes3 = Encoding.ASCII.GetBytes("/d/new\0");

    private static bool Gate(string name, Action action)
    {
        for (int i = 0; i < 1000; i++) action();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < Rounds; i++) action();
        long bytes = GC.GetAllocatedBytesForCurrentThread() - before;
        Console.WriteLine($"{name,-36} {bytes,8} bytes in {Rounds} rounds {(bytes == 0 ? "" : "NOT ZERO")}");
        return bytes == 0;
    }

    void ISessionCarrier.OutputWaits(Session session)
    {
    }

    void ISessionCarrier.InputMayContinue(Session session)
    {
    }

    void ISessionCarrier.End(Session session, SessionEnd reason)
    {
    }

    bool IDomainHost.MayExist(ushort domain) => true;

    XsError IDomainHost.Introduce(DomainState domain, ulong gfn, uint eventChannel) => XsError.None;

    void IDomainHost.Release(DomainState domain)
    {
    }

    Metrics.StoreMetrics? IDomainHost.Metrics => null;

    bool IDomainHost.TryOpenLog(string path) => false;

    bool IDomainHost.TryReportMemory(string? path, string report) => false;

    string? IDomainHost.LiveUpdate(IReadOnlyList<string> arguments, Session session, in XsHeader header) => null;
}
