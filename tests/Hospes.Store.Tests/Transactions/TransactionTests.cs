using Hospes.Store.Engine;
using Hospes.Store.Requests;
using Hospes.Store.Tests.Support;
using Hospes.Store.Wire;

namespace Hospes.Store.Tests.Transactions;

/// <summary>TRANSACTION_START and TRANSACTION_END: isolation, merging, conflicts, starvation.</summary>
public sealed class TransactionTests
{
    private readonly StoreHarness _store = new();
    private readonly Session _other;

    public TransactionTests() => _other = _store.Open();

    private Session Control => _store.Control;

    [Fact]
    public void ChangesAreSeenInsideOnlyUntilTheCommit()
    {
        _store.Write(Control, "/a", "old");
        uint tx = _store.Begin(Control);
        _store.Write(Control, "/a", "new", tx).ShouldBe("OK");
        _store.Write(Control, "/b/c", "made", tx).ShouldBe("OK");
        _store.Read(Control, "/a", tx).ShouldBe("new");
        _store.Read(Control, "/a").ShouldBe("old");
        _store.Read(Control, "/b/c").ShouldBe("ENOENT");
        _store.List(Control, "/", tx).ShouldBe("tool a b");
        _store.End(Control, tx).ShouldBe("OK");
        _store.Read(Control, "/a").ShouldBe("new");
        _store.Read(Control, "/b/c").ShouldBe("made");
        _store.CheckIsSound();
    }

    [Fact]
    public void AnAbortLeavesNothing()
    {
        uint tx = _store.Begin(Control);
        _store.Write(Control, "/a/b", "x", tx);
        _store.End(Control, tx, commit: false).ShouldBe("OK");
        _store.Read(Control, "/a").ShouldBe("ENOENT");
        _store.Read(Control, "/a", tx).ShouldBe("ENOENT");
        _store.CheckIsSound();
    }

    [Fact]
    public void ATransactionSeesOneMomentHoweverMuchChanges()
    {
        _store.Write(Control, "/a", "1");
        _store.Write(Control, "/d/x", "1");
        uint tx = _store.Begin(Control);
        _store.Write(_other, "/a", "2");
        _store.Write(_other, "/a", "3");
        _store.Remove(_other, "/d");
        _store.Write(_other, "/d/y", "1");
        _store.Read(Control, "/a", tx).ShouldBe("1");
        _store.Read(Control, "/d/x", tx).ShouldBe("1");
        _store.Read(Control, "/d/y", tx).ShouldBe("ENOENT");
        _store.List(Control, "/d", tx).ShouldBe("x");
        _store.End(Control, tx).ShouldBe("EAGAIN");
        _store.List(Control, "/d").ShouldBe("y");
        _store.State.Tree.KeptVersions.ShouldBe(0);
        _store.CheckIsSound();
    }

    [Fact]
    public void DisjointChangesAreMerged()
    {
        _store.Write(Control, "/a", "1");
        _store.Write(Control, "/b", "1");
        uint tx = _store.Begin(Control);
        _store.Read(Control, "/a", tx);
        _store.Write(Control, "/a", "2", tx);
        _store.Write(_other, "/b", "2");
        _store.Write(_other, "/c", "2");
        _store.End(Control, tx).ShouldBe("OK");
        _store.Read(Control, "/a").ShouldBe("2");
        _store.Read(Control, "/b").ShouldBe("2");
    }

    [Fact]
    public void ChildrenCreatedSideBySideAreMerged()
    {
        _store.Write(Control, "/d", "");
        uint first = _store.Begin(Control), second = _store.Begin(_other);
        _store.Write(Control, "/d/a", "1", first);
        _store.Write(_other, "/d/b", "1", second);
        _store.End(Control, first).ShouldBe("OK");
        _store.End(_other, second).ShouldBe("OK");
        _store.List(Control, "/d").ShouldBe("a b");
    }

    [Theory]
    [InlineData("read /a", "write /a", true)]
    [InlineData("write /a", "write /a", true)]
    [InlineData("write /a", "remove /a", true)]
    [InlineData("read /a", "remove /a", true)]
    [InlineData("read /a", "write /a/child", false)]
    [InlineData("list /a", "write /a/child", true)]
    [InlineData("list /a", "write /b", false)]
    [InlineData("read /none", "write /none", true)]
    [InlineData("write /none", "write /none", true)]
    [InlineData("remove /d", "write /d/x", true)]
    [InlineData("remove /d", "write /d/new", true)]
    [InlineData("remove /d", "write /d/x/deep", true)]
    [InlineData("write /d/new", "remove /d", true)]
    [InlineData("write /d/new", "write /d/x", false)]
    [InlineData("write /d/new", "write /d", false)]
    [InlineData("perms /a", "write /a", true)]
    [InlineData("chmod /a", "write /a", true)]
    [InlineData("read /a", "chmod /a", true)]
    public void ConflictsAreExactlyThoseOfTheRule(string inside, string outside, bool conflict)
    {
        foreach (string path in new[] { "/a", "/b", "/d/x" }) _store.Write(Control, path, "0");
        uint tx = _store.Begin(Control);
        Do(Control, inside, tx);
        Do(_other, outside, 0);
        _store.End(Control, tx).ShouldBe(conflict ? "EAGAIN" : "OK");
        _store.CheckIsSound();
        _store.State.Tree.KeptVersions.ShouldBe(0);
    }

