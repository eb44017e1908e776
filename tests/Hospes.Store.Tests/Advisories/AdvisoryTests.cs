using Hospes.Store.Engine;
using Hospes.Store.Quotas;
using Hospes.Store.Requests;
using Hospes.Store.Tests.Support;
using Hospes.Store.Wire;

namespace Hospes.Store.Tests.Advisories;

/// <summary>Faults that Xen's store daemons had, each under its advisory's number; those about rings (416, 420) are in RingTests.</summary>
public sealed class AdvisoryTests
{
    private readonly StoreHarness _store = new();
    private readonly Session _guest;

    public AdvisoryTests()
    {
        _guest = Guest(_store, 5);
    }

    private static Session Guest(StoreHarness store, ushort domain)
    {
        store.Introduce(domain);
        store.Write(store.Control, $"/local/domain/{domain}", "");
        store.SetPermissions(store.Control, $"/local/domain/{domain}", $"n{domain}");
        return store.Open(domain);
    }

    [Fact]
    public void Xsa115_WatchesTellNothingOfNodesThatCannotBeRead()
    {
        _store.Write(_store.Control, "/secret/a", "");
        _store.Watch(_guest, "/", "t").ShouldBe("OK");
        _store.Events(_guest).ShouldBe(["/ t"]);
        _store.Write(_store.Control, "/secret/a", "1");
        _store.Write(_store.Control, "/secret/b", "1");
        _store.Remove(_store.Control, "/secret");
        uint tx = _store.Begin(_store.Control);
        _store.Write(_store.Control, "/other/x", "1", tx);
        _store.End(_store.Control, tx);
        _store.Events(_guest).ShouldBeEmpty();
        _store.Write(_store.Control, "/local/domain/5/x", "1");
        _store.Events(_guest).ShouldBe(["/local/domain/5/x t"]);
    }

    [Fact]
    public void Xsa115_SpecialWatchesReachOnlyWhoMayReadTheSpecialNode()
    {
        _store.Watch(_guest, "@introduceDomain", "i").ShouldBe("OK");
        _store.Watch(_guest, "@releaseDomain", "r").ShouldBe("OK");
        _store.Events(_guest);
        _store.Introduce(6);
        _store.Events(_guest).ShouldBeEmpty();
        _store.SetPermissions(_store.Control, "@introduceDomain", "n0 r5").ShouldBe("OK");
        _store.Events(_guest);
        _store.Introduce(7);
        _store.Events(_guest).ShouldBe(["@introduceDomain i"]);
        _store.Permissions(_guest, "@introduceDomain").ShouldBe("n0 r5");
        _store.SetPermissions(_guest, "@introduceDomain", "b5").ShouldBe("EACCES");
    }

    [Fact]
    public void Xsa206_AFloodOfWritesStarvesNoTransaction()
    {
        Session flooder = Guest(_store, 6);
        _store.Write(_store.Control, "/shared", "0");
        _store.SetPermissions(_store.Control, "/shared", "b0");
        bool committed = false;
        for (int attempt = 0; attempt < 10 && !committed; attempt++)
        {
            uint tx = _store.Begin(_guest);
            _store.Read(_guest, "/shared", tx);
            _store.Write(_guest, "/shared", "mine", tx);
            for (int i = 0; i < 100; i++)
            {
                if (_store.Send(flooder, XsMessageType.Write, "/shared|theirs") == RequestOutcome.Held) break;
                StoreHarness.Drain(flooder);
            }
            committed = _store.End(_guest, tx) == "OK";
        }
        committed.ShouldBeTrue();
    }

    [Fact]
    public void Xsa322_ARecycledDomainInheritsNothing()
    {
        Guest(_store, 6);
        _store.Write(_guest, "shared", "1");
        _store.SetPermissions(_guest, "shared", "n5 b6");
        _store.Write(_store.Control, "/given", "1");
        _store.SetPermissions(_store.Control, "/given", "n0 b6");
        _store.Write(_store.Control, "/owned/x", "1");
        _store.SetPermissions(_store.Control, "/owned", "n6");
        StoreHarness.Outcome(_store.Call(_store.Control, XsMessageType.Release, "6|")).ShouldBe("OK");
        _store.Permissions(_store.Control, "/local/domain/5/shared").ShouldBe("n5");
        _store.Read(_store.Control, "/owned/x").ShouldBe("ENOENT");
        _store.Introduce(6);
        Session reborn = _store.Open(6);
        _store.Read(reborn, "/given").ShouldBe("EACCES");
        _store.Read(reborn, "/local/domain/5/shared").ShouldBe("EACCES");
        _store.Read(reborn, "/local/domain/6").ShouldBe("EACCES");
        _store.CheckIsSound();
    }

