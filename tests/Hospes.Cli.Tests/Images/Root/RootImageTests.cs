using System.Text.Json;

namespace Hospes.Cli.Tests.Images.Root;

/// <summary>Disks of the cache: made of what a program in mmdebstrap's place hands over, imported, listed, taken away.</summary>
public sealed class RootImageTests : IDisposable
{
    private const string Kernel = "6.1.0-1-cloud-amd64";

    private readonly TemporaryFolder _folder = new();

    private readonly Dictionary<string, string> _environment;

    public RootImageTests() => _environment = new()
    {
        ["PATH"] = $"{_folder.At("bin")}:/usr/bin:/bin",
        ["XDG_CACHE_HOME"] = _folder.At("cache"),
    };

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task ADiskIsMadeOfPackagesAndBoots()
    {
        await FakeBootstrap();
        string copy = _folder.At("copy.qcow2"), sources = _folder.Write("sources.list", "deb http://a.example/debian bookworm main\ndeb http://b.example/security bookworm-security main\ndeb http://c.example/debian trixie main\n");
        Ran pulled = await Image("pull", "debian:12", "--rootfs", "--sources", sources, "--output", copy, "--json");
        pulled.Status.ShouldBe(0, pulled.Error);
        JsonElement disk = JsonDocument.Parse(pulled.Out).RootElement[0];
        disk.GetProperty("kernel").GetString().ShouldBe(Kernel);
        disk.GetProperty("source").GetString().ShouldBe("deb http://a.example/debian bookworm main; deb http://b.example/security bookworm-security main");
        File.ReadAllBytes(copy).AsSpan().SequenceEqual(File.ReadAllBytes(disk.GetProperty("diskFile").GetString()!)).ShouldBeTrue();
        JsonElement entry = JsonDocument.Parse((await Image("boot-entries", "--json", copy)).Out).RootElement[0];
        entry.GetProperty("kernel").GetProperty("path").GetString().ShouldBe($"/boot/vmlinuz-{Kernel}");
        entry.GetProperty("commandLine").GetString()!.ShouldMatch("^root=UUID=[0-9a-f-]{36} ro console=ttyS0$");
        await Holds(copy);
        // The second time nothing is made.
        File.Delete(_folder.At("bin/mmdebstrap"));
        (await Image("pull", "debian:12", "--rootfs")).Out.ShouldContain($"debian:12 (kernel {Kernel})\ndisk      {disk.GetProperty("diskFile").GetString()}\n");
        (await Image("pull", "debian:12", "--rootfs", "--output", copy)).Error.ShouldContain("the file is there already");
    }

    [Fact]
    public async Task WhatKeepsADiskFromBeingMadeIsNamed()
    {
        (await Image("pull", "debian:12", "--output", "x")).Error.ShouldContain("--output needs --rootfs");
        string sources = _folder.Write("sources.list", "deb http://a.example/debian trixie main\n");
        (await Image("pull", "debian:12", "--rootfs", "--sources", sources)).Error.ShouldContain("names no archive of Debian's bookworm");
        // Without mmdebstrap the packages are fetched here.
        _environment["PATH"] = _folder.At("bin");
        (await Image("pull", "debian:13", "--rootfs", "--sources", _folder.Write("nobody.list", "deb http://127.0.0.1:1/debian trixie main\n"))).Error.ShouldContain("http://127.0.0.1:1/debian/dists/trixie/InRelease cannot be fetched");
        _environment["PATH"] += ":/usr/bin:/bin";
        Program("mmdebstrap", "#!/bin/sh\necho 'E: no luck' >&2\nexit 25\n");
        Ran failed = await Image("pull", "debian:13", "--rootfs", "--sources", sources);
        (failed.Status, failed.Out).ShouldBe((2, ""));
        failed.Error.ShouldContain("mmdebstrap failed with status 25 (E: no luck)");
        // Nothing is left of a disk that did not become one.
        Directory.GetFileSystemEntries(_folder.At("cache/hospes/disks")).ShouldBeEmpty();
    }

    [Fact]
    public async Task DisksAreImportedListedAndTakenAway()
    {
        string disk = _folder.At("mine.raw");
        byte[] content = new byte[1 << 20];
        new Random(3).NextBytes(content.AsSpan(4096, 5000));
        File.WriteAllBytes(disk, content);
        (await Image("list", "--disks")).Error.ShouldContain("no disks here yet");
        (await Image("import", disk, "my:disk")).ShouldBe(new Ran(0, "", ""));
        JsonElement listed = JsonDocument.Parse((await Image("list", "--disks", "--json")).Out).RootElement[0];
        (listed.GetProperty("name").GetString(), listed.GetProperty("kernel").GetString(), listed.GetProperty("source").GetString()).ShouldBe(("my:disk", "", disk));
        (await Image("compare", disk, listed.GetProperty("diskFile").GetString()!)).Status.ShouldBe(0);
        (await Image("list", "--disks")).Out.ShouldContain("my:disk");
        (await Image("list")).Out.ShouldContain("my:disk");
        (await Image("import", disk, "../escape")).Error.ShouldContain("is no name for an image");
        (await Image("import", _folder.At("none"), "x")).Error.ShouldContain("there is no such file");
        (await Image("rm", "my:disk")).ShouldBe(new Ran(0, "", ""));
        (await Image("rm", "my:disk")).Error.ShouldContain("there is no disk 'my:disk' in the cache");
        (await Image("rm", "..")).Error.ShouldContain("there is no disk '..' in the cache");
        JsonDocument.Parse((await Image("list", "--disks", "--json")).Out).RootElement.GetArrayLength().ShouldBe(0);
    }

