using Hospes.Store.Engine;
using Hospes.Store.Tests.Support;
using Hospes.Store.Wire;

namespace Hospes.Store.Tests.Watches;

/// <summary>WATCH, UNWATCH, RESET_WATCHES and the events (xenstore.txt, "Watches").</summary>
public sealed class WatchTests
{
    private readonly StoreHarness _store = new();
    private readonly Session _watcher;

    public WatchTests() => _watcher = _store.Open();

    [Fact]
    public void AWatchFiresAtOnceAndThenForEveryChangeAtAndBelow()
    {
        _store.Watch(_watcher, "/a", "token").ShouldBe("OK");
        _store.Events(_watcher).ShouldBe(["/a token"]);
        _store.Write(_store.Control, "/a/b/c", "1");
        _store.Write(_store.Control, "/ab", "1");
        _store.Write(_store.Control, "/a", "1");
        _store.SetPermissions(_store.Control, "/a/b", "r0");
        _store.MakeDirectory(_store.Control, "/a/new");
        _store.MakeDirectory(_store.Control, "/a/new");
        _store.Remove(_store.Control, "/a/b");
        _store.Events(_watcher).ShouldBe(["/a/b/c token", "/a token", "/a/b token", "/a/new token", "/a/b token"]);
    }

    [Fact]
    public void TheReplyComesBeforeTheFirstEvent()
    {
        _store.Send(_watcher, XsMessageType.Watch, "/a|t|");
        StoreHarness.Drain(_watcher).Select(message => message.Type).ShouldBe([XsMessageType.Watch, XsMessageType.WatchEvent]);
    }

    [Fact]
    public void RemovalOfAParentIsReportedAsTheWatchedPath()
    {
        _store.Write(_store.Control, "/a/b/c", "1");
        _store.Watch(_watcher, "/a/b/c", "t");
        _store.Watch(_watcher, "/a/b", "u");
        _store.Events(_watcher);
        _store.Remove(_store.Control, "/a");
        _store.Events(_watcher).ShouldBe(["/a/b/c t", "/a/b u"]);
    }

    [Fact]
    public void RelativeWatchesReportRelativePaths()
    {
        _store.Watch(_watcher, "data", "t");
        _store.Write(_store.Control, "/local/domain/0/data/x", "1");
        _store.Events(_watcher).ShouldBe(["data t", "data/x t"]);
        _store.Unwatch(_watcher, "data", "t").ShouldBe("OK");
    }

    [Theory]
    [InlineData("0", new[] { "/a" })]
    [InlineData("1", new[] { "/a", "/a/b" })]
    [InlineData("2", new[] { "/a", "/a/b", "/a/b/c" })]
    public void ADepthLimitsHowFarDownAWatchLooks(string depth, string[] expected)
    {
        _store.Watch(_watcher, "/a", "t", depth).ShouldBe("OK");
        _store.Events(_watcher);
        foreach (string path in new[] { "/a", "/a/b", "/a/b/c", "/a/b/c/d" }) _store.Write(_store.Control, path, "1");
        _store.Events(_watcher).ShouldBe(expected.Select(path => path + " t"));
    }

    [Fact]
    public void ADepthAtTheRootCountsFromTheRoot()
    {
        _store.Watch(_watcher, "/", "t", "1");
        _store.Events(_watcher);
        _store.Write(_store.Control, "/x", "1");
        _store.Write(_store.Control, "/x/y", "1");
        _store.Events(_watcher).ShouldBe(["/x t"]);
    }

    [Theory]
    [InlineData("/a|t|x|")]
    [InlineData("/a|t|-1|")]
    [InlineData("/a|t|1|2|")]
    [InlineData("/a|")]
    [InlineData("/a//|t|")]
    public void MalformedWatchesAreRefused(string payload) =>
        StoreHarness.Outcome(_store.Call(_watcher, XsMessageType.Watch, payload)).ShouldBe("EINVAL");