    [Fact]
    public void Xsa323_ARelativePathIsAsLongForEveryDomain()
    {
        Session big = Guest(_store, 30000);
        string longest = new('a', XsWire.RelativePathMax - 1);
        _store.Write(_guest, longest[..1500], "1").ShouldBe("OK");
        _store.Read(_guest, longest).ShouldBe("ENOENT");
        _store.Read(big, longest).ShouldBe("ENOENT");
        _store.Read(_guest, longest + "aa").ShouldBe("EINVAL");
        _store.Read(big, longest + "aa").ShouldBe("EINVAL");
    }

    [Fact]
    public void Xsa324_AnEventThatFitsNoMessageIsNotSent()
    {
        string token = new('t', 2000);
        _store.Watch(_store.Control, "/", token).ShouldBe("OK");
        _store.Events(_store.Control);
        string path = "/" + new string('p', 3000);
        _store.Write(_store.Control, path, "1").ShouldBe("OK");
        _store.Events(_store.Control).ShouldBeEmpty();
        _store.Write(_store.Control, "/short", "1");
        _store.Events(_store.Control).Length.ShouldBe(1);
    }

    [Fact]
    public void Xsa325_ABadClientsDomainStaysKnownAndIsReleasedOnce()
    {
        _store.Watch(_store.Control, "@releaseDomain", "r");
        _store.Events(_store.Control);
        _store.Processor.Drop(_guest);
        _guest.MarkEnded();
        StoreHarness.Outcome(_store.Call(_store.Control, XsMessageType.IsDomainIntroduced, "5|")).ShouldBe("T");
        _store.Read(_store.Control, "/local/domain/5").ShouldBe("");
        _store.Events(_store.Control).ShouldBeEmpty();
        _store.Call(_store.Control, XsMessageType.Release, "5|");
        _store.Events(_store.Control).ShouldBe(["@releaseDomain r"]);
        StoreHarness.Outcome(_store.Call(_store.Control, XsMessageType.Release, "5|")).ShouldBe("ENOENT");
    }

    [Fact]
    public void Xsa326_MemoryIsBoundedWhateverAGuestDoes()
    {
        string value = new('v', 1500);
        for (int i = 0; i < 5000; i++)
        {
            _store.Send(_guest, XsMessageType.Write, $"d{i}|{value}");
            _store.Send(_guest, XsMessageType.Watch, $"d{i}|{new string('t', 2000)}|");
            if (i % 2 == 0) StoreHarness.Drain(_guest);
        }
        _guest.Domain.Used(QuotaItem.Memory).ShouldBeLessThan(_guest.Domain.Limits[(int)QuotaItem.Memory] + 64 * 1024);
        _guest.Domain.Used(QuotaItem.Nodes).ShouldBeLessThanOrEqualTo(1000);
        _guest.Domain.Used(QuotaItem.Watches).ShouldBeLessThanOrEqualTo(128);
        _store.Log.Lines.ShouldContain(line => line.Contains("domain 5 refused") && line.Contains("limit"));
        _store.CheckIsSound();
    }

    [Fact]
    public void Xsa326_UnreadEventsAreBoundedAndDroppedAfterTheirTime()
    {
        _store.Watch(_guest, "/local/domain/5", "t");
        _store.Events(_guest);
        for (int i = 0; i < 5000; i++) _store.Write(_store.Control, "/local/domain/5/x", "1");
        _guest.Domain.Used(QuotaItem.UnreadEvents).ShouldBe(1024);
        _store.Clock.Advance(TimeSpan.FromSeconds(21));
        _store.State.ExpireEvents(_store.State.Now);
        _guest.Domain.Used(QuotaItem.UnreadEvents).ShouldBe(0);
        _guest.Domain.Used(QuotaItem.Outstanding).ShouldBe(0);
        StoreHarness.Drain(_guest).ShouldBeEmpty();
        _store.Write(_store.Control, "/local/domain/5/x", "1");
        _store.Events(_guest).Length.ShouldBe(1);
    }

