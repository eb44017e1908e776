using Hospes.Store.Engine;
using Hospes.Store.Tests.Support;
using Hospes.Store.Wire;

namespace Hospes.Store.Tests.Nodes;

/// <summary>READ, WRITE, MKDIR, RM, DIRECTORY, DIRECTORY_PART, GET_PERMS and SET_PERMS (xenstore.txt, "Database read, write and permissions operations").</summary>
public sealed class NodeRequestTests
{
    private readonly StoreHarness _store = new();

    [Fact]
    public void AStoreBeginsWithTheToolNode()
    {
        _store.List(_store.Control, "/").ShouldBe("tool");
        _store.List(_store.Control, "/tool").ShouldBe("xenstored");
    }

    [Fact]
    public void WriteCreatesMissingParentsWithEmptyValues()
    {
        _store.Write(_store.Control, "/a/b/c", "value").ShouldBe("OK");
        _store.Read(_store.Control, "/a/b/c").ShouldBe("value");
        _store.Read(_store.Control, "/a/b").ShouldBe("");
        _store.List(_store.Control, "/a").ShouldBe("b");
        _store.CheckIsSound();
    }

    [Fact]
    public void AValueMayHoldAnyBytes()
    {
        _store.Write(_store.Control, "/v", "a\0b\0\0").ShouldBe("OK");
        _store.Call(_store.Control, XsMessageType.Read, "/v|").Text.ShouldBe("a\0b\0\0");
    }

    [Fact]
    public void RelativePathsAreBelowTheCallersDomain()
    {
        _store.Write(_store.Control, "name", "zero").ShouldBe("OK");
        _store.Read(_store.Control, "/local/domain/0/name").ShouldBe("zero");
    }

    [Fact]
    public void ChildrenKeepTheOrderOfTheirCreation()
    {
        foreach (string name in new[] { "z", "a", "m", "b" }) _store.Write(_store.Control, "/d/" + name, "");
        _store.Remove(_store.Control, "/d/a").ShouldBe("OK");
        _store.Write(_store.Control, "/d/a", "").ShouldBe("OK");
        _store.List(_store.Control, "/d").ShouldBe("z m b a");
    }

    [Fact]
    public void MakeDirectoryLeavesAnExistingValueAlone()
    {
        _store.Write(_store.Control, "/a", "kept");
        _store.MakeDirectory(_store.Control, "/a").ShouldBe("OK");
        _store.Read(_store.Control, "/a").ShouldBe("kept");
        _store.MakeDirectory(_store.Control, "/x/y").ShouldBe("OK");
        _store.Read(_store.Control, "/x/y").ShouldBe("");
    }

    [Fact]
    public void RemoveTakesTheSubtree()
    {
        _store.Write(_store.Control, "/a/b/c", "1");
        _store.Write(_store.Control, "/a/d", "1");
        _store.Remove(_store.Control, "/a").ShouldBe("OK");
        _store.Read(_store.Control, "/a/b/c").ShouldBe("ENOENT");
        _store.Read(_store.Control, "/a").ShouldBe("ENOENT");
        _store.CheckIsSound();
    }

    [Fact]
    public void RemovingWhatIsNotThereIsFineWhereItsParentIs()
    {
        _store.Remove(_store.Control, "/none").ShouldBe("OK");
        _store.Remove(_store.Control, "/none/below").ShouldBe("ENOENT");
    }

    [Fact]
    public void TheRootCannotBeRemoved() => _store.Remove(_store.Control, "/").ShouldBe("EINVAL");

    [Theory]
    [InlineData("")]
    [InlineData("//")]
    [InlineData("/a//b")]
    [InlineData("/a/")]
    [InlineData("/a b")]
    [InlineData("/a\t")]
    [InlineData("@special")]
    [InlineData("/é")]
    public void MalformedPathsAreRefused(string path) => _store.Read(_store.Control, path).ShouldBe("EINVAL");

    [Theory]
    [InlineData(XsMessageType.Read, "/a")]
    [InlineData(XsMessageType.Read, "/a|b|")]
    [InlineData(XsMessageType.Read, "")]
    [InlineData(XsMessageType.Write, "/a")]
    [InlineData(XsMessageType.Directory, "/a||")]
    [InlineData(XsMessageType.DirectoryPart, "/tool|")]
    [InlineData(XsMessageType.DirectoryPart, "/tool|x|")]
    [InlineData(XsMessageType.SetPermissions, "/tool|")]
    [InlineData(XsMessageType.SetPermissions, "/tool|x5|")]
    [InlineData(XsMessageType.SetPermissions, "/tool|r|")]
    [InlineData(XsMessageType.SetPermissions, "/tool|r99999|")]
    public void MalformedPayloadsAreRefused(XsMessageType type, string payload) =>
        StoreHarness.Outcome(_store.Call(_store.Control, type, payload)).ShouldBe("EINVAL");

    [Theory]
    [InlineData(15)]
    [InlineData(16)]
    [InlineData(20)]
    [InlineData(27)]
    [InlineData(65535)]
    public void UnknownTypesAreRefused(int type) => StoreHarness.Outcome(_store.Call(_store.Control, (XsMessageType)type, "|")).ShouldBe("ENOSYS");

