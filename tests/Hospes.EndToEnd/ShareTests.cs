using System.Text.Json.Nodes;

namespace Hospes.EndToEnd;

/// <summary>Debian mounts folders of the host over virtio-fs, and they are file systems.</summary>
public sealed class ShareTests : IDisposable
{
    private static readonly string[] s_modules = ["fuse", "virtiofs"];

    private readonly string _folder = Directory.CreateTempSubdirectory("hospes-share-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task FoldersOfTheHostAreTheGuestsToo()
    {
        string shared = Make("shared"), other = Make("other:with,odd name"), outside = Make("outside"), tools = Make("root.cpio.root/tools"), qmp = Path.Combine(_folder, "qmp");
        await File.WriteAllTextAsync(Path.Combine(outside, "secret"), "secret");
        await File.WriteAllTextAsync(Path.Combine(other, "read me"), "only to be read");
        await File.WriteAllTextAsync(Path.Combine(_folder, "posix.c"), PosixProgram.Source);
        await DebianGuest.RunAsync("gcc", "-static", "-O1", "-o", Path.Combine(tools, "posix"), Path.Combine(_folder, "posix.c"));
        await using TypedGuest guest = await TypedGuest.BootAsync(
            _folder, s_modules, "--memory", "256M", "--share", shared, "--share", $"{other}:kept,ro", "--hotplug", "1", "--qmp", qmp);
        await guest.DoAsync("mkdir /a /b /c; mount -t virtiofs shared /a && mount -t virtiofs kept /b");

        // Either side sees what the other does.
        await guest.DoAsync("echo from the guest >/a/hello; mkdir /a/folder");
        (await File.ReadAllTextAsync(Path.Combine(shared, "hello"))).ShouldBe("from the guest\n");
        await File.WriteAllTextAsync(Path.Combine(shared, "folder", "answer"), "from the host");
        (await guest.DoAsync("cat /a/folder/answer")).ShouldBe("from the host");
        await File.AppendAllTextAsync(Path.Combine(shared, "folder", "answer"), ", and more");
        await guest.UntilAsync("cat /a/folder/answer", "from the host, and more");

        // Data in bulk come through as they are.
        await guest.DoAsync("head -c 20000000 /dev/urandom >/a/bulk");
        string sum = (await DebianGuest.RunAsync("md5sum", Path.Combine(shared, "bulk")))[..32];
        (await guest.DoAsync("echo 3 >/proc/sys/vm/drop_caches; md5sum </a/bulk")).ShouldStartWith(sum);

        // A link leads nowhere else than inside the guest.
        File.CreateSymbolicLink(Path.Combine(shared, "way out"), outside);
        (await guest.DoAsync("cat '/a/way out/secret' 2>&1; ls /a/.. | grep -c '^a$'")).ShouldBe("cat: can't open '/a/way out/secret': No such file or directory\n1");

        // What is to be read only, is.
        (await guest.DoAsync("cat '/b/read me'; echo; (echo x >/b/new) 2>&1; rm '/b/read me' 2>&1")).ShouldMatch("only to be read\n.*Read-only file system\n.*Read-only file system");

        (await guest.DoAsync("rm -r /a/*; /tools/posix /a 2000")).ShouldBe("posix: good");
        Directory.GetFileSystemEntries(shared).ShouldBeEmpty();

        // Who manages the domain sees what that came to.
        using QmpPeer monitor = await QmpPeer.ConnectAsync(qmp);
        JsonNode told = (await monitor.CallAsync("query-stats", new JsonObject { ["target"] = "vm" }))!;
        JsonNode share = told.AsArray().Single(static at => (string?)at!["qom-path"] == "/machine/peripheral/share0")!["stats"]!;
        ((long)share.AsArray().Single(static at => (string?)at!["name"] == "device_bytes_from_guest")!["value"]!).ShouldBeGreaterThan(20_000_000);

        // One more folder comes while the guest runs, and goes.
        var device = new JsonObject { ["driver"] = "virtio-fs-pci", ["tag"] = "later", ["path"] = outside, ["readonly"] = true, ["id"] = "later", ["bus"] = "port1" };
        await monitor.CallAsync("device_add", device);
        await guest.UntilAsync("mount -t virtiofs later /c && cat /c/secret", "secret");
        await guest.DoAsync("umount /c");
        await monitor.CallAsync("device_del", new JsonObject { ["id"] = "later" });
        await monitor.WaitAsync("DEVICE_DELETED");
        await guest.DoAsync("umount /a && umount /b && mount -t virtiofs shared /a");
        await guest.PowerOffAsync();
    }

    private string Make(string name) => Directory.CreateDirectory(Path.Combine(_folder, name)).FullName;
}