    private void Do(Session session, string step, uint tx)
    {
        string[] words = step.Split(' ');
        _ = words[0] switch
        {
            "read" => _store.Read(session, words[1], tx),
            "write" => _store.Write(session, words[1], "new", tx),
            "remove" => _store.Remove(session, words[1], tx),
            "list" => _store.List(session, words[1], tx),
            "perms" => _store.Permissions(session, words[1], tx),
            _ => _store.SetPermissions(session, words[1], "r0", tx),
        };
    }

    [Fact]
    public void TheWorkedTraceOfTheManagerHolds()
    {
        foreach (string path in new[] { "/a", "/b", "/c" }) _store.Write(Control, path, "0");
        uint first = _store.Begin(Control), second = _store.Begin(_other);
        _store.Read(Control, "/a", first);
        _store.Write(Control, "/b", "1", first);
        _store.Read(_other, "/b", second).ShouldBe("0");
        _store.Write(_other, "/c", "2", second);
        _store.Write(_store.Open(), "/d", "3");
        _store.End(Control, first).ShouldBe("OK");
        _store.End(_other, second).ShouldBe("EAGAIN");
    }

    [Fact]
    public void RemovalAndNewCreationInsideReplaceTheSubtree()
    {
        _store.Write(Control, "/d/x/y", "old");
        uint tx = _store.Begin(Control);
        _store.Write(Control, "/d/x/z", "gone", tx);
        _store.Remove(Control, "/d", tx).ShouldBe("OK");
        _store.Read(Control, "/d/x", tx).ShouldBe("ENOENT");
        _store.Write(Control, "/d/x", "new", tx).ShouldBe("OK");
        _store.List(Control, "/d", tx).ShouldBe("x");
        _store.List(Control, "/d/x", tx).ShouldBe("");
        _store.End(Control, tx).ShouldBe("OK");
        _store.Read(Control, "/d/x").ShouldBe("new");
        _store.List(Control, "/d/x").ShouldBe("");
        _store.CheckIsSound();
    }

    [Fact]
    public void EventsComeAtTheCommitOncePerPath()
    {
        _store.Write(Control, "/d/a", "");
        _store.Watch(_other, "/d", "t");
        _store.Events(_other).ShouldBe(["/d t"]);
        uint tx = _store.Begin(Control);
        _store.Write(Control, "/d/a", "1", tx);
        _store.Write(Control, "/d/a", "2", tx);
        _store.Write(Control, "/d/new/deep", "2", tx);
        _store.Events(_other).ShouldBeEmpty();
        _store.End(Control, tx);
        _store.Events(_other).ShouldBe(["/d/a t", "/d/new/deep t"]);
    }

    [Fact]
    public void PermissionsInsideAreTheTransactionsOwn()
    {
        _store.Write(Control, "/a", "");
        uint tx = _store.Begin(Control);
        _store.SetPermissions(Control, "/a", "r0 w3", tx).ShouldBe("OK");
        _store.Permissions(Control, "/a", tx).ShouldBe("r0 w3");
        _store.Permissions(Control, "/a").ShouldBe("n0");
        _store.End(Control, tx).ShouldBe("OK");
        _store.Permissions(Control, "/a").ShouldBe("r0 w3");
        _store.CheckIsSound();
    }

    [Fact]
    public void MisuseIsRefused()
    {
        uint tx = _store.Begin(Control);
        StoreHarness.Outcome(_store.Call(Control, XsMessageType.TransactionStart, "|", tx)).ShouldBe("EBUSY");
        StoreHarness.Outcome(_store.Call(Control, XsMessageType.TransactionEnd, "X|", tx)).ShouldBe("EINVAL");
        StoreHarness.Outcome(_store.Call(Control, XsMessageType.TransactionEnd, "T|")).ShouldBe("ENOENT");
        _store.Read(Control, "/tool", 999).ShouldBe("ENOENT");
        _store.Read(_other, "/tool", tx).ShouldBe("ENOENT");
    }

