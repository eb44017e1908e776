using System.Diagnostics;
using Hospes.Virtio.FileSystem;
using Hospes.Virtio.FileSystem.Native;

namespace Hospes.Virtio.Tests.FileSystem;

/// <summary>A guest that wants out of a shared folder, or more of the host than it is to have.</summary>
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class ContainmentTests
{
    private const uint ReadWrite = 2;

    [Theory]
    [InlineData("..", Errno.Invalid)]
    [InlineData(".", Errno.Invalid)]
    [InlineData("", Errno.Invalid)]
    [InlineData("../outside/secret", Errno.Invalid)]
    [InlineData("/etc/passwd", Errno.Invalid)]
    [InlineData("a/b", Errno.Invalid)]
    public void A_name_is_one_component(string name, int error)
    {
        using FuseClient client = new FuseClient().Begin();
        ulong file = client.Make(FuseClient.Root, "file");
        client.Call(FuseOperation.Lookup, 1, name).Error.ShouldBe(error);
        client.Call(FuseOperation.MakeFolder, 1, 0x1EDu, 0u, name).Error.ShouldBe(error);
        client.Call(FuseOperation.MakeNode, 1, 0x81A4u, 0u, 0u, 0u, name).Error.ShouldBe(error);
        client.Call(FuseOperation.Create, 1, ReadWrite, 0x1A4u, 0u, 0u, name).Error.ShouldBe(error);
        client.Call(FuseOperation.SymbolicLink, 1, name, "target").Error.ShouldBe(error);
        client.Call(FuseOperation.Unlink, 1, name).Error.ShouldBe(error);
        client.Call(FuseOperation.RemoveFolder, 1, name).Error.ShouldBe(error);
        client.Call(FuseOperation.Rename, 1, 1ul, name, "other").Error.ShouldBe(error);
        client.Call(FuseOperation.Rename, 1, 1ul, "file", name).Error.ShouldBe(error);
        client.Call(FuseOperation.RenameWithFlags, 1, 1ul, 0u, 0u, "file", name).Error.ShouldBe(error);
        client.Call(FuseOperation.Link, 1, file, name).Error.ShouldBe(error);
        Directory.GetFileSystemEntries(client.Folder).ShouldBe([client.At("file")]);
    }

    [Fact]
    public void Names_end_and_are_no_longer_than_the_hosts()
    {
        using FuseClient client = new FuseClient().Begin();
        client.Call(FuseOperation.Lookup, 1, new string('x', 256)).Error.ShouldBe(Errno.NameTooLong);
        client.Call(FuseOperation.Lookup, 1, new string('x', 255)).Error.ShouldBe(Errno.NoEntry);
        client.Call(FuseOperation.Lookup, 1, "unterminated"u8.ToArray()).Error.ShouldBe(Errno.Invalid);
        client.Call(FuseOperation.SymbolicLink, 1, "link", new string('x', 4096)).Error.ShouldBe(Errno.NameTooLong);
    }

    [Fact]
    public void Symbolic_links_are_the_guests_to_follow()
    {
        using FuseClient client = new FuseClient().Begin();
        File.CreateSymbolicLink(client.At("folder"), client.Outside);
        File.CreateSymbolicLink(client.At("file"), Path.Combine(client.Outside, "secret"));
        ulong folder = client.Find(1, "folder"), file = client.Find(1, "file");
        client.Call(FuseOperation.Lookup, folder, "secret").Error.ShouldBe(Errno.NotFolder);
        client.Call(FuseOperation.Create, folder, ReadWrite, 0x1A4u, 0u, 0u, "new").Error.ShouldBe(Errno.NotFolder);
        client.Call(FuseOperation.OpenFolder, folder, 0u, 0u).Error.ShouldBe(Errno.NotFolder);
        client.Call(FuseOperation.Open, file, ReadWrite, 0u).Error.ShouldBe(Errno.Loop);
        client.Call(FuseOperation.SetAttributes, file, SetSize(0)).Error.ShouldBe(Errno.Invalid);
        client.Call(FuseOperation.SetExtended, file, 1u, 0u, "user.a", "x"u8.ToArray()).Error.ShouldBe(Errno.NotPermitted);
        client.Call(FuseOperation.Create, 1, ReadWrite, 0x1A4u, 0u, 0u, "file").Error.ShouldBe(Errno.Loop);
        client.Call(FuseOperation.ReadLink, folder).Body.ShouldBe(System.Text.Encoding.UTF8.GetBytes(client.Outside));
    }

    [Fact]
    public void What_was_swapped_after_the_look_is_not_used()
    {
        // Nothing is kept open but the root, so that each use begins anew.
        using FuseClient client = new FuseClient(limits: new ShareLimits(100, 10, 1)).Begin();
        Directory.CreateDirectory(client.At("folder", "inner"));
        File.WriteAllText(client.At("folder", "secret"), "harmless");
        ulong folder = client.Find(1, "folder"), inner = client.Find(folder, "inner"), file = client.Find(folder, "secret");
        client.MakeFolder(1, "other");
        client.List(client.Find(1, "other"));
        Directory.Move(client.At("folder"), client.At("moved"));
        File.CreateSymbolicLink(client.At("folder"), client.Outside);
        client.Call(FuseOperation.Lookup, folder, "secret").Error.ShouldBe(Errno.Stale);
        client.Call(FuseOperation.Create, inner, ReadWrite, 0x1A4u, 0u, 0u, "new").Error.ShouldBe(Errno.Stale);
        client.Call(FuseOperation.Open, file, ReadWrite, 0u).Error.ShouldBe(Errno.Stale);
        client.Call(FuseOperation.SetAttributes, file, SetSize(0)).Error.ShouldBe(Errno.Stale);
        client.Call(FuseOperation.GetAttributes, file, 0u, 0u, 0ul).Error.ShouldBe(Errno.Stale);
        client.Call(FuseOperation.Unlink, folder, "secret").Error.ShouldBe(Errno.Stale);
        // Found again where it is, it is the same file.
        client.Find(1, "moved").ShouldBe(folder);
        client.Call(FuseOperation.GetAttributes, file, 0u, 0u, 0ul).Error.ShouldBe(0);
    }

    [Fact]
    public void A_pipe_in_the_place_of_a_file_holds_nobody_up()
    {
        using FuseClient client = new FuseClient().Begin();
        ulong file = client.Make(1, "file");
        File.Delete(client.At("file"));
        client.Call(FuseOperation.MakeNode, 1, HostMode.Pipe | 0x1A4, 0u, 0u, 0u, "file").Error.ShouldBe(0);
        client.Call(FuseOperation.Open, file, 1u, 0u).Error.ShouldBe(Errno.Stale);
        client.Call(FuseOperation.Open, client.Find(1, "file"), 1u, 0u).Error.ShouldBe(Errno.Loop);
        client.Call(FuseOperation.Create, 1, 1u, 0x1A4u, 0u, 0u, "file").Error.ShouldBe(Errno.Loop);
    }

    [Fact]
    public void A_race_between_look_and_use_is_lost_by_the_guest()
    {
        using FuseClient client = new FuseClient(limits: new ShareLimits(10_000, 10, 1)).Begin();
        string real = client.At("real"), place = client.At("place"), link = client.At("link");
        Directory.CreateDirectory(real);
        Directory.CreateSymbolicLink(link, client.Outside);
        using var stop = new CancellationTokenSource();
        var swapper = new Thread(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                Directory.Move(real, place);
                Directory.Move(place, real);
                Directory.Move(link, place);
                Directory.Move(place, link);
            }
        });
        swapper.Start();
        for (int i = 0; i < 3000; i++)
        {
            FuseClient.Answer found = client.Call(FuseOperation.Lookup, 1, "place");
            if (found.Error != 0) continue;
            FuseClient.Answer created = client.Call(FuseOperation.Create, found.Long(0), ReadWrite, 0x1A4u, 0u, 0u, "secret");
            if (created.Error != 0) continue;
            client.Write(created.Long(0), created.Long(128), 0, "spoilt"u8.ToArray());
            client.Call(FuseOperation.Release, created.Long(0), created.Long(128), 0u, 0u, 0ul);
            client.Call(FuseOperation.Unlink, found.Long(0), "secret");
        }
        stop.Cancel();
        swapper.Join();
        File.ReadAllText(Path.Combine(client.Outside, "secret")).ShouldBe("secret");
    }

    [Fact]
    public void Devices_and_bits_that_lend_rights_are_not_made()
    {
        using FuseClient client = new FuseClient().Begin();
        client.Call(FuseOperation.MakeNode, 1, HostMode.Block | 0x1B6, 0x801u, 0u, 0u, "sda1").Error.ShouldBe(Errno.NotPermitted);
        client.Call(FuseOperation.MakeNode, 1, HostMode.Character | 0x1B6, 0x101u, 0u, 0u, "mem").Error.ShouldBe(Errno.NotPermitted);
        ulong file = client.Make(1, "program", mode: 0xDED);
        client.Call(FuseOperation.SetAttributes, file, SetMode(0xDED)).Mode(isEntry: false).ShouldBe(HostMode.Regular | 0x1EDu);
        ((int)File.GetUnixFileMode(client.At("program")) & 0xC00).ShouldBe(0);
        // One that the host made loses them when its contents change.
        File.SetUnixFileMode(client.At("program"), (UnixFileMode)0x9ED);
        ulong handle = client.Open(file, ReadWrite);
        client.Write(file, handle, 0, "new"u8.ToArray(), FuseLayout.WriteKillsSetId).Error.ShouldBe(0);
        ((int)File.GetUnixFileMode(client.At("program"))).ShouldBe(0x1ED);
        client.Call(FuseOperation.SetExtended, file, 1u, 0u, "security.capability", "x"u8.ToArray()).Error.ShouldBe(Errno.NotSupported);
        client.Call(FuseOperation.SetExtended, file, 1u, 0u, "trusted.a", "x"u8.ToArray()).Error.ShouldBe(Errno.NotSupported);
        client.Call(FuseOperation.RenameWithFlags, 1, 1ul, 4u, 0u, "program", "other").Error.ShouldBe(Errno.Invalid);
    }

    [Fact]
    public void Nothing_changes_in_a_folder_that_is_read_only()
    {
        using FuseClient client = new FuseClient(isReadOnly: true).Begin();
        File.WriteAllText(client.At("file"), "text");
        ulong file = client.Find(1, "file");
        client.Call(FuseOperation.Open, file, ReadWrite, 0u).Error.ShouldBe(Errno.ReadOnly);
        client.Call(FuseOperation.Open, file, 0x200u, 0u).Error.ShouldBe(Errno.ReadOnly);
        ulong handle = client.Open(file, 0);
        client.Read(file, handle, 1, 100).ShouldBe("ext");
        client.Write(file, handle, 0, [1]).Error.ShouldBe(Errno.ReadOnly);
        client.Call(FuseOperation.SetAttributes, file, SetSize(0)).Error.ShouldBe(Errno.ReadOnly);
        client.Call(FuseOperation.Create, 1, ReadWrite, 0x1A4u, 0u, 0u, "new").Error.ShouldBe(Errno.ReadOnly);
        foreach (FuseOperation operation in (FuseOperation[])
            [FuseOperation.MakeFolder, FuseOperation.MakeNode, FuseOperation.SymbolicLink, FuseOperation.Link, FuseOperation.Unlink, FuseOperation.RemoveFolder, FuseOperation.Rename,
                FuseOperation.RenameWithFlags, FuseOperation.SetExtended, FuseOperation.RemoveExtended, FuseOperation.Allocate, FuseOperation.CopyRange])
        {
            client.Call(operation, 1, new byte[64]).Error.ShouldBe(Errno.ReadOnly, $"{operation}");
        }
        File.ReadAllText(client.At("file")).ShouldBe("text");
    }

    [Fact]
    public void Numbers_of_files_and_handles_are_bounded_and_given_back()
    {
        using FuseClient client = new FuseClient(limits: new ShareLimits(20, 3, 4)).Begin();
        for (int i = 0; i < 20; i++) client.Make(1, $"file{i}");
        File.WriteAllText(client.At("further"), "");
        client.Call(FuseOperation.Lookup, 1, "further").Error.ShouldBe(Errno.TooManyFiles);
        ulong first = client.Find(1, "file0");
        for (int i = 0; i < 3; i++) client.Open(first, 0);
        client.Call(FuseOperation.Open, first, 0u, 0u).Error.ShouldBe(Errno.TooManyFiles);
        client.Call(FuseOperation.OpenFolder, 1, 0u, 0u).Error.ShouldBe(Errno.TooManyFiles);
        client.Call(FuseOperation.Create, 1, ReadWrite, 0x1A4u, 0u, 0u, "one more").Error.ShouldBe(Errno.TooManyFiles);
        // Forgotten more often than known, twice, and what is not there.
        client.Call(FuseOperation.Forget, client.Find(1, "file1"), ulong.MaxValue);
        client.Call(FuseOperation.BatchForget, 0, 1000u, 0u, client.Find(1, "file2"), 5ul, 999ul, 1ul, (ulong)FuseClient.Root, 1ul);
        client.Server.Nodes.ShouldBe(18);
        client.Find(1, "further").ShouldBeGreaterThan(20ul);
        client.Server.Kept.ShouldBeLessThanOrEqualTo(4);
        client.Call(FuseOperation.Destroy, 0).Error.ShouldBe(0);
        (client.Server.Nodes, client.Server.Handles, client.Server.Kept).ShouldBe((0, 0, 0));
        client.Call(FuseOperation.Lookup, 1, "file0").Error.ShouldBe(Errno.InputOutput);
    }

    [Fact]
    public void A_deep_tree_needs_few_descriptors()
    {
        using FuseClient client = new FuseClient(limits: new ShareLimits(1000, 4, 4)).Begin();
        var chain = new List<ulong> { FuseClient.Root };
        for (int i = 0; i < 300; i++) chain.Add(client.MakeFolder(chain[^1], "d"));
        int before = Process.GetCurrentProcess().HandleCount;
        for (int i = 300; i >= 0; i -= 7) client.Make(chain[i], "file");
        client.Server.Kept.ShouldBeLessThanOrEqualTo(4);
        client.List(chain[300]).Select(static entry => entry.Name).ShouldBe([".", "..", "file"], ignoreOrder: true);
        // A folder that is forgotten stays as long as something in it is known.
        client.Call(FuseOperation.Forget, chain[150], ulong.MaxValue);
        client.Call(FuseOperation.GetAttributes, chain[299], 0u, 0u, 0ul).Error.ShouldBe(0);
        Process.GetCurrentProcess().HandleCount.ShouldBeLessThan(before + 100);
        client.Call(FuseOperation.Rename, chain[9], 1ul, "d", "moved").Error.ShouldBe(0);
        client.Call(FuseOperation.GetAttributes, chain[300], 0u, 0u, 0ul).Error.ShouldBe(0);
    }

    private static object[] SetSize(ulong size) => [FuseLayout.SetsSize, 0u, 0ul, size, 0ul, 0ul, 0ul, 0ul, 0u, 0u, 0u, 0u, 0u, 0u, 0u, 0u];

    private static object[] SetMode(uint mode) => [FuseLayout.SetsMode, 0u, 0ul, 0ul, 0ul, 0ul, 0ul, 0ul, 0u, 0u, 0u, mode, 0u, 0u, 0u, 0u];
}
