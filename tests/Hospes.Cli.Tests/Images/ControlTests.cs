using FsCheck;
using FsCheck.Fluent;
using Hospes.Cli.CommandLine;
using Hospes.Cli.Images.Packages;

namespace Hospes.Cli.Tests.Images;

public sealed class ControlTests
{
    private const string Digest = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    [Fact]
    public void StanzasEndAtEmptyLinesAndNamesHaveNoCase()
    {
        var reader = new ControlReader(new StringReader("\n\nPackage: a\r\nDepends: b,\n c\n\tand d\n#no\nVersion:1\n \t \nPackage: e\n"));
        Stanza first = reader.Read()!;
        first["package"].ShouldBe("a");
        first["DEPENDS"].ShouldBe("b,\nc\nand d");
        first["Version"].ShouldBe("1");
        reader.Read()!["Package"].ShouldBe("e");
        reader.Read().ShouldBeNull();
        reader.Mistake.ShouldBeNull();
    }

    [Theory]
    [InlineData(" continues nothing\n", "line 1 continues a field that did not start")]
    [InlineData("Package: a\nno colon\n", "line 2 is neither 'Name: value' nor a continuation")]
    [InlineData("Two words: a\n", "line 1 is neither 'Name: value' nor a continuation")]
    [InlineData(": a\n", "line 1 is neither 'Name: value' nor a continuation")]
    [InlineData("Package: a\npackage: b\n", "line 2 gives package a second time")]
    public void MistakesAreNamedByLine(string text, string expected)
    {
        var reader = new ControlReader(new StringReader(text));
        reader.Read().ShouldBeNull();
        reader.Mistake.ShouldBe(expected);
    }

    [Fact]
    public void AnyTextIsReadToItsEndOrToAMistake() =>
        Prop.ForAll<NonNull<string>>(static text =>
        {
            var reader = new ControlReader(new StringReader(text.Get));
            int stanzas = 0;
            while (reader.Read() is not null) stanzas++;
            return stanzas <= text.Get.Length;
        }).QuickCheckThrowOnFailure();

    [Fact]
    public void AReleaseFileIsRead()
    {
        ReleaseFile release = ReleaseFile.Parse($"Origin: Debian\nCodename: bookworm\nVersion: 12.11\nComponents: main contrib\nArchitectures: all amd64\nAcquire-By-Hash: yes\nMD5Sum:\n ignored\nSHA256:\n {Digest.ToUpperInvariant()} 120 main/binary-amd64/Packages.xz\n").Value;
        (release.Origin, release.Codename, release.Version, release.ByHash).ShouldBe(("Debian", "bookworm", "12.11", true));
        release.Find("main/binary-amd64/Packages.xz").ShouldBe(new DescribedFile("main/binary-amd64/Packages.xz", 120, Digest));
        release.Find("main/binary-arm64/Packages.xz").ShouldBeNull();
    }

    [Theory]
    [InlineData("", "is empty")]
    [InlineData("<html>\n", "line 1 is neither")]
    [InlineData("Origin: Debian\n", "lists no SHA-256 checksums")]
    [InlineData("SHA256:\n abc 1 x\n", "has a SHA256 line that is not")]
    [InlineData("SHA256:\n " + Digest + " -1 x\n", "has a SHA256 line that is not")]
    [InlineData("SHA256:\n " + Digest + " 99999999999 x\n", "has a SHA256 line that is not")]
    [InlineData("SHA256:\n " + Digest + " 1 ../x\n", "has a SHA256 line that is not")]
    [InlineData("SHA256:\n " + Digest + " 1 /x\n", "has a SHA256 line that is not")]
    [InlineData("SHA256:\n " + Digest + " 1\n", "has a SHA256 line that is not")]
    public void ABadReleaseFileIsRefused(string text, string expected)
    {
        Failure failure = ReleaseFile.Parse(text).Failure.ShouldNotBeNull();
        failure.Kind.ShouldBe(FailureKind.Format);
        failure.Cause.ShouldContain(expected);
    }

