using System.Globalization;
using System.Text;
using Hospes.Store.Engine;
using Hospes.Store.Quotas;
using Hospes.Store.Requests;
using Hospes.Store.Tests.Support;
using Hospes.Store.Wire;

namespace Hospes.Store.Tests.Fuzz;

/// <summary>
/// Random, cut and mutated sessions against the store. HOSPES_FUZZ_MESSAGES sets the number of messages (60,000 when not set),
/// HOSPES_FUZZ_SEED the seed.
/// </summary>
public sealed class WireFuzzTests
{
    private static readonly string[] Names = ["a", "b", "local", "domain", "5", "6", "tool", "x-y_z@", ""];

    [Fact]
    public void NoMessageBreaksTheStoreOrOtherClients()
    {
        long messages = long.Parse(Environment.GetEnvironmentVariable("HOSPES_FUZZ_MESSAGES") ?? "60000", CultureInfo.InvariantCulture);
        int seed = int.Parse(Environment.GetEnvironmentVariable("HOSPES_FUZZ_SEED") ?? "20261121", CultureInfo.InvariantCulture);
        var random = new Random(seed);
        var store = new StoreHarness();
        store.Write(store.Control, "/canary", "alive");
        for (ushort domain = 5; domain <= 6; domain++)
        {
            store.Introduce(domain);
            store.Write(store.Control, $"/local/domain/{domain}", "");
            store.SetPermissions(store.Control, $"/local/domain/{domain}", $"n{domain}");
        }
        Session[] sessions = [store.Open(5), store.Open(5), store.Open(6), store.Open()];
        Session witness = store.Open();
        var payload = new byte[XsWire.PayloadMax];
        for (long i = 0; i < messages; i++)
        {
            int which = random.Next(sessions.Length);
            if (sessions[which].IsEnded) sessions[which] = store.Open((ushort)(which < 2 ? 5 : which == 2 ? 6 : 0));
            Session session = sessions[which];
            (uint type, int length) = Next(random, payload, session);
            uint transaction = random.Next(3) == 0 ? session.NextTransactionId - (uint)random.Next(3) : 0;
            if (session.IsHeld) store.Transactions.CheckTurn();
            store.Processor.Process(session, new XsHeader(type, (uint)i, transaction, (uint)length), payload.AsSpan(0, length));
            if (random.Next(8) == 0) session.Output.Clear();
            if (random.Next(5000) == 0) store.Clock.Advance(TimeSpan.FromSeconds(1));
            store.Transactions.CheckTurn();
            store.Transactions.LimitKeptVersions();
            if (i % 10_000 == 0) Check(store, witness, sessions, seed, i);
        }
        Check(store, witness, sessions, seed, messages);
    }

    private static void Check(StoreHarness store, Session witness, Session[] sessions, int seed, long at)
    {
        string where = $"seed {seed}, message {at}";
        store.Read(witness, "/canary").ShouldBe("alive", where);
        StoreCheck.Run(store.State).ShouldBeEmpty(where);
        foreach (DomainState domain in store.State.Domains.Values.Where(domain => !domain.IsPrivileged))
        {
            domain.Used(QuotaItem.Memory).ShouldBeInRange(0, 4 * 1024 * 1024, where);
            domain.Used(QuotaItem.Nodes).ShouldBeInRange(0, 1100, where);
        }
        foreach (Session session in sessions) session.Output.Clear();
        // The control domain has no limits of its own; its client is taken away now and then, as is what it made.
        store.Processor.Drop(sessions[3]);
        foreach (string name in store.List(witness, "/").Split(' '))
            if (name is not ("canary" or "local" or "tool") && name.Length > 0) store.Remove(witness, "/" + name);
        store.State.Tree.MemoryCapacity.ShouldBeLessThan(512L * 1024 * 1024, where);
    }

    private static (uint Type, int Length) Next(Random random, byte[] payload, Session session)
    {
        if (random.Next(20) == 0)
        {
            int length = random.Next(payload.Length + 1);
            random.NextBytes(payload.AsSpan(0, length));
            return ((uint)random.Next(40), length);
        }
        var type = (XsMessageType)random.Next(XsWire.TypeCount);
        // Removal of the canary, of limits and of domains would end the game rather than play it.
        if (session.IsPrivileged && type is XsMessageType.Release or XsMessageType.SetQuota or XsMessageType.Control) type = XsMessageType.Read;
        string text = type switch
        {
            XsMessageType.Write => Path(random) + "\0" + new string('v', random.Next(random.Next(10) == 0 ? 2500 : 40)),
            XsMessageType.SetPermissions => Path(random) + "\0" + string.Concat(Enumerable.Range(0, random.Next(1, 4)).Select(_ => $"{"rwbn"[random.Next(4)]}{random.Next(8)}\0")),
            XsMessageType.Watch => $"{(random.Next(5) == 0 ? "@releaseDomain" : Path(random))}\0t{random.Next(20)}\0" + (random.Next(3) == 0 ? $"{random.Next(4)}\0" : ""),
            XsMessageType.Unwatch => $"{Path(random)}\0t{random.Next(20)}\0",
            XsMessageType.TransactionStart or XsMessageType.ResetWatches => "\0",
            XsMessageType.TransactionEnd => random.Next(3) == 0 ? "F\0" : "T\0",
            XsMessageType.DirectoryPart => $"{Path(random)}\0{random.Next(50)}\0",
            XsMessageType.Introduce => $"{random.Next(5, 9)}\0{random.Next(10)}\0{random.Next(3)}\0",
            XsMessageType.SetTarget => $"{random.Next(5, 9)}\0{random.Next(5, 9)}\0",
            XsMessageType.GetDomainPath or XsMessageType.IsDomainIntroduced or XsMessageType.Resume or XsMessageType.GetFeature => $"{random.Next(10)}\0",
            _ => Path(random) + "\0",
        };
        int size = Encoding.Latin1.GetBytes(text, payload);
        if (random.Next(12) == 0) size = random.Next(size + 1);
        if (size > 0 && random.Next(12) == 0) payload[random.Next(size)] = (byte)random.Next(256);
        return ((uint)type, size);
    }

    private static string Path(Random random)
    {
        if (random.Next(40) == 0) return "/";
        string path = random.Next(3) == 0 ? "" : random.Next(3) == 0 ? "/" : "/local/domain/5/";
        int levels = random.Next(1, 5);
        for (int i = 0; i < levels; i++) path += (i == 0 ? "" : "/") + Names[random.Next(Names.Length)];
        return path;
    }
}