    [Fact]
    public void ThePathLimitIsExact()
    {
        string longest = "/" + new string('a', XsWire.AbsolutePathMax - 1);
        _store.Write(_store.Control, longest, "x").ShouldBe("OK");
        _store.Read(_store.Control, longest).ShouldBe("x");
        _store.Write(_store.Control, longest + "a", "x").ShouldBe("EINVAL");
    }

    [Fact]
    public void ALongListComesInPartsOnly()
    {
        string[] names = [.. Enumerable.Range(0, 3000).Select(i => $"entry{i}")];
        foreach (string name in names) _store.Write(_store.Control, "/big/" + name, "");
        _store.List(_store.Control, "/big").ShouldBe("E2BIG");
        ReadInParts("/big", 0).ShouldBe(names);
        _store.CheckIsSound();
    }

    [Fact]
    public void PartsAreTheSameInATransaction()
    {
        string[] names = [.. Enumerable.Range(0, 3000).Select(i => $"entry{i}")];
        foreach (string name in names) _store.Write(_store.Control, "/big/" + name, "");
        uint transaction = _store.Begin(_store.Control);
        _store.Remove(_store.Control, "/big/entry7", transaction).ShouldBe("OK");
        _store.Write(_store.Control, "/big/new", "", transaction).ShouldBe("OK");
        ReadInParts("/big", transaction).ShouldBe([.. names.Where(name => name != "entry7"), "new"]);
        ReadInParts("/big", 0).ShouldBe(names);
    }

    private string[] ReadInParts(string path, uint transaction)
    {
        var list = new List<byte>();
        string? generation = null;
        while (true)
        {
            Received reply = _store.Call(_store.Control, XsMessageType.DirectoryPart, $"{path}|{list.Count}|", transaction);
            reply.Payload.Length.ShouldBeLessThanOrEqualTo(XsWire.PayloadMax);
            int end = Array.IndexOf(reply.Payload, (byte)0);
            string now = System.Text.Encoding.ASCII.GetString(reply.Payload, 0, end);
            (generation ??= now).ShouldBe(now);
            byte[] part = reply.Payload[(end + 1)..];
            bool last = part.Length == 1 || (part[^1] == 0 && part[^2] == 0);
            list.AddRange(last ? part[..^1] : part);
            if (last) return System.Text.Encoding.ASCII.GetString([.. list]).TrimEnd('\0').Split('\0');
        }
    }

    [Fact]
    public void ManyLongListsAreKeptApartAndNeverOld()
    {
        var expected = new Dictionary<string, List<string>>();
        for (int directory = 0; directory < 7; directory++)
        {
            var names = expected[$"/d{directory}"] = [.. Enumerable.Range(0, 900).Select(i => $"name{directory}-{i}")];
            foreach (string name in names) _store.Write(_store.Control, $"/d{directory}/{name}", "");
        }
        for (int round = 0; round < 3; round++)
        {
            foreach ((string directory, List<string> names) in expected)
            {
                ReadInParts(directory, 0).ShouldBe(names);
                _store.Remove(_store.Control, $"{directory}/{names[round * 7]}");
                names.RemoveAt(round * 7);
                _store.Write(_store.Control, $"{directory}/{names[5]}", "only a value");
                _store.Write(_store.Control, $"{directory}/more{round}", "");
                names.Add($"more{round}");
            }
        }
        _store.Remove(_store.Control, "/d3");
        for (int i = 0; i < 800; i++) _store.Write(_store.Control, $"/d3/again{i}", "");
        ReadInParts("/d3", 0).ShouldBe(Enumerable.Range(0, 800).Select(i => $"again{i}"));
        _store.Remove(_store.Control, "/d3");
        _store.MakeDirectory(_store.Control, "/d3");
        _store.Call(_store.Control, XsMessageType.DirectoryPart, "/d3|0|").Text.ShouldEndWith("\0\0");
    }

    [Fact]
    public void TheGenerationOfAListChangesWithIt()
    {
        _store.Write(_store.Control, "/d/a", "");
        string before = _store.Call(_store.Control, XsMessageType.DirectoryPart, "/d|0|").Strings[0];
        _store.Call(_store.Control, XsMessageType.DirectoryPart, "/d|0|").Strings[0].ShouldBe(before);
        _store.Write(_store.Control, "/d/b", "");
        _store.Call(_store.Control, XsMessageType.DirectoryPart, "/d|0|").Strings[0].ShouldNotBe(before);
    }

    [Fact]
    public void ReadingAListPastItsEndGivesAnEmptyPart() => _store.Call(_store.Control, XsMessageType.DirectoryPart, "/tool|999|").Text.ShouldEndWith("\0\0");

    [Fact]
    public void RepliesEchoRequestAndTransaction()
    {
        Session session = _store.Open();
        _store.Processor.Process(session, new XsHeader((uint)XsMessageType.Read, 77, 0, 6), "/tool\0"u8);
        Received reply = StoreHarness.Drain(session).Single();
        reply.RequestId.ShouldBe(77u);
        reply.TransactionId.ShouldBe(0u);
    }

    [Fact]
    public void AReadOnlySessionChangesNothing()
    {
        Session session = _store.Open(0, isReadOnly: true);
        _store.Read(session, "/tool").ShouldBe("");
        _store.Write(session, "/tool", "x").ShouldBe("EROFS");
        _store.Remove(session, "/tool").ShouldBe("EROFS");
        _store.MakeDirectory(session, "/x").ShouldBe("EROFS");
        _store.SetPermissions(session, "/tool", "r0").ShouldBe("EROFS");
    }
}
