using System.Text;
using System.Text.Json;
using Hospes.Cli.Images.Archive;

namespace Hospes.Cli.Tests.Images;

public sealed class ImagePullTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeArchive _archive;

    public ImagePullTests() => _archive = new FakeArchive(_folder);

    private string Cache => _folder.At("cache/hospes");

    private string Image => Path.Combine(Cache, "images/debian-12");

    public void Dispose()
    {
        _archive.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task AnImageIsPulledAndCheckedAndTheSecondTimeNothingIsAsked()
    {
        Ran first = await PullAsync("--json");
        first.Error.ShouldNotContain("signature");
        first.Status.ShouldBe(0, first.Error);
        JsonElement image = JsonDocument.Parse(first.Out).RootElement[0];
        image.GetProperty("name").GetString().ShouldBe("debian:12");
        image.GetProperty("kernel").GetString().ShouldBe("6.1.0-1-cloud-amd64");
        image.GetProperty("signatureChecked").GetBoolean().ShouldBeTrue();
        File.ReadAllText(image.GetProperty("kernelFile").GetString()!).ShouldBe("the kernel");
        File.ReadAllText(image.GetProperty("busyboxFile").GetString()!).ShouldBe("the box");
        // The kernel's package is kept for its modules; index and busybox are not.
        Directory.GetFiles(Path.Combine(Cache, "downloads")).Length.ShouldBe(1);
        Directory.GetDirectories(Path.Combine(Cache, "images")).Length.ShouldBe(1);

        _archive.Server.Requests.Clear();
        _archive.Server.Dispose();
        Ran second = await PullAsync();
        second.Status.ShouldBe(0, second.Error);
        second.Error.ShouldBeEmpty();
        second.Out.ShouldContain("debian:12 (Debian 12.99, kernel 6.1.0-1-cloud-amd64)");
        _archive.Server.Requests.ShouldBeEmpty();
    }

    [Fact]
    public async Task RefreshFetchesAgainWhatChanged()
    {
        (await PullAsync()).Status.ShouldBe(0);
        _archive.BusyboxPackage = FakeDeb.Make(("./usr/bin/busybox", "a newer box"));
        _archive.Publish();
        _archive.Server.Requests.Clear();
        (await PullAsync("--refresh")).Status.ShouldBe(0);
        File.ReadAllText(Path.Combine(Image, "busybox")).ShouldBe("a newer box");
        _archive.Server.Requests.ShouldNotContain(FakeArchive.KernelPath);
    }

    [Fact]
    public async Task ADamagedImageIsPulledAgain()
    {
        (await PullAsync()).Status.ShouldBe(0);
        File.AppendAllText(Path.Combine(Image, "vmlinuz"), "!");
        (await RunAsync("image", "list")).Error.ShouldContain("no images here yet");
        (await PullAsync()).Status.ShouldBe(0);
        File.ReadAllText(Path.Combine(Image, "vmlinuz")).ShouldBe("the kernel");
    }

    [Fact]
    public async Task TheArchiveIsChosenAmongAptSourcesByItsReleaseFile()
    {
        _archive.Server.Files["/ubuntu/dists/bookworm/InRelease"] = _archive.Sign("Origin: Ubuntu\nCodename: bookworm\nSHA256:\n " + new string('a', 64) + " 1 x\n");
        string sources = _folder.Write("apt/sources.list",
            $"deb {_archive.Server.Address}/nodistro nodistro main\ndeb [signed-by={_archive.Keyring}] {_archive.Server.Address}/ubuntu bookworm main\n");
        _folder.Write("apt/sources.list.d/debian.sources", $"Types: deb\nURIs: {_archive.Address}\nSuites: trixie\nComponents: main\nSigned-By: {_archive.Keyring}\n");
        Ran ran = await RunAsync("image", "pull", "debian:12", "--sources", Path.GetDirectoryName(sources)!);
        ran.Status.ShouldBe(0, ran.Error);
        ran.Out.ShouldContain($"archive   {_archive.Address}");
    }

    [Fact]
    public async Task WithoutADebianArchiveAmongTheSourcesThereIsARemedy()
    {
        _folder.Write("apt/sources.list", $"deb {_archive.Server.Address}/a x main\ndeb {_archive.Server.Address}/b x main\n");
        Ran ran = await RunAsync("image", "pull", "debian:12", "--sources", _folder.At("apt"));
        ran.ShouldSatisfyAllConditions(
            () => ran.Status.ShouldBe(2),
            () => ran.Error.ShouldStartWith($"hospes: none of the 2 archives in {_folder.At("apt")} has Debian's bookworm"),
            () => ran.Error.ShouldEndWith("name a Debian archive with --mirror URL\n"));
    }

    [Fact]
    public async Task EmptySourcesAreNamed()
    {
        Directory.CreateDirectory(_folder.At("apt"));
        Ran ran = await RunAsync("image", "pull", "debian:12", "--sources", _folder.At("apt"));
        ran.ShouldBe(new Ran(2, "", $"hospes: {_folder.At("apt")} names no archive to fetch from; name a Debian archive with --mirror URL\n"));
        ran = await RunAsync("image", "pull", "debian:12", "--sources", _folder.At("missing"));
        ran.ShouldBe(new Ran(2, "", $"hospes: --sources '{_folder.At("missing")}' is neither a folder nor a file; name a folder like /etc/apt\n"));
    }

    [Fact]
    public async Task AForgedHeadIsRefused()
    {
        byte[] head = _archive.Server.Files["/debian/dists/bookworm/InRelease"];
        _archive.Server.Files["/debian/dists/bookworm/InRelease"] = Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(head).Replace("12.99", "12.98", StringComparison.Ordinal));
        await RefusedAsync("has no good signature by a key in", "the signature does not belong to the text");
    }

    [Fact]
    public async Task AHeadWithoutASignatureIsRefused()
    {
        _archive.Server.Files["/debian/dists/bookworm/InRelease"] = "Origin: Debian\n"u8.ToArray();
        await RefusedAsync("has no good signature by a key in", "no signature was found");
    }

    [Fact]
    public async Task AnotherKeyIsRefused()
    {
        using var otherFolder = new TemporaryFolder();
        using var other = new FakeArchive(otherFolder);
        Ran ran = await RunAsync("image", "pull", "debian:12", "--mirror", _archive.Address, "--keyring", other.Keyring);
        ran.Status.ShouldBe(2);
        ran.Error.ShouldContain("it is signed by ");
        ran.Error.ShouldContain("upgrade the package debian-archive-keyring");
    }

    [Fact]
    public async Task AMissingKeyringIsNamed() =>
        (await RunAsync("image", "pull", "debian:12", "--mirror", _archive.Address, "--keyring", "/nowhere.gpg"))
            .ShouldBe(new Ran(2, "", "hospes: there is no keyring /nowhere.gpg; name an existing one with --keyring FILE\n"));

    [Fact]
    public async Task WithoutGpgvAndByWishTheSignatureIsNotCheckedAndThatIsSaid()
    {
        Ran ran = await RunAsync("image", "pull", "debian:12", "--mirror", _archive.Address, "--allow-unsigned");
        ran.Status.ShouldBe(0, ran.Error);
        ran.Error.ShouldContain("the archive's signature was not checked: --allow-unsigned was given");
        ran.Out.ShouldContain("signature not checked");
        byte[] head = _archive.Server.Files["/debian/dists/bookworm/InRelease"];
        (await Signature.CheckAsync(head, new Uri(_archive.Address), _archive.Keyring, null, _folder.Path, default)).Value.NotChecked.ShouldBe("gpgv is not installed");
        (await Signature.CheckAsync(head, new Uri(_archive.Address), null, "/usr/bin/gpgv", _folder.Path, default)).Value.NotChecked.ShouldBe("the package debian-archive-keyring is not installed");
    }

    [Fact]
    public async Task TheTextWithoutItsCheckedSignatureIsTheSame()
    {
        byte[] head = _archive.Server.Files["/debian/dists/bookworm/InRelease"];
        SignedText bare = Signature.Unchecked(head, new Uri(_archive.Address), "test").Value;
        SignedText signed = (await Signature.CheckAsync(head, new Uri(_archive.Address), _archive.Keyring, "/usr/bin/gpgv", _folder.Path, default)).Value;
        bare.Text.ShouldBe(signed.Text);
        signed.Signer.ShouldNotBeNull().Length.ShouldBe(40);
        Signature.Unchecked(head[..200], new Uri(_archive.Address), "test").Failure.ShouldNotBeNull().Cause.ShouldContain("breaks off before its signature");
    }

    [Fact]
    public async Task AnArchiveOfAnotherOriginIsRefused()
    {
        _archive.Origin = "Fake";
        _archive.Publish();
        await RefusedAsync("is not Debian's bookworm for amd64", "origin 'Fake', code name 'bookworm'");
    }

    [Fact]
    public async Task AMirrorThatIsNoArchiveIsRefused()
    {
        Ran ran = await RunAsync("image", "pull", "debian:12", "--mirror", _archive.Server.Address + "/elsewhere");
        ran.ShouldBe(new Ran(2, "", $"hospes: {_archive.Server.Address}/elsewhere/dists/bookworm/InRelease is not there; choose another archive with --mirror URL\n"));
    }

    [Fact]
    public async Task ACorruptPackageIsRefusedAndNoImageIsLeft()
    {
        byte[] corrupt = [.. _archive.KernelPackage];
        corrupt[^5] ^= 1;
        _archive.Server.Files[FakeArchive.KernelPath] = corrupt;
        await RefusedAsync("does not have the SHA-256 checksum that the archive publishes");
        Directory.GetDirectories(Path.Combine(Cache, "images")).ShouldBeEmpty();
        Directory.GetFiles(Path.Combine(Cache, "downloads")).ShouldBeEmpty();
    }

    [Fact]
    public async Task ACorruptIndexIsRefused()
    {
        string index = _archive.Server.Files.Keys.Single(static path => path.Contains("by-hash", StringComparison.Ordinal));
        byte[] corrupt = [.. _archive.Server.Files[index]];
        corrupt[20] ^= 1;
        _archive.Server.Files[index] = corrupt;
        await RefusedAsync("does not have the SHA-256 checksum that the archive publishes");
    }

    [Fact]
    public async Task AnArchiveWithoutByHashIsReadByName()
    {
        _archive.ByHash = false;
        _archive.Publish();
        (await PullAsync()).Status.ShouldBe(0);
    }

    [Fact]
    public async Task MissingPackagesAreNamed()
    {
        _archive.MetaDepends = "linux-image-9.9-cloud-amd64";
        _archive.Publish();
        await RefusedAsync("the archive has no package linux-image-9.9-cloud-amd64");
    }

    [Fact]
    public async Task APackageWithoutItsFileIsNamed()
    {
        _archive.BusyboxPackage = FakeDeb.Make(("./bin/other", "other"));
        _archive.Publish();
        await RefusedAsync("the package busybox-static 1:1.35 has no bin/busybox");
    }

    [Fact]
    public async Task AMalformedIndexIsNamed()
    {
        _archive.IndexTail = "no colon here\n";
        _archive.Publish();
        await RefusedAsync("the archive's package index is malformed: line ");
    }

    [Fact]
    public async Task ACacheThatCannotBeWrittenIsNamed()
    {
        _folder.Write("cache", "a file in the folder's place");
        await RefusedAsync($"the cache folder {Cache} cannot be made");
    }

    [Fact]
    public async Task TwoProcessesPullTheSameImageAtOnce()
    {
        Ran[] both = await Task.WhenAll(ProcessAsync(), ProcessAsync());
        both.ShouldAllBe(ran => ran.Status == 0);
        _archive.Server.Requests.Count(static path => path == FakeArchive.KernelPath).ShouldBe(1);

        Task<Ran> ProcessAsync() => HospesProgram.ProcessAsync(
            new Dictionary<string, string> { ["XDG_CACHE_HOME"] = _folder.At("cache") }, "image", "pull", "debian:12", "--mirror", _archive.Address, "--keyring", _archive.Keyring);
    }

    [Fact]
    public async Task AnInterruptEndsAFetchInOrder()
    {
        using var asked = new ManualResetEventSlim();
        using var over = new ManualResetEventSlim();
        _archive.Server.Troubles[FakeArchive.KernelPath] = _ =>
        {
            asked.Set();
            over.Wait(TimeSpan.FromMinutes(1));
            return (200, int.MaxValue);
        };
        var start = new System.Diagnostics.ProcessStartInfo("dotnet",
            [Path.Combine(AppContext.BaseDirectory, "hospes.dll"), "image", "pull", "debian:12", "--mirror", _archive.Address, "--keyring", _archive.Keyring])
        { RedirectStandardError = true, RedirectStandardOutput = true };
        start.Environment["XDG_CACHE_HOME"] = _folder.At("cache");
        using var process = System.Diagnostics.Process.Start(start)!;
        (await Task.Run(() => asked.Wait(TimeSpan.FromMinutes(1)))).ShouldBeTrue();
        (await HospesProgram.HostAsync("kill", ["-INT", $"{process.Id}"])).Status.ShouldBe(0);
        string error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        over.Set();
        process.ExitCode.ShouldBe(130);
        error.ShouldEndWith("hospes: the fetch was interrupted; run the command again: what came so far is kept\n");
        Directory.GetDirectories(Path.Combine(Cache, "images")).ShouldBeEmpty();
    }

    [Fact]
    public async Task AProxyOfTheEnvironmentIsUsed()
    {
        // The archive's name does not exist: only the proxy, which is the test's server, can answer for it.
        Ran ran = await HospesProgram.ProcessAsync(
            new Dictionary<string, string> { ["XDG_CACHE_HOME"] = _folder.At("cache"), ["http_proxy"] = _archive.Server.Address, ["no_proxy"] = "" },
            "image", "pull", "debian:12", "--mirror", "http://archive.invalid/debian", "--keyring", _archive.Keyring);
        ran.Status.ShouldBe(0, ran.Error);
    }

    [Fact]
    public async Task ASmallRootIsMadeOfAPulledImage()
    {
        Ran before = await RunAsync("image", "initramfs", "--output", _folder.At("root.cpio"));
        before.ShouldBe(new Ran(2, "", "hospes: the image debian:12 is not here; fetch it with 'hospes image pull debian:12'\n"));
        (await PullAsync()).Status.ShouldBe(0);
        (await RunAsync("image", "initramfs", "--output", _folder.At("root.cpio"), "--run", "uname -a")).Status.ShouldBe(0);
        File.ReadAllText(_folder.At("root.cpio")).ShouldContain("uname -a\npoweroff -f\n");
        Ran nowhere = await RunAsync("image", "initramfs", "--output", "/nowhere/root.cpio");
        nowhere.Status.ShouldBe(2);
        nowhere.Error.ShouldStartWith("hospes: '/nowhere/root.cpio' cannot be written");
    }

    private async Task RefusedAsync(params string[] expected)
    {
        Ran ran = await PullAsync();
        ran.Status.ShouldBe(2, ran.Out);
        string line = ran.Error.Split('\n')[^2];
        line.ShouldStartWith("hospes: ");
        foreach (string part in expected) line.ShouldContain(part);
    }

    private Task<Ran> PullAsync(params string[] more) =>
        RunAsync(["image", "pull", "debian:12", "--mirror", _archive.Address, "--keyring", _archive.Keyring, .. more]);

    private Task<Ran> RunAsync(params string[] arguments) => HospesProgram.InProcessAsync(
        new Dictionary<string, string> { ["XDG_CACHE_HOME"] = _folder.At("cache"), ["PATH"] = "/usr/bin:/bin" }, arguments);
}
