using Hospes.Store.Engine;
using Hospes.Store.Quotas;
using Hospes.Store.Tests.Support;
using Hospes.Store.Wire;

namespace Hospes.Store.Tests.Quotas;

/// <summary>Limits of domains, CONTROL quota, GET_QUOTA and SET_QUOTA, GET_FEATURE and SET_FEATURE.</summary>
public sealed class QuotaTests
{
    private static (StoreHarness Store, Session Guest) Open(StoreQuotas quotas)
    {
        var store = new StoreHarness(quotas);
        store.Introduce(5);
        store.Write(store.Control, "/local/domain/5", "");
        store.SetPermissions(store.Control, "/local/domain/5", "n5");
        return (store, store.Open(5));
    }

    private static string Ask(StoreHarness store, XsMessageType type, string payload) => StoreHarness.Outcome(store.Call(store.Control, type, payload));

    [Fact]
    public void NodesAreLimited()
    {
        (StoreHarness store, Session guest) = Open(StoreQuotas.Reference with { Nodes = 10 });
        for (int i = 0; i < 9; i++) store.Write(guest, $"n{i}", "").ShouldBe("OK");
        store.Write(guest, "n9", "").ShouldBe("ENOSPC");
        store.Write(guest, "n0/a/b", "").ShouldBe("ENOSPC");
        store.Write(guest, "n0", "again").ShouldBe("OK");
        store.Remove(guest, "n0");
        store.Write(guest, "n9", "").ShouldBe("OK");
        store.Log.Lines.ShouldContain("domain 5 refused: nodes limit 10, path /local/domain/5/n9");
    }

    [Fact]
    public void TransactionsAndTheirNodesAreLimited()
    {
        (StoreHarness store, Session guest) = Open(StoreQuotas.Reference with { Transactions = 2, TransactionNodes = 5 });
        uint tx = store.Begin(guest);
        store.Begin(guest);
        StoreHarness.Outcome(store.Call(guest, XsMessageType.TransactionStart, "|")).ShouldBe("ENOSPC");
        for (int i = 0; i < 5; i++) store.Read(guest, $"n{i}", tx);
        store.Read(guest, "n6", tx).ShouldBe("ENOSPC");
        store.End(guest, tx).ShouldBe("ENOMEM");
    }

    [Fact]
    public void SizesAreLimited()
    {
        (StoreHarness store, Session guest) = Open(StoreQuotas.Reference);
        store.Write(guest, "x", new string('v', 2048 - 16 - 8)).ShouldBe("OK");
        store.Write(guest, "x", new string('v', 2048 - 16 - 8 + 1)).ShouldBe("ENOSPC");
        store.SetPermissions(guest, "x", "n5 r1 r2 r3 r4 r6").ShouldBe("ENOSPC");
        store.Read(guest, new string('a', XsWire.RelativePathMax + 1)).ShouldBe("EINVAL");
    }

    [Fact]
    public void TheControlDomainHasNoLimits()
    {
        (StoreHarness store, _) = Open(StoreQuotas.Reference with { Nodes = 1, Watches = 1, Transactions = 1, NodeSize = 1, Memory = 1 });
        for (int i = 0; i < 20; i++)
        {
            store.Write(store.Control, $"/n/{i}", "value").ShouldBe("OK");
            store.Watch(store.Control, "/n", $"{i}").ShouldBe("OK");
            store.Begin(store.Control);
        }
    }

    [Fact]
    public void ZeroMeansNoLimit()
    {
        (StoreHarness store, Session guest) = Open(StoreQuotas.Reference with { Nodes = 0 });
        for (int i = 0; i < 1500; i++) store.Write(guest, $"n{i / 100}/{i % 100}", "").ShouldBe("OK");
    }

    [Fact]
    public void TheMemoryLimitsAreKeptAndTold()
    {
        (StoreHarness store, Session guest) = Open(StoreQuotas.Reference with { Memory = 20_000, SoftMemory = 10_000 });
        string[] outcomes = [.. Enumerable.Range(0, 30).Select(i => store.Write(guest, $"n{i}", new string('v', 1000)))];
        outcomes.ShouldContain("OK");
        outcomes[^1].ShouldBe("ENOMEM");
        store.Log.Lines.Count(line => line.Contains("soft memory")).ShouldBe(1);
        guest.Domain.Used(QuotaItem.Memory).ShouldBeLessThanOrEqualTo(20_000);
    }

    [Fact]
    public void QuotasAreReadAndSetForAllAndForOne()
    {
        (StoreHarness store, _) = Open(StoreQuotas.Reference);
        Ask(store, XsMessageType.GetQuota, "").Split(' ').ShouldBe(
            ["nodes", "watches", "outstanding", "memory", "soft-memory", "transactions", "transaction-nodes", "node-permissions", "path-max", "node-size", "unread-events"]);
        Ask(store, XsMessageType.GetQuota, "nodes|").ShouldBe("1000");
        Ask(store, XsMessageType.SetQuota, "5|nodes|7|").ShouldBe("OK");
        Ask(store, XsMessageType.GetQuota, "5|nodes|").ShouldBe("7");
        Ask(store, XsMessageType.GetQuota, "nodes|").ShouldBe("1000");
        Ask(store, XsMessageType.SetQuota, "soft-memory|5|").ShouldBe("OK");
        Ask(store, XsMessageType.GetQuota, "soft-memory|").ShouldBe("5");
        Ask(store, XsMessageType.SetQuota, "watches|9|").ShouldBe("OK");
        Ask(store, XsMessageType.GetQuota, "8|watches|").ShouldBe("9");
        Ask(store, XsMessageType.GetQuota, "none|").ShouldBe("EINVAL");
        Ask(store, XsMessageType.GetQuota, "soft-nodes|").ShouldBe("EINVAL");
        Ask(store, XsMessageType.SetQuota, "nodes|x|").ShouldBe("EINVAL");
        Ask(store, XsMessageType.SetQuota, "40000|nodes|1|").ShouldBe("ENOENT");
    }