    [Fact]
    public void AnIdInUseIsNotGivenAgain()
    {
        uint first = _store.Begin(Control);
        Control.NextTransactionId = first;
        _store.Begin(Control).ShouldNotBe(first);
        Control.NextTransactionId = uint.MaxValue;
        _store.Begin(Control).ShouldBe(uint.MaxValue);
        _store.Begin(Control).ShouldNotBe(0u);
    }

    [Fact]
    public void AStarvingConnectionGetsATurnInWhichItsCommitSucceeds()
    {
        _store.Write(Control, "/counter", "0");
        for (int i = 0; i < _store.State.Limits.StarvingAfter; i++)
        {
            uint failing = _store.Begin(Control);
            _store.Read(Control, "/counter", failing);
            _store.Write(Control, "/counter", "mine", failing);
            _store.Send(_other, XsMessageType.Write, "/counter|theirs").ShouldBe(RequestOutcome.Answered);
            _store.End(Control, failing).ShouldBe("EAGAIN");
        }
        uint tx = _store.Begin(Control);
        _store.Read(Control, "/counter", tx);
        _store.Send(_other, XsMessageType.Write, "/counter|theirs").ShouldBe(RequestOutcome.Held);
        _store.Send(_other, XsMessageType.Write, "/elsewhere|theirs").ShouldBe(RequestOutcome.Answered);
        _store.Write(Control, "/counter", "mine", tx);
        _store.End(Control, tx).ShouldBe("OK");
        _store.Continued.ShouldBe([_other]);
        _store.Send(_other, XsMessageType.Write, "/counter|theirs").ShouldBe(RequestOutcome.Answered);
        _store.Read(Control, "/counter").ShouldBe("theirs");
    }

    [Fact]
    public void ATurnEndsWithItsTimeAndIsNotGivenAgainBeforeACommit()
    {
        Starve();
        _store.Send(_other, XsMessageType.Write, "/counter|x").ShouldBe(RequestOutcome.Held);
        _store.Clock.Advance(_store.State.Limits.TurnTime);
        _store.Transactions.CheckTurn();
        _store.Continued.ShouldBe([_other]);
        _store.Send(_other, XsMessageType.Write, "/counter|x").ShouldBe(RequestOutcome.Answered);
        Starve();
        _store.Send(_other, XsMessageType.Write, "/counter|x").ShouldBe(RequestOutcome.Answered);
    }

    private void Starve()
    {
        for (int i = 0; i < _store.State.Limits.StarvingAfter; i++)
        {
            uint failing = _store.Begin(Control);
            _store.Read(Control, "/counter", failing);
            _store.Send(_other, XsMessageType.Write, "/counter|y").ShouldBe(RequestOutcome.Answered);
            _store.End(Control, failing).ShouldBe("EAGAIN");
        }
    }

    [Fact]
    public void AGuestsTurnDoesNotHoldBackTheControlDomain()
    {
        _store.Introduce(5);
        Session guest = _store.Open(5);
        _store.Write(Control, "/counter", "0");
        _store.SetPermissions(Control, "/counter", "n5");
        for (int i = 0; i < _store.State.Limits.StarvingAfter; i++)
        {
            uint failing = _store.Begin(guest);
            _store.Read(guest, "/counter", failing);
            _store.Write(Control, "/counter", "y");
            _store.End(guest, failing).ShouldBe("EAGAIN");
        }
        _store.Transactions.TurnEnds.ShouldNotBeNull();
        _store.Write(Control, "/counter", "z").ShouldBe("OK");
    }

    [Fact]
    public void OldTransactionsMoveOnWhenTooManyVersionsAreKept()
    {
        var store = new StoreHarness(limits: new EngineLimits { KeptVersionsMax = 10 });
        Session idle = store.Open();
        for (int i = 0; i < 50; i++) store.Write(store.Control, $"/n/{i}", "0");
        uint healthy = store.Begin(idle), doomed = store.Begin(idle);
        store.Read(idle, "/tool", healthy);
        store.Read(idle, "/n/1", doomed);
        for (int i = 0; i < 50; i++) store.Write(store.Control, $"/n/{i}", "1");
        store.State.Tree.KeptVersions.ShouldBe(50);
        store.Transactions.LimitKeptVersions();
        store.State.Tree.KeptVersions.ShouldBeLessThanOrEqualTo(10);
        store.Write(idle, "/healthy", "1", healthy);
        store.End(idle, healthy).ShouldBe("OK");
        store.End(idle, doomed).ShouldBe("EAGAIN");
        store.CheckIsSound();
    }
}