    [Theory]
    [InlineData("has nothing to boot; the disk has no partition table and no file system that is read here (ext2, ext3, ext4, FAT)")]
    public async Task ADiskWithNothingToBootIsNo(string expected)
    {
        string disk = _folder.At("empty.raw");
        File.WriteAllBytes(disk, new byte[1 << 20]);
        Ran ran = await Image("boot-entries", disk);
        (ran.Status, ran.Out).ShouldBe((1, ""));
        ran.Error.ShouldContain(expected);
        (await Image("boot-entries", "--json", disk)).Out.ShouldBe("[]\n");
        (await Image("boot-entries", _folder.At("none"))).Status.ShouldBe(2);
        ran = await HospesProgram.InProcessAsync("run", "--disk", disk);
        ran.Status.ShouldBe(2);
        ran.Error.ShouldContain($"'{disk}' has nothing to boot: the disk has no partition table");
    }

    [Fact]
    public async Task TheScriptsOfTheDiskAreWhole()
    {
        foreach (string script in (string[])[Cli.Images.Root.RootFiles.FirstStart, Cli.Images.Root.RootFiles.KernelHook])
        {
            Ran ran = await HospesProgram.HostAsync("sh", ["-n"], input: System.Text.Encoding.UTF8.GetBytes(script));
            ran.ShouldBe(new Ran(0, "", ""));
        }
    }

    private Task<Ran> Image(params string[] arguments) => HospesProgram.InProcessAsync(_environment, ["image", .. arguments]);

    private void Program(string name, string text)
    {
        string path = _folder.Write($"bin/{name}", text);
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserExecute);
    }

    /// <summary>What is in the disk, as e2fsprogs sees it.</summary>
    private async Task Holds(string disk)
    {
        string raw = _folder.At("disk.raw");
        (await Image("convert", disk, raw)).Status.ShouldBe(0);
        (await HospesProgram.HostAsync("/usr/sbin/e2fsck", ["-fn", raw])).Status.ShouldBe(0);
        async Task<string> Debug(string command) => (await HospesProgram.HostAsync("/usr/sbin/debugfs", ["-R", command, raw])).Out;
        (await Debug("stat /home/someone/file")).ShouldMatch(@"Mode:\s+0640[\s\S]*User:\s+1000\s+Group:\s+1001");
        (await Debug("stat /etc/fstab")).ShouldMatch(@"Mode:\s+0644[\s\S]*User:\s+0\s+Group:\s+0");
        (await Debug("stat /usr/lib/hospes/first-start")).ShouldMatch(@"Mode:\s+0755");
        (await Debug("stat /bin")).ShouldContain("Fast link dest: \"usr/bin\"");
        (await Debug("cat /usr/bin/again")).ShouldBe("program\n");
        (await Debug("cat /etc/shadow")).ShouldBe("root::1:\ndaemon:*:1:\n");
        (await Debug("cat /etc/machine-id")).ShouldBeEmpty();
        (await Debug("ls -p /etc/ssh")).ShouldNotContain("ssh_host");
        (await Debug("ls -p /")).ShouldNotContain("escaped");
        File.Exists(_folder.At("escaped")).ShouldBeFalse();
    }

    /// <summary>Puts a program in mmdebstrap's place that hands over a small root with all that is hard about one.</summary>
    private async Task FakeBootstrap()
    {
        string root = _folder.At("root");
        _folder.Write($"root/boot/vmlinuz-{Kernel}", "kernel");
        _folder.Write($"root/boot/initrd.img-{Kernel}", "initrd");
        _folder.Write("root/etc/shadow", "root:*:1:\ndaemon:*:1:\n");
        _folder.Write("root/etc/machine-id", "0123\n");
        _folder.Write("root/etc/ssh/ssh_host_ed25519_key", "secret");
        _folder.Write("root/usr/bin/once", "program\n");
        _folder.Write("root/home/someone/file", "text");
        Directory.CreateSymbolicLink(Path.Combine(root, "bin"), "usr/bin");
        string script = """
            cd "$1"
            ln usr/bin/once usr/bin/again
            chmod 640 home/someone/file
            mkdir -m 555 closed && echo x >closed/x 2>/dev/null || true
            tar -cf "$2" --owner=0 --group=0 --exclude=./home/someone/file .
            tar -rf "$2" --owner=1000 --group=1001 ./home/someone/file
            tar -rf "$2" -P --transform 's,^etc/shadow,../escaped,' etc/shadow
            """;
        Ran made = await HospesProgram.HostAsync("sh", ["-ec", script, "sh", root, _folder.At("root.tar")]);
        made.Status.ShouldBe(0, made.Error);
        Program("mmdebstrap", $"#!/bin/sh\nfor word; do case $word in */root.tar) cp '{_folder.At("root.tar")}' \"$word\"; exit;; esac; done\nexit 9\n");
    }
}
