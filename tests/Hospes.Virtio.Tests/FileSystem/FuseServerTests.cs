using System.Text;
using Hospes.Virtio.FileSystem;
using Hospes.Virtio.FileSystem.Native;

namespace Hospes.Virtio.Tests.FileSystem;

/// <summary>What a shared folder does for a client that keeps to the protocol.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class FuseServerTests
{
    private const uint ReadWrite = 2;

    [Fact]
    public void Versions_are_agreed_on()
    {
        using var client = new FuseClient();
        client.Call(FuseOperation.Lookup, 1, "a").Error.ShouldBe(Errno.InputOutput);
        FuseClient.Answer newer = client.Call(FuseOperation.Initialize, 0, 8u, 0u, 0u, 0u);
        (newer.Error, newer.Int(0)).ShouldBe((0, 7u));
        client.Call(FuseOperation.Initialize, 0, 7u, 30u, 0u, 0u).Error.ShouldBe(Errno.Protocol);
        client.Call(FuseOperation.Initialize, 0, 6u, 38u, 0u, 0u).Error.ShouldBe(Errno.Protocol);
        client.Call(FuseOperation.Initialize, 0, 7u).Error.ShouldBe(Errno.Invalid);
        FuseClient.Answer agreed = client.Call(FuseOperation.Initialize, 0, 7u, 31u, 65536u, FuseLayout.MaxPages);
        (agreed.Int(0), agreed.Int(4), agreed.Int(8), agreed.Int(12), agreed.Int(20)).ShouldBe((7u, 38u, 65536u, FuseLayout.MaxPages, FuseClient.MostData));
        client.Call((FuseOperation)12345, 1).Error.ShouldBe(Errno.NotThere);
        client.Call(FuseOperation.Lookup, 99, "a").Error.ShouldBe(Errno.Stale);
        foreach (FuseOperation operation in Enum.GetValues<FuseOperation>())
        {
            // None goes without arguments but these.
            if (operation is FuseOperation.Initialize or FuseOperation.Destroy or FuseOperation.StatFileSystem or FuseOperation.SynchronizeFileSystem or FuseOperation.GetAttributes
                or FuseOperation.OpenFolder or FuseOperation.Flush or FuseOperation.Forget or FuseOperation.BatchForget) continue;
            client.Call(operation, 1).Error.ShouldBeGreaterThan(0, $"{operation}");
        }
    }

    [Fact]
    public void A_file_is_written_read_and_known_by_one_number()
    {
        using FuseClient client = new FuseClient().Begin();
        FuseClient.Answer made = client.Call(FuseOperation.Create, 1, ReadWrite, 0x1B4u, 0u, 0u, "file");
        ulong file = made.Long(0), handle = made.Long(128);
        client.Write(file, handle, 2, "hello"u8.ToArray()).Int(0).ShouldBe(5u);
        client.Read(file, handle, 0, 100).ShouldBe("\0\0hello");
        client.Write(file, handle, 0, "!"u8.ToArray(), flags: HostCalls.Appends).Error.ShouldBe(0);
        client.Write(file, handle, 0, "ab"u8.ToArray(), FuseLayout.WriteFromCache, HostCalls.Appends).Error.ShouldBe(0);
        File.ReadAllText(client.At("file")).ShouldBe("abhello!");
        ((int)File.GetUnixFileMode(client.At("file"))).ShouldBe(0x1B4);
        client.Find(1, "file").ShouldBe(file);
        client.Call(FuseOperation.Link, 1, file, "second").Long(0).ShouldBe(file);
        client.Call(FuseOperation.Write, file, handle, 0ul, 10u, 0u, 0ul, 0u, 0u).Error.ShouldBe(Errno.Invalid);
        client.Call(FuseOperation.Read, 1, handle, 0ul, 10u, 0u, 0ul, 0u, 0u).Error.ShouldBe(Errno.BadFile);
        client.Call(FuseOperation.Flush, file, handle, 0u, 0u, 0ul).Error.ShouldBe(0);
        client.Call(FuseOperation.Synchronize, file, handle, 1ul).Error.ShouldBe(0);
        client.Call(FuseOperation.Allocate, file, handle, 0ul, 4096ul, 0u, 0u).Error.ShouldBe(0);
        client.Call(FuseOperation.Seek, file, handle, 0ul, 4u, 0u).Long(0).ShouldBe(4096ul);
        client.Call(FuseOperation.Seek, file, handle, 0ul, 0u, 0u).Error.ShouldBe(Errno.Invalid);
        client.Call(FuseOperation.Unlink, 1, "file").Error.ShouldBe(0);
        client.Call(FuseOperation.Unlink, 1, "second").Error.ShouldBe(0);
        // It is there as long as it is open.
        client.Call(FuseOperation.GetAttributes, file, 0u, 0u, 0ul).Long(16 + 8).ShouldBe(4096ul);
        client.Call(FuseOperation.Release, file, handle, 0u, 0u, 0ul).Error.ShouldBe(0);
        client.Call(FuseOperation.Release, file, handle, 0u, 0u, 0ul).Error.ShouldBe(Errno.BadFile);
        client.Call(FuseOperation.GetAttributes, file, 0u, 0u, 0ul).Error.ShouldBe(Errno.Stale);
        client.Server.Handles.ShouldBe(0);
    }

    [Fact]
    public void Another_file_under_the_same_name_is_another()
    {
        using FuseClient client = new FuseClient().Begin();
        ulong first = client.Make(1, "file");
        File.Delete(client.At("file"));
        File.WriteAllText(client.At("file"), "second");
        client.Call(FuseOperation.Open, first, 0u, 0u).Error.ShouldBe(Errno.Stale);
        client.Find(1, "file").ShouldNotBe(first);
    }

    [Fact]
    public void Files_that_others_made_meanwhile_are_opened_unless_that_is_refused()
    {
        using FuseClient client = new FuseClient().Begin();
        File.WriteAllText(client.At("file"), "text");
        client.Call(FuseOperation.Create, 1, ReadWrite | HostCalls.Exclusive, 0x1A4u, 0u, 0u, "file").Error.ShouldBe(Errno.Exists);
        FuseClient.Answer opened = client.Call(FuseOperation.Create, 1, ReadWrite, 0x1A4u, 0u, 0u, "file");
        client.Read(opened.Long(0), opened.Long(128), 0, 10).ShouldBe("text");
        Directory.CreateDirectory(client.At("folder"));
        client.Call(FuseOperation.Create, 1, ReadWrite, 0x1A4u, 0u, 0u, "folder").Error.ShouldBe(Errno.IsFolder);
    }

    [Fact]
    public void Ranges_are_copied_between_files()
    {
        using FuseClient client = new FuseClient().Begin();
        ulong from = client.Make(1, "from"), to = client.Make(1, "to");
        File.WriteAllText(client.At("from"), "0123456789");
        ulong source = client.Open(from, 0), target = client.Open(to, ReadWrite);
        client.Call(FuseOperation.CopyRange, from, source, 2ul, to, target, 0ul, 5ul, 0ul).Int(0).ShouldBe(5u);
        File.ReadAllText(client.At("to")).ShouldBe("23456");
        client.Call(FuseOperation.CopyRange, from, source, 2ul, from, target, 0ul, 5ul, 0ul).Error.ShouldBe(Errno.BadFile);
        client.Call(FuseOperation.CopyRange, from, source, 2ul, to, target, 0ul, 5ul, 1ul).Error.ShouldBe(Errno.Invalid);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Folders_are_listed_whole_whatever_room_there_is(bool plus)
    {
        using FuseClient client = new FuseClient().Begin();
        string[] names = [.. Enumerable.Range(0, 300).Select(static i => $"{new string('n', i % 200)}{i}")];
        foreach (string name in names) File.WriteAllText(client.At(name), "");
        Directory.CreateDirectory(client.At("folder"));
        foreach (uint size in (uint[])[1024, 4096, 60000])
        {
            List<(string Name, ulong Inode, uint Kind, ulong Node)> all = client.List(1, size, plus);
            all.Select(static entry => entry.Name).ShouldBe([".", "..", "folder", .. names], ignoreOrder: true);
            (string Name, ulong Inode, uint Kind, ulong Node) dots = all.Single(static entry => entry.Name == ".."), folder = all.Single(static entry => entry.Name == "folder");
            // What is above is not told of.
            dots.Inode.ShouldBe(all.Single(static entry => entry.Name == ".").Inode);
            (dots.Node, folder.Kind).ShouldBe((0ul, 4u));
            if (plus) folder.Node.ShouldBe(client.Find(1, "folder"));
        }
        ulong handle = client.Call(FuseOperation.OpenFolder, 1, 0u, 0u).Long(0);
        client.Call(FuseOperation.ReadFolder, 1, handle, 0ul, 16u, 0u, 0ul, 0u, 0u).Error.ShouldBe(Errno.Invalid);
        client.Call(FuseOperation.SynchronizeFolder, 1, handle, 0ul).Error.ShouldBe(0);
    }

    [Fact]
    public void Attributes_change_together()
    {
        using FuseClient client = new FuseClient().Begin();
        ulong file = client.Make(1, "file");
        uint valid = FuseLayout.SetsMode | FuseLayout.SetsSize | FuseLayout.SetsAccessed | FuseLayout.SetsModified;
        FuseClient.Answer set = client.Call(FuseOperation.SetAttributes, file, valid, 0u, 0ul, 77ul, 0ul, 1000ul, 2000ul, 0ul, 10u, 20u, 0u, 0x180u, 0u, 0u, 0u, 0u);
        (set.Error, set.Long(24), set.Long(40), set.Long(48), set.Mode(isEntry: false)).ShouldBe((0, 77ul, 1000ul, 2000ul, HostMode.Regular | 0x180u));
        new FileInfo(client.At("file")).Length.ShouldBe(77);
        (File.GetLastWriteTimeUtc(client.At("file")) - DateTime.UnixEpoch).TotalSeconds.ShouldBe(2000, 0.001);
        client.Call(FuseOperation.StatFileSystem, 1).Long(0).ShouldBeGreaterThan(0ul);
        client.Call(FuseOperation.SynchronizeFileSystem, 1, 0ul).Error.ShouldBe(0);
    }

    [Fact]
    public void Attributes_of_users_are_kept_and_listed()
    {
        using FuseClient client = new FuseClient().Begin();
        ulong file = client.Make(1, "file");
        client.Call(FuseOperation.SetExtended, file, 3u, 0u, "user.colour", "red"u8.ToArray()).Error.ShouldBe(0);
        client.Call(FuseOperation.SetExtended, file, 4u, 0u, "user.colour", "red"u8.ToArray()).Error.ShouldBe(Errno.Invalid);
        client.Call(FuseOperation.GetExtended, file, 0u, 0u, "user.colour").Int(0).ShouldBe(3u);
        Encoding.UTF8.GetString(client.Call(FuseOperation.GetExtended, file, 100u, 0u, "user.colour").Body).ShouldBe("red");
        client.Call(FuseOperation.GetExtended, file, 1u, 0u, "user.colour").Error.ShouldBe(Errno.OutOfRange);
        client.Call(FuseOperation.GetExtended, file, 1u, 0u, "security.capability").Error.ShouldBe(Errno.NotSupported);
        client.Call(FuseOperation.ListExtended, file, 0u, 0u).Int(0).ShouldBe(12u);
        Encoding.UTF8.GetString(client.Call(FuseOperation.ListExtended, file, 100u, 0u).Body).ShouldBe("user.colour\0");
        client.Call(FuseOperation.ListExtended, file, 5u, 0u).Error.ShouldBe(Errno.OutOfRange);
        client.Call(FuseOperation.RemoveExtended, file, "user.colour").Error.ShouldBe(0);
        client.Call(FuseOperation.RemoveExtended, file, "user.colour").Error.ShouldBe(Errno.NoData);
    }

    [Fact]
    public void Without_root_the_processes_user_is_the_guests_root()
    {
        (uint user, uint group) = HostCalls.Identity();
        // As a process of the same user would that is not root.
        using FuseClient client = new FuseClient(owners: new Owners(user == 0 ? 77 : user, group)).Begin();
        ulong file = client.Make(1, "file");
        FuseClient.Answer told = client.Call(FuseOperation.GetAttributes, file, 0u, 0u, 0ul);
        // The file is the real user's: root's where the test runs as root, who is nobody then.
        (told.Int(16 + 68), told.Int(16 + 72)).ShouldBe((user == 0 ? Owners.Nobody : 0, 0u));
        client.Call(FuseOperation.SetAttributes, file, FuseLayout.SetsUser, 0u, 0ul, 0ul, 0ul, 0ul, 0ul, 0ul, 0u, 0u, 0u, 0u, 0u, 5u, 0u, 0u).Error.ShouldBe(Errno.NotPermitted);
        (uint owner, uint ownersGroup) = (0, Owners.Unchanged);
        new Owners(1000, 100).TryToHost(ref owner, ref ownersGroup).ShouldBeTrue();
        (owner, ownersGroup).ShouldBe((1000u, Owners.Unchanged));
        new Owners(1000, 100).ToGuestUser(0).ShouldBe(Owners.Nobody);
        new Owners(1000, 100).ToGuestGroup(100).ShouldBe(0u);
    }

    [Fact]
    public void Reads_and_writes_allocate_nothing()
    {
        using FuseClient client = new FuseClient().Begin();
        ulong file = client.Make(1, "file");
        ulong handle = client.Open(file, ReadWrite);
        byte[] reply = new byte[4096];
        byte[] read = client.Pack(FuseOperation.Read, file, 0, handle, 0ul, 4096u, 0u, 0ul, 0u, 0u), write = client.Pack(FuseOperation.Write, file, 0, handle, 0ul, 0u, 0u, 0ul, 0u, 0u);
        var data = new NoData();
        long before = 0;
        for (int i = 0; i < 2000; i++)
        {
            if (i == 1000) before = GC.GetAllocatedBytesForCurrentThread();
            client.Server.Serve(read, (uint)read.Length, reply, data);
            client.Server.Serve(write, (uint)write.Length, reply, data);
        }
        (GC.GetAllocatedBytesForCurrentThread() - before).ShouldBe(0);
    }

    private sealed class NoData : IFuseData
    {
        public uint Room => 4096;

        public long FromFile(int file, long position, uint length) => length;

        public long ToFile(int file, long position, uint length, bool appends) => length;
    }
}