    [Fact]
    public void BothDaemonsDefaultsAreThere()
    {
        StoreQuotas.Reference.ToArray().ShouldBe([1000u, 128, 20, 2621440, 10, 1024, 5, 2048, 2048, 1024]);
        StoreQuotas.OCaml.Watches.ShouldBe(100u);
        StoreQuotas.OCaml.Outstanding.ShouldBe(1024u);
    }

    [Fact]
    public void ControlKnowsItsCommands()
    {
        (StoreHarness store, Session guest) = Open(StoreQuotas.Reference);
        Ask(store, XsMessageType.Control, "check|").ShouldBe("OK");
        Ask(store, XsMessageType.Control, "help|").ShouldContain("quota-soft");
        Ask(store, XsMessageType.Control, "quota|").ShouldContain("nodes            :     1000");
        Ask(store, XsMessageType.Control, "quota|set|nodes|50|").ShouldBe("OK");
        guest.Domain.Limits[(int)QuotaItem.Nodes].ShouldBe(50u);
        Ask(store, XsMessageType.Control, "quota|set|nodes|0|").ShouldBe("EINVAL");
        Ask(store, XsMessageType.Control, "quota|5|").ShouldStartWith("Domain 5:\nnodes            :        1");
        Ask(store, XsMessageType.Control, "quota|99|").ShouldBe("ENOENT");
        Ask(store, XsMessageType.Control, "quota|max|").ShouldContain("nodes");
        Ask(store, XsMessageType.Control, "quota|max|-r|").ShouldContain("nodes");
        Ask(store, XsMessageType.Control, "quota-soft|").ShouldContain("memory");
        Ask(store, XsMessageType.Control, "quota-soft|set|memory|5|").ShouldBe("OK");
        Ask(store, XsMessageType.Control, "quota-soft|set|nodes|5|").ShouldBe("EINVAL");
        Ask(store, XsMessageType.Control, "log|on|").ShouldBe("OK");
        Ask(store, XsMessageType.Control, "print|hello|").ShouldBe("OK");
        Ask(store, XsMessageType.Control, "log|off|").ShouldBe("OK");
        Ask(store, XsMessageType.Control, "log|").ShouldContain("off");
        Ask(store, XsMessageType.Control, "log|strange|").ShouldBe("EINVAL");
        Ask(store, XsMessageType.Control, "memreport|").ShouldBe("OK");
        Ask(store, XsMessageType.Control, "nonsense|").ShouldBe("EINVAL");
        Ask(store, XsMessageType.Control, "").ShouldBe("EINVAL");
        store.Log.Lines.ShouldContain("control: hello");
        store.Log.Lines.ShouldContain(line => line.Contains("Control print hello -> None"));
    }

    [Fact]
    public void FeaturesAreSetBeforeADomainIsIntroduced()
    {
        (StoreHarness store, Session guest) = Open(StoreQuotas.Reference);
        Ask(store, XsMessageType.GetFeature, "").ShouldBe("15");
        Ask(store, XsMessageType.SetFeature, "9|1|").ShouldBe("OK");
        Ask(store, XsMessageType.GetFeature, "9|").ShouldBe("1");
        Ask(store, XsMessageType.SetFeature, "9|16|").ShouldBe("EINVAL");
        Ask(store, XsMessageType.SetFeature, "5|1|").ShouldBe("EBUSY");
        StoreHarness.Outcome(store.Call(guest, XsMessageType.GetFeature, "")).ShouldBe("15");
        store.Introduce(9);
        store.Watch(store.Open(9), "/x", "t", "1").ShouldBe("EINVAL");
    }

    [Fact]
    public void DomainsComeAndGo()
    {
        (StoreHarness store, _) = Open(StoreQuotas.Reference);
        Ask(store, XsMessageType.GetDomainPath, "42|").ShouldBe("/local/domain/42");
        Ask(store, XsMessageType.GetDomainPath, "x|").ShouldBe("EINVAL");
        Ask(store, XsMessageType.IsDomainIntroduced, "5|").ShouldBe("T");
        Ask(store, XsMessageType.IsDomainIntroduced, "6|").ShouldBe("F");
        Ask(store, XsMessageType.Resume, "5|").ShouldBe("OK");
        Ask(store, XsMessageType.Resume, "6|").ShouldBe("ENOENT");
        Ask(store, XsMessageType.Release, "0|").ShouldBe("EINVAL");
        Ask(store, XsMessageType.Introduce, "0|1|1|").ShouldBe("EINVAL");
        Ask(store, XsMessageType.Introduce, "7|1|0|").ShouldBe("EINVAL");
        Ask(store, XsMessageType.Introduce, "7|-1|3|").ShouldBe("OK");
        Ask(store, XsMessageType.SetTarget, "7|8|").ShouldBe("ENOENT");
    }
}