    [Fact]
    public void PathAndTokenTogetherAreAWatch()
    {
        _store.Watch(_watcher, "/a", "1").ShouldBe("OK");
        _store.Watch(_watcher, "/a", "2").ShouldBe("OK");
        _store.Watch(_watcher, "/a", "1").ShouldBe("EEXIST");
        _store.Unwatch(_watcher, "/a", "1").ShouldBe("OK");
        _store.Unwatch(_watcher, "/a", "1").ShouldBe("ENOENT");
        _store.Unwatch(_watcher, "/b", "1").ShouldBe("ENOENT");
        _store.Events(_watcher);
        _store.Write(_store.Control, "/a", "");
        _store.Events(_watcher).ShouldBe(["/a 2"]);
        _store.State.Watches.Count.ShouldBe(1);
    }

    [Fact]
    public void EventsOfOneChangeComeInTheOrderOfRegistration()
    {
        _store.Watch(_watcher, "/a/b", "first");
        _store.Watch(_watcher, "/", "second");
        _store.Watch(_watcher, "/a", "third");
        _store.Events(_watcher);
        _store.Write(_store.Control, "/a/b", "");
        _store.Events(_watcher).ShouldBe(["/a/b first", "/a/b second", "/a/b third"]);
    }

    [Fact]
    public void ResetDropsWatchesAndTransactions()
    {
        _store.Watch(_watcher, "/a", "1");
        uint tx = _store.Begin(_watcher);
        StoreHarness.Outcome(_store.Call(_watcher, XsMessageType.ResetWatches, "|")).ShouldBe("OK");
        _store.State.Watches.Count.ShouldBe(0);
        _store.Read(_watcher, "/tool", tx).ShouldBe("ENOENT");
    }

    [Fact]
    public void DomainEventsReachSpecialWatches()
    {
        _store.Watch(_watcher, "@introduceDomain", "i");
        _store.Watch(_watcher, "@releaseDomain", "r");
        _store.Watch(_watcher, "@releaseDomain", "d", "1");
        _store.Watch(_watcher, "@releaseDomain/7", "seven");
        _store.Watch(_watcher, "@releaseDomain/8", "eight");
        _store.Events(_watcher);
        _store.Introduce(7);
        _store.Events(_watcher).ShouldBe(["@introduceDomain i"]);
        StoreHarness.Outcome(_store.Call(_store.Control, XsMessageType.Release, "7|")).ShouldBe("OK");
        _store.Events(_watcher).ShouldBe(["@releaseDomain r", "@releaseDomain/7 d", "@releaseDomain/7 seven"]);
    }

    [Fact]
    public void AnOrdinaryPathMayBeNamedLikeASpecialOne()
    {
        _store.Watch(_watcher, "/@releaseDomain", "t");
        _store.Events(_watcher);
        _store.Introduce(7);
        _store.Call(_store.Control, XsMessageType.Release, "7|");
        _store.Events(_watcher).ShouldBeEmpty();
        _store.Write(_store.Control, "/@releaseDomain", "1");
        _store.Events(_watcher).ShouldBe(["/@releaseDomain t"]);
    }

    [Fact]
    public void ManyWatchesComeAndGo()
    {
        for (int i = 0; i < 2000; i++) _store.Watch(_watcher, $"/w/{i % 700}/x", $"{i}").ShouldBe("OK");
        for (int i = 0; i < 2000; i += 2) _store.Unwatch(_watcher, $"/w/{i % 700}/x", $"{i}").ShouldBe("OK");
        _store.Events(_watcher);
        _store.Write(_store.Control, "/w/1/x", "");
        _store.Events(_watcher).ShouldBe(["/w/1/x 1", "/w/1/x 701", "/w/1/x 1401"]);
        _store.Processor.Drop(_watcher);
        _store.State.Watches.Count.ShouldBe(0);
    }

    [Fact]
    public void AClientThatNeverReadsIsEnded()
    {
        var store = new StoreHarness(limits: new EngineLimits { PrivilegedOutputMax = 1000 });
        Session slow = store.Open();
        store.Send(slow, XsMessageType.Watch, "/a|t|");
        for (int i = 0; i < 100; i++) store.Write(store.Control, "/a", "x");
        store.Ended.ShouldContain(slow);
        slow.Output.Length.ShouldBeLessThan(1100);
    }
}
