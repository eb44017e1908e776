using Hospes.Domains.Persistence;
using Shouldly;
using Xunit;

namespace Hospes.Domains.Tests.Lifecycle;

/// <summary>What a host that loses its power does again.</summary>
public sealed class DefinitionJournalTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hospes-journal").FullName;
    private readonly Guid _boot = Guid.NewGuid();
    private readonly List<JournalRecord> _redone = [];
    private readonly List<string> _settled = [];

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void WhatWasWrittenDownIsDoneAgainAfterAnotherBoot()
    {
        Abandon(Open(_boot), ("a", "<a/>"), ("b", "<b/>"));
        using DefinitionJournal next = Open(Guid.NewGuid());
        _redone.Select(record => (record.Name, record.Content)).ShouldBe([("a", "<a/>"), ("b", "<b/>")]);
        _settled.ShouldBe(["a", "b"]);
    }

    [Fact]
    public void NothingIsDoneAgainWhileTheHostRuns()
    {
        Abandon(Open(_boot), ("a", "<a/>"));
        using DefinitionJournal next = Open(_boot);
        _redone.ShouldBeEmpty();
        _settled.ShouldBe(["a"]);
    }

    [Fact]
    public void AfterAnEndInOrderThereIsNothingToDo()
    {
        DefinitionJournal journal = Open(_boot);
        journal.Do(JournalAction.Write, "a", "<a/>", static () => { });
        journal.Dispose();
        _settled.ShouldBe(["a"]);
        _settled.Clear();
        using DefinitionJournal next = Open(Guid.NewGuid());
        _redone.ShouldBeEmpty();
        _settled.ShouldBeEmpty();
    }

    [Fact]
    public void FilesTakeTurnsAndNothingIsLost()
    {
        DefinitionJournal journal = Open(_boot);
        string[] names = [.. Enumerable.Range(0, 200).Select(i => $"d{i}")];
        foreach (string name in names) journal.Do(JournalAction.Write, name, "<domain/>", static () => { });
        Copy(journal);
        using DefinitionJournal next = Open(Guid.NewGuid());
        // Each was brought to disk, or is done again, in its order.
        lock (_settled) _settled.ShouldBe(names, ignoreOrder: true);
        _redone.ShouldNotBeEmpty();
        _redone.Select(record => record.Name).ShouldBe(names[^_redone.Count..]);
    }

    [Fact]
    public void WhatFitsIntoNoJournalIsBroughtToDiskItself()
    {
        using DefinitionJournal journal = Open(_boot);
        bool done = false;
        journal.Do(JournalAction.Write, "large", new string('x', 5000), () => done = true);
        done.ShouldBeTrue();
        _settled.ShouldBe(["large"]);
    }

    [Fact]
    public void ARefusalLeavesNothingDone()
    {
        DefinitionJournal journal = Open(_boot);
        journal.Dispose();
        bool done = false;
        Should.Throw<ObjectDisposedException>(() => journal.Do(JournalAction.Write, "a", "", () => done = true));
        done.ShouldBeFalse();
    }

    [Fact]
    public void WhatAnEarlierDaemonWroteIsNotTakenForWhatFollows()
    {
        // Records of one length: the second daemon's first stands where the first one's did, and the first one's second behind it.
        DefinitionJournal first = Open(_boot);
        first.Do(JournalAction.Write, "a", "<old/>", static () => { });
        first.Do(JournalAction.Write, "b", "<old/>", static () => { });
        first.Dispose();
        Abandon(Open(_boot), ("a", "<new/>"));
        using DefinitionJournal next = Open(Guid.NewGuid());
        _redone.Select(record => (record.Name, record.Content)).ShouldBe([("a", "<new/>")]);
    }

    [Fact]
    public void WhatCouldNotBeDoneIsNotDoneLater()
    {
        DefinitionJournal journal = Open(_boot);
        journal.Do(JournalAction.Write, "a", "<a/>", static () => { });
        Should.Throw<IOException>(() => journal.Do(JournalAction.Write, "b", "<b/>", static () => throw new IOException("no room")));
        Abandon(journal, ("c", "<c/>"));
        using DefinitionJournal next = Open(Guid.NewGuid());
        _redone.Select(record => record.Name).ShouldBe(["a", "c"]);
    }

    [Fact]
    public void ADiskThatRefusedIsAskedAgain()
    {
        int refusals = 1;
        string[] names = [.. Enumerable.Range(0, 200).Select(i => $"d{i}")];
        using (var journal = new DefinitionJournal(_folder, 4096, _boot, _redone.Add, asked =>
        {
            if (asked.Count > 0 && Interlocked.Decrement(ref refusals) >= 0) throw new IOException("not now");
            lock (_settled) _settled.AddRange(asked);
        }))
        {
            foreach (string name in names) journal.Do(JournalAction.Write, name, "<domain/>", static () => { });
        }
        _settled.ShouldBe(names, ignoreOrder: true);
    }

    [Fact]
    public void TornAndForeignBytesAreNoRecords()
    {
        Abandon(Open(_boot), ("a", "<a/>"), ("b", "<b/>"), ("c", "<c/>"));
        string path = Path.Combine(_folder, ".journal.0");
        byte[] whole = File.ReadAllBytes(path);
        for (int at = 0; at < 300; at++)
        {
            byte[] torn = (byte[])whole.Clone();
            torn[at] ^= 0x41;
            File.WriteAllBytes(path, torn);
            using var file = new JournalFile(path, 4096);
            // What stands before the fault is there; what stands after it is not.
            file.Read().Select(record => record.Name).ShouldBe(((string[])["a", "b", "c"]).Take(file.Read().Count));
            file.Read().Count.ShouldBeLessThan(at < 200 ? 3 : 4);
        }
    }

    [Fact]
    public void AFolderFollowsItsJournal()
    {
        using (var folder = new DefinitionFolder(_folder, durable: true, journaled: true, DefinitionFolder.Autostart))
        {
            folder.Write("stays", "<one/>");
            folder.Write("stays", "<two/>");
            folder.Write("goes", "<three/>");
            folder.Write("old", "<four/>");
            folder.Rename("old", "new");
            folder.Remove("goes");
            folder.Load().OrderBy(found => found.Name).ShouldBe([("new", "<four/>"), ("stays", "<two/>")]);
        }
        using var again = new DefinitionFolder(_folder, durable: true, journaled: true, DefinitionFolder.Autostart);
        again.Load().OrderBy(found => found.Name).ShouldBe([("new", "<four/>"), ("stays", "<two/>")]);
    }

    [Fact]
    public void ALostFolderIsMadeAgainFromItsJournal()
    {
        // As after a loss of power: the journal is on disk, what was done to files is not.
        using (var journal = new DefinitionJournal(_folder, DefinitionJournal.Size, Guid.NewGuid(), _ => { }, names => { if (names.Count > 0) throw new IOException("no power"); }))
        {
            journal.Do(JournalAction.Write, "a", "<a/>", static () => { });
            journal.Do(JournalAction.Write, "b", "<b/>", static () => { });
            journal.Do(JournalAction.Rename, "b", "c", static () => { });
            journal.Do(JournalAction.Write, "d", "<d/>", static () => { });
            journal.Do(JournalAction.Remove, "d", "", static () => { });
        }
        using var folder = new DefinitionFolder(_folder, durable: true, journaled: true, DefinitionFolder.Autostart);
        folder.Load().OrderBy(found => found.Name).ShouldBe([("a", "<a/>"), ("c", "<b/>")]);
    }

    private DefinitionJournal Open(Guid boot) => new(_folder, 4096, boot, _redone.Add, names =>
    {
        lock (_settled) _settled.AddRange(names);
    });

    /// <summary>Leaves a journal as a host without power would.</summary>
    private void Abandon(DefinitionJournal journal, params (string Name, string Content)[] changes)
    {
        foreach ((string name, string content) in changes) journal.Do(JournalAction.Write, name, content, static () => { });
        Copy(journal);
        _settled.Clear();
    }

    /// <summary>Ends a journal, and puts its files back as they were before its end.</summary>
    private void Copy(DefinitionJournal journal)
    {
        byte[][] before = [.. Paths().Select(File.ReadAllBytes)];
        lock (_settled) _settled.Sort(StringComparer.Ordinal);
        string[] settled = [.. _settled];
        journal.Dispose();
        _settled.Clear();
        _settled.AddRange(settled);
        foreach ((string path, byte[] content) in Paths().Zip(before)) File.WriteAllBytes(path, content);
    }

    private string[] Paths() => [Path.Combine(_folder, ".journal.0"), Path.Combine(_folder, ".journal.1")];
}