    [Fact]
    public void Xsa330_ResettingWatchesGivesTheirQuotaBackExactly()
    {
        long before = _guest.Domain.Used(QuotaItem.Memory);
        for (int round = 0; round < 5; round++)
        {
            for (int i = 0; i < 128; i++) _store.Watch(_guest, i % 3 == 0 ? "@releaseDomain" : i % 3 == 1 ? $"/w/{i}" : $"rel/{i}", $"{i}").ShouldBe("OK");
            _store.Watch(_guest, "/one", "more").ShouldBe("ENOSPC");
            StoreHarness.Outcome(_store.Call(_guest, XsMessageType.ResetWatches, "|")).ShouldBe("OK");
            _store.Events(_guest);
            _guest.Domain.Used(QuotaItem.Watches).ShouldBe(0);
            _guest.Domain.Used(QuotaItem.Memory).ShouldBe(before);
        }
    }

    [Fact]
    public void Xsa352_AGuestCannotGiveItsNodesAway()
    {
        Guest(_store, 6);
        _store.Write(_guest, "x", "1");
        long nodes = _guest.Domain.Used(QuotaItem.Nodes);
        _store.SetPermissions(_guest, "x", "n6").ShouldBe("EPERM");
        uint tx = _store.Begin(_guest);
        _store.SetPermissions(_guest, "x", "n6", tx).ShouldBe("EPERM");
        _store.End(_guest, tx, commit: false);
        _guest.Domain.Used(QuotaItem.Nodes).ShouldBe(nodes);
        _store.SetPermissions(_store.Control, "/local/domain/5/x", "n6").ShouldBe("OK");
        _guest.Domain.Used(QuotaItem.Nodes).ShouldBe(nodes - 1);
        _store.CheckIsSound();
    }

    [Fact]
    public void Xsa353_TheRootIsCheckedLikeAnyNode()
    {
        _store.SetPermissions(_guest, "/", "b5").ShouldBe("EACCES");
        _store.Permissions(_guest, "/").ShouldBe("EACCES");
        _store.Remove(_guest, "/").ShouldBe("EACCES");
        _store.Write(_guest, "/", "x").ShouldBe("EACCES");
        uint tx = _store.Begin(_guest);
        _store.SetPermissions(_guest, "/", "b5", tx).ShouldBe("EACCES");
    }

    [Fact]
    public void Xsa414_AccountsStayExactThroughTransactionsAndFailures()
    {
        Random random = new(414);
        for (int i = 0; i < 3000; i++)
        {
            uint tx = random.Next(2) == 0 ? 0 : _store.Begin(_guest);
            for (int step = 0; step < 4; step++)
            {
                string path = $"a{random.Next(3)}/b{random.Next(3)}";
                if (random.Next(3) == 0) _store.Remove(_guest, path, tx);
                else _store.Write(_guest, path, new string('x', random.Next(600)), tx);
            }
            if (random.Next(3) == 0) _store.Write(_guest, "a1/b1", "outside");
            if (tx != 0) _store.End(_guest, tx, random.Next(4) != 0);
        }
        _store.CheckIsSound();
        long memory = _guest.Domain.Used(QuotaItem.Memory);
        _store.Remove(_guest, "a0");
        _store.Remove(_guest, "a1");
        _store.Remove(_guest, "a2");
        _guest.Domain.Used(QuotaItem.Nodes).ShouldBe(1);
        _guest.Domain.Used(QuotaItem.Memory).ShouldBeInRange(0, Math.Max(memory, 200));
        _guest.Domain.Used(QuotaItem.Transactions).ShouldBe(0);
    }