    [Fact]
    public void TheHighestVersionOfAPackageIsSelected()
    {
        string index = string.Join('\n', new[] { "1:1.35.0-4", "1:1.35.0-4+deb12u1", "1:1.35.0-3" }.Select(static version =>
            $"Package: busybox-static\nVersion: {version}\nFilename: pool/b_{version.Length}.deb\nSize: 1\nSHA256: {Digest}\n"));
        Dictionary<string, Package> found = PackageIndex.Select(new StringReader(index), static name => name == "busybox-static").Value;
        found["busybox-static"].Version.ShouldBe("1:1.35.0-4+deb12u1");
    }

    [Theory]
    [InlineData("Package: a\nVersion: 1\n", "does not describe the file of a")]
    [InlineData("Package: a\nFilename: ../../etc/passwd\nSize: 1\nSHA256: " + Digest + "\n", "does not describe the file of a")]
    [InlineData("Package: b\n\nbroken\n", "is malformed: line 3")]
    public void ABadIndexIsRefused(string index, string expected) =>
        PackageIndex.Select(new StringReader(index), static name => name == "a").Failure.ShouldNotBeNull().Cause.ShouldContain(expected);

    [Fact]
    public void DependenciesAreNamedByTheirFirstAlternative() =>
        new Package("m", "1", "linux-image-6.1.0-49-cloud-amd64 (= 6.1.176-1), kmod | module-init-tools, libc6:any (>= 2)", new DescribedFile("a", 1, Digest))
            .DependencyNames().ShouldBe(["linux-image-6.1.0-49-cloud-amd64", "kmod", "libc6"]);

    [Theory]
    [InlineData("1.0", "1.0", 0)]
    [InlineData("1.0", "1.0-0", 0)]
    [InlineData("0:1.0", "1.0", 0)]
    [InlineData("1.10", "1.9", 1)]
    [InlineData("1.09", "1.9", 0)]
    [InlineData("1:1", "2", 1)]
    [InlineData("1.0~rc1", "1.0", -1)]
    [InlineData("1.0~rc1", "1.0~rc1~a", 1)]
    [InlineData("1.0a", "1.0", 1)]
    [InlineData("1.0+b1", "1.0a", 1)]
    [InlineData("6.1.176-1", "6.1.192-2", -1)]
    [InlineData("1-1-2", "1-1-1", 1)]
    [InlineData("", "0", 0)]
    [InlineData("99999999999999999999999", "99999999999999999999998", 1)]
    public void VersionsAreInTheOrderOfThePolicy(string left, string right, int expected)
    {
        Math.Sign(DebianVersion.Compare(left, right)).ShouldBe(expected);
        Math.Sign(DebianVersion.Compare(right, left)).ShouldBe(-expected);
    }

    [Fact]
    public async Task TheOrderOfVersionsIsThatOfDpkg()
    {
        // dpkg is the reference; its absence would make this test empty, so it is asked for first.
        File.Exists("/usr/bin/dpkg").ShouldBeTrue("the tests run on Debian, which has dpkg");
        var random = new System.Random(20240611);
        string[] pieces = ["0", "1", "9", "10", "007", ".", "~", "+", "a", "B", "rc"];
        for (int i = 0; i < 60; i++)
        {
            string left = Make();
            string right = Make();
            int order = Math.Sign(DebianVersion.Compare(left, right));
            string relation = order < 0 ? "lt" : order > 0 ? "gt" : "eq";
            (await HospesProgram.HostAsync("dpkg", ["--compare-versions", left, relation, right])).Status.ShouldBe(0, $"'{left}' {relation} '{right}'");
        }

        string Make() => $"{random.Next(3)}:{random.Next(10)}{string.Concat(Enumerable.Range(0, random.Next(5)).Select(_ => pieces[random.Next(pieces.Length)]))}-{random.Next(3)}";
    }
}
