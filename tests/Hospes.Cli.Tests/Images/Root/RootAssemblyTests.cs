namespace Hospes.Cli.Tests.Images.Root;

/// <summary>Disks without mmdebstrap, as far as that goes with an archive of three packages; EndToEnd/OwnDiskTests goes all the way.</summary>
public sealed class RootAssemblyTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeArchive _archive;

    public RootAssemblyTests() => _archive = new FakeArchive(_folder);

    public void Dispose()
    {
        _archive.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task WhatTheArchiveLacksIsNamed()
    {
        Ran ran = await PullAsync();
        (ran.Status, ran.Out).ShouldBe((2, ""));
        ran.Error.ShouldContain("hospes: the archive has no package base-passwd; choose another archive with --mirror URL");
        Directory.GetFileSystemEntries(_folder.At("cache/hospes/disks")).ShouldBeEmpty();
    }

    [Fact]
    public async Task ASignatureOfSomebodyElseIsRefused()
    {
        string other = _folder.At("other.gpg");
        File.WriteAllBytes(other, []);
        Ran ran = await PullAsync("--keyring", other);
        ran.Status.ShouldBe(2);
        ran.Error.ShouldContain("has no good signature by a key in");
    }

    [Fact]
    public async Task APackageThatIsNotTheOneOfTheIndexIsRefused()
    {
        _archive.IndexTail = string.Concat(Wanted.Select(static name => $"Package: {name}\nVersion: 1\nFilename: pool/x.deb\nSize: 3\nSHA256: {new string('a', 64)}\n\n"));
        _archive.Publish();
        _archive.Server.Files["/debian/pool/x.deb"] = "bad"u8.ToArray();
        Ran ran = await PullAsync();
        ran.Status.ShouldBe(2);
        ran.Error.ShouldContain("does not have the SHA-256 checksum that the archive publishes");
    }

    private static string[] Wanted =>
        ["base-passwd", "base-files", "dpkg", "libc6", "perl-base", "mawk", "debconf", "apt", "kmod", "initramfs-tools", "zstd", "systemd-sysv", "udev", "dbus", "login", "passwd", "procps", "iproute2", "iputils-ping", "openssh-server", "e2fsprogs", "ca-certificates", "systemd-resolved"];

    private Task<Ran> PullAsync(params string[] more)
    {
        // gpgv is there, mmdebstrap is not.
        string programs = _folder.At("programs");
        Directory.CreateDirectory(programs);
        if (!File.Exists(Path.Combine(programs, "gpgv"))) File.CreateSymbolicLink(Path.Combine(programs, "gpgv"), "/usr/bin/gpgv");
        var environment = new Dictionary<string, string> { ["PATH"] = programs, ["XDG_CACHE_HOME"] = _folder.At("cache") };
        string[] keyring = more.Contains("--keyring") ? [] : ["--keyring", _archive.Keyring];
        return HospesProgram.InProcessAsync(environment, ["image", "pull", "debian:12", "--rootfs", "--mirror", _archive.Address, .. keyring, .. more]);
    }
}
