
namespace Hospes.Cli.Tests.Images.Seed;

/// <summary>Seed disks, as the programs that read such disks see them.</summary>
public sealed class SeedTests : IDisposable
{
    private const string Key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ1WnZQY0m8oT0cYb7Rk1r8uQ3m9z8gQ0m8oT0cYb7Rk someone@somewhere";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task ADiskHoldsNameKeysAndUserData()
    {
        string disk = _folder.At("seed.iso"), key = _folder.Write("id.pub", $"# mine\n{Key}\n\n{Key}2\n"), data = _folder.Write("data", "#!/bin/sh\necho hello\n");
        (await Seed("--output", disk, "--hostname", "web1.example", "--ssh-key", key, "--ssh-key", "ssh-rsa AAAAB3 \"quoted\"", "--user-data", data)).ShouldBe(new Ran(0, "", ""));
        (await HospesProgram.HostAsync("/usr/sbin/blkid", ["-p", "-s", "LABEL", "-s", "TYPE", "-o", "value", disk])).Out.Split('\n').ShouldBe(["cidata", "iso9660", ""], ignoreOrder: true);
        string meta = await Content(disk, "meta-data");
        meta.ShouldMatch("^instance-id: \"hospes-[0-9a-f]{16}\"\n");
        meta.ShouldEndWith($"\nlocal-hostname: \"web1.example\"\npublic-keys:\n  - \"{Key}\"\n  - \"{Key}2\"\n  - \"ssh-rsa AAAAB3 \\\"quoted\\\"\"\n");
        (await Content(disk, "user-data")).ShouldBe("#!/bin/sh\necho hello\n");
        // Readers that know no Joliet find the basic names.
        (await HospesProgram.HostAsync("isoinfo", ["-f", "-i", disk])).Out.ShouldBe("/META_DATA.;1\n/USER_DATA.;1\n");
    }

    [Fact]
    public async Task TheInstanceChangesWithWhatItIsTold()
    {
        async Task<string> Id(params string[] options)
        {
            string disk = _folder.At("seed.iso");
            (await Seed(["--output", disk, .. options])).Status.ShouldBe(0);
            return (await Content(disk, "meta-data")).Split('\n')[0];
        }

        string first = await Id("--hostname", "a");
        (await Id("--hostname", "a")).ShouldBe(first);
        (await Id("--hostname", "b")).ShouldNotBe(first);
        (await Id("--hostname", "a", "--user-data", _folder.Write("data", "x"))).ShouldNotBe(first);
        (await Id()).ShouldNotBe(first);
        (await Content(_folder.At("seed.iso"), "user-data")).ShouldBe("#cloud-config\n");
    }

    [Theory]
    [InlineData("--hostname '-a' is no host name", "--hostname=-a")]
    [InlineData("--hostname 'a..b' is no host name", "--hostname", "a..b")]
    [InlineData("--hostname 'a b' is no host name", "--hostname", "a b")]
    [InlineData("--ssh-key 'nowhere' cannot be read", "--ssh-key", "nowhere")]
    [InlineData("--user-data 'nowhere' cannot be read", "--user-data", "nowhere")]
    [InlineData("is a private key", "--ssh-key", "PRIVATE")]
    [InlineData("is no public SSH key", "--ssh-key", "TEXT")]
    [InlineData("is larger than 1 MiB", "--user-data", "LARGE")]
    public async Task WhatCannotBeHandedOverIsNamed(string expected, params string[] options)
    {
        _folder.Write("TEXT", "no key");
        _folder.Write("PRIVATE", "-----BEGIN OPENSSH PRIVATE KEY-----\n");
        _folder.Write("LARGE", new string('x', 2 << 20));
        string[] given = [.. options.Select(option => option is "TEXT" or "PRIVATE" or "LARGE" ? _folder.At(option) : option)];
        Ran ran = await Seed(["--output", _folder.At("seed.iso"), .. given]);
        (ran.Status, ran.Out).ShouldBe((2, ""));
        ran.Error.ShouldContain(expected);
        File.Exists(_folder.At("seed.iso")).ShouldBeFalse();
    }

    [Fact]
    public async Task AFolderThatIsNotThereIsNamed() => (await Seed("--output", _folder.At("no/seed.iso"))).Error.ShouldContain("cannot be written");

    private static Task<Ran> Seed(params string[] arguments) => HospesProgram.InProcessAsync(["image", "seed", .. arguments]);

    private static async Task<string> Content(string disk, string file)
    {
        Ran read = await HospesProgram.HostAsync("isoinfo", ["-J", "-x", $"/{file}", "-i", disk]);
        read.Status.ShouldBe(0, read.Error);
        return read.Out;
    }
}
