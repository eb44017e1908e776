using Hospes.Store.Persistence;
using Hospes.Store.Server;
using Hospes.Store.Tests.Support;

namespace Hospes.Store.Tests.Persistence;

/// <summary>The folder that keeps a tree: recovery, cuts at any byte, compaction.</summary>
public sealed class JournalTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private (StoreHarness Store, StoreJournal Journal) Open(string name = "data", SyncPolicy policy = SyncPolicy.Never)
    {
        var store = new StoreHarness();
        return (store, StoreJournal.Open(_folder.File(name), store.State, policy));
    }

    private static string Dump(StoreHarness store)
    {
        var lines = new List<string>();
        void Walk(string path)
        {
            lines.Add($"{path}={store.Read(store.Control, path)} {store.Permissions(store.Control, path)}");
            string names = store.List(store.Control, path);
            foreach (string name in names.Split(' ', StringSplitOptions.RemoveEmptyEntries)) Walk(path == "/" ? "/" + name : $"{path}/{name}");
        }
        Walk("/");
        return string.Join('\n', lines);
    }

    [Theory]
    [InlineData(SyncPolicy.Always)]
    [InlineData(SyncPolicy.EverySecond)]
    [InlineData(SyncPolicy.Never)]
    public void WhatWasWrittenIsThereAfterwards(SyncPolicy policy)
    {
        (StoreHarness store, StoreJournal journal) = Open(policy: policy);
        foreach (string name in new[] { "z", "a", "m" }) store.Write(store.Control, "/d/" + name, name);
        store.SetPermissions(store.Control, "/d/a", "n5 r6");
        store.SetPermissions(store.Control, "@introduceDomain", "n0 r9");
        store.Remove(store.Control, "/d/m");
        uint tx = store.Begin(store.Control);
        store.Write(store.Control, "/tx/new", "v", tx);
        store.End(store.Control, tx);
        journal.HoldsReplies.ShouldBeTrue();
        journal.EndRound();
        journal.HoldsReplies.ShouldBeFalse();
        string before = Dump(store);
        journal.Dispose();
        (StoreHarness again, StoreJournal second) = Open(policy: policy);
        Dump(again).ShouldBe(before);
        again.Permissions(again.Control, "@introduceDomain").ShouldBe("n0 r9");
        again.CheckIsSound();
        second.Dispose();
    }

    [Fact]
    public void AReleasedDomainStaysForgotten()
    {
        (StoreHarness store, StoreJournal journal) = Open();
        store.Introduce(5);
        store.Write(store.Control, "/given", "");
        store.SetPermissions(store.Control, "/given", "n0 b5");
        store.Write(store.Control, "/own", "");
        store.SetPermissions(store.Control, "/own", "n5");
        store.Call(store.Control, Wire.XsMessageType.Release, "5|");
        journal.Dispose();
        (StoreHarness again, StoreJournal second) = Open();
        again.Permissions(again.Control, "/given").ShouldBe("n0");
        again.Read(again.Control, "/own").ShouldBe("ENOENT");
        second.Dispose();
    }

    [Fact]
    public void AFileCutAtAnyByteHoldsEveryChangeThatWasWholeAndNoHalfOfOne()
    {
        (StoreHarness store, StoreJournal journal) = Open();
        var states = new List<(long Length, string Dump)> { (journal.Length, Dump(store)) };
        for (int i = 0; i < 12; i++)
        {
            uint tx = store.Begin(store.Control);
            store.Write(store.Control, $"/t/{i}/a", new string((char)('a' + i), i * 3), tx);
            store.Write(store.Control, $"/t/{i}/b", "1", tx);
            if (i > 2) store.Remove(store.Control, $"/t/{i - 2}/b", tx);
            store.End(store.Control, tx);
            journal.EndRound();
            states.Add((journal.Length, Dump(store)));
        }
        journal.Dispose();
        byte[] whole = File.ReadAllBytes(_folder.File("data/store.log"));
        whole.Length.ShouldBe((int)states[^1].Length);
        for (int cut = (int)states[0].Length; cut <= whole.Length; cut++)
        {
            string expected = states.Last(state => state.Length <= cut).Dump;
            Recovered(whole.AsSpan(0, cut), $"cut{cut}").ShouldBe(expected, $"cut at {cut}");
        }
    }

    [Fact]
    public void ADamagedByteLosesOnlyWhatFollowsIt()
    {
        (StoreHarness store, StoreJournal journal) = Open();
        string start = Dump(store);
        long from = journal.Length;
        store.Write(store.Control, "/a", "1");
        journal.EndRound();
        string first = Dump(store);
        long middle = journal.Length;
        store.Write(store.Control, "/b", "2");
        journal.Dispose();
        byte[] whole = File.ReadAllBytes(_folder.File("data/store.log"));
        for (int at = (int)from; at < whole.Length; at++)
        {
            byte[] damaged = [.. whole];
            damaged[at] ^= 0x40;
            Recovered(damaged, $"bad{at}").ShouldBe(at < middle ? start : first);
        }
    }

    private string Recovered(ReadOnlySpan<byte> log, string name)
    {
        Directory.CreateDirectory(_folder.File(name));
        File.WriteAllBytes(_folder.File(name + "/store.log"), log.ToArray());
        (StoreHarness store, StoreJournal journal) = Open(name);
        string dump = Dump(store);
        journal.Dispose();
        return dump;
    }

    [Fact]
    public void AFileOfSomethingElseIsNotTouched()
    {
        Directory.CreateDirectory(_folder.File("data"));
        File.WriteAllText(_folder.File("data/store.log"), "this is something else altogether");
        Should.Throw<InvalidDataException>(() => Open());
        File.ReadAllText(_folder.File("data/store.log")).ShouldBe("this is something else altogether");
    }

    [Fact]
    public void OneFolderHasOneServer()
    {
        (_, StoreJournal journal) = Open();
        Should.Throw<IOException>(() => Open());
        journal.Dispose();
        Open().Journal.Dispose();
    }

    [Fact]
    public void CompactionKeepsTheMomentAndWhatCameAfterIt()
    {
        (StoreHarness store, StoreJournal journal) = Open();
        for (int i = 0; i < 6000; i++) store.Write(store.Control, $"/n/{i / 100}/{i % 100}", $"{i}");
        for (int i = 0; i < 6000; i++) store.Write(store.Control, $"/n/{i / 100}/{i % 100}", $"second {i}");
        journal.EndRound();
        long before = journal.Length;
        journal.BeginCompaction();
        int rounds = 0;
        while (journal.IsCompacting)
        {
            store.Write(store.Control, $"/n/0/{rounds}", "during");
            store.Remove(store.Control, $"/n/{30 + rounds}");
            store.Write(store.Control, $"/new/{rounds}", "during");
            journal.EndRound();
            rounds++;
        }
        rounds.ShouldBeGreaterThan(2);
        journal.Length.ShouldBeLessThan(before);
        store.State.Tree.KeptVersions.ShouldBe(0);
        store.Write(store.Control, "/after", "1");
        string expected = Dump(store);
        journal.Dispose();
        (StoreHarness again, StoreJournal second) = Open();
        Dump(again).ShouldBe(expected);
        again.CheckIsSound();
        second.Dispose();
    }

    [Fact]
    public void AnUnfinishedCompactionIsThrownAway()
    {
        (StoreHarness store, StoreJournal journal) = Open();
        for (int i = 0; i < 6000; i++) store.Write(store.Control, $"/n/{i}", "");
        journal.BeginCompaction();
        journal.EndRound();
        journal.IsCompacting.ShouldBeTrue();
        string expected = store.Read(store.Control, "/n/5999");
        journal.Dispose();
        (StoreHarness again, StoreJournal second) = Open();
        again.Read(again.Control, "/n/5999").ShouldBe(expected);
        File.Exists(_folder.File("data/store.log.new")).ShouldBeFalse();
        second.Dispose();
    }
}