    [Fact]
    public void Xsa415_RemovalOfNodesOfOthersGivesTheirQuotaBack()
    {
        Session other = Guest(_store, 6);
        _store.Write(_guest, "open", "");
        _store.SetPermissions(_guest, "open", "n5 b6");
        for (int i = 0; i < 50; i++) _store.Write(other, $"/local/domain/5/open/{i}", "1").ShouldBe("OK");
        other.Domain.Used(QuotaItem.Nodes).ShouldBe(51);
        _store.Remove(_guest, "open").ShouldBe("OK");
        other.Domain.Used(QuotaItem.Nodes).ShouldBe(1);
        _store.CheckIsSound();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Xsa415_ATransactionLeavesNoNodeWithoutItsParent(bool removedByOther)
    {
        _store.Write(_guest, "parent/old", "1");
        uint tx = _store.Begin(_guest);
        _store.Write(_guest, "parent/new/deep", "1", tx).ShouldBe("OK");
        if (removedByOther) _store.Remove(_store.Control, "/local/domain/5/parent").ShouldBe("OK");
        else _store.Remove(_guest, "parent", tx).ShouldBe("OK");
        _store.End(_guest, tx).ShouldBe(removedByOther ? "EAGAIN" : "OK");
        _store.Read(_store.Control, "/local/domain/5/parent/new/deep").ShouldBe("ENOENT");
        _guest.Domain.Used(QuotaItem.Nodes).ShouldBe(1);
        _store.CheckIsSound();
    }

    /// <summary>Access that was given to a domain that is gone must not be the next one's that has its number, however late it is written down.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Xsa417_AccessGivenToADomainThatIsGoneGoesToNoOther(bool inTransaction)
    {
        Guest(_store, 6);
        _store.Write(_guest, "secret", "1");
        uint tx = inTransaction ? _store.Begin(_guest) : 0;
        _store.SetPermissions(_guest, "secret", "n5 b6", tx).ShouldBe("OK");
        StoreHarness.Outcome(_store.Call(_store.Control, XsMessageType.Release, "6|")).ShouldBe("OK");
        _store.Introduce(6);
        Session reborn = _store.Open(6);
        if (inTransaction) _store.End(_guest, tx).ShouldBeOneOf("OK", "EAGAIN");
        _store.Read(reborn, "/local/domain/5/secret").ShouldBe("EACCES");
        _store.Permissions(_guest, "secret").ShouldBe("n5");
        _store.CheckIsSound();
    }

    [Fact]
    public void Xsa418_RemovingADeepTreeNeedsNoStack()
    {
        string path = string.Concat(Enumerable.Repeat("/a", 1500));
        _store.Write(_store.Control, path, "1").ShouldBe("OK");
        _store.Remove(_store.Control, "/a").ShouldBe("OK");
        _store.CheckIsSound();
    }

    [Fact]
    public void Xsa419_NoNodeBelongsToADomainThatIsGone()
    {
        _store.Write(_guest, "x/y", "1");
        _store.Call(_store.Control, XsMessageType.Release, "5|");
        _store.Read(_store.Control, "/local/domain/5").ShouldBe("ENOENT");
        _store.State.Tree.Permissions.All.ShouldNotContain(set => set.Entries.Any(entry => entry.Domain == 5));
        _store.CheckIsSound();
    }

    [Fact]
    public void Xsa421_AnAbortedCreationIsNotCounted()
    {
        long nodes = _guest.Domain.Used(QuotaItem.Nodes);
        for (int i = 0; i < 2000; i++)
        {
            uint tx = _store.Begin(_guest);
            _store.Write(_guest, $"n{i}", "1", tx).ShouldBe("OK");
            _store.End(_guest, tx, commit: false);
        }
        _guest.Domain.Used(QuotaItem.Nodes).ShouldBe(nodes);
    }

    [Fact]
    public void Xsa421_NodesOfATransactionCountAtItsCommit()
    {
        var store = new StoreHarness(StoreQuotas.Reference with { Nodes = 20 });
        Session guest = Guest(store, 5);
        uint tx = store.Begin(guest);
        for (int i = 0; i < 30; i++) store.Write(guest, $"n{i}", "1", tx).ShouldBe("OK");
        store.End(guest, tx).ShouldBe("ENOSPC");
        store.List(guest, "/local/domain/5").ShouldBe("");
        guest.Domain.Used(QuotaItem.Nodes).ShouldBe(1);
    }

    [Theory]
    [InlineData("/local/domain/")]
    [InlineData("/local/domain//")]
    [InlineData("/local/domain/5/")]
    [InlineData("/local/domain/99999999999999999999/x")]
    public void Xsa481_OddPathsBelowTheDomainsAreHandled(string path)
    {
        _store.Read(_guest, path).ShouldBeOneOf("EINVAL", "EACCES", "ENOENT");
        _store.Watch(_guest, path, "t").ShouldBeOneOf("EINVAL", "OK");
        _store.CheckIsSound();
    }

    [Fact]
    public void Xsa484_ResettingWatchesInsideATransactionEndsItCleanly()
    {
        uint tx = _store.Begin(_guest);
        _store.Write(_guest, "x", "1", tx);
        StoreHarness.Outcome(_store.Call(_guest, XsMessageType.ResetWatches, "|", tx)).ShouldBe("OK");
        _store.Read(_guest, "x", tx).ShouldBe("ENOENT");
        _store.End(_guest, tx).ShouldBe("ENOENT");
        _guest.Domain.Used(QuotaItem.Transactions).ShouldBe(0);
        _store.State.Tree.Snapshots.Count.ShouldBe(0);
    }
}
