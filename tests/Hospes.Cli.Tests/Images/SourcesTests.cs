using Hospes.Cli.Images.Sources;

namespace Hospes.Cli.Tests.Images;

public sealed class SourcesTests
{
    [Fact]
    public void OneLineSourcesAreRead()
    {
        const string Text = """
            # deb http://commented.example/debian bookworm main
            deb http://one.example/debian/ bookworm main contrib # and a comment
            deb-src http://source.example/debian bookworm main
              deb [ arch=amd64,arm64 signed-by=/usr/share/keyrings/two.gpg ] https://two.example/debian bookworm-updates main
            deb [arch=i386] http://old.example/debian bookworm main
            deb cdrom:[Debian GNU/Linux 12.5 _Bookworm_ - Official amd64 DVD 1]/ bookworm main
            deb http://flat.example/repo ./
            deb [trusted=yes
            deb
            nonsense
            deb "http://quoted.example/a b" bookworm main
            """;
        RawSource[] read = [.. OneLineSources.Parse(new StringReader(Text))];
        read.Select(static source => source.Uris[0]).ShouldBe(
            ["http://one.example/debian/", "https://two.example/debian", "http://old.example/debian",
             "cdrom:[Debian GNU/Linux 12.5 _Bookworm_ - Official amd64 DVD 1]/", "http://flat.example/repo", "http://quoted.example/a b"]);
        read[0].Components.ShouldBe(["main", "contrib"]);
        read[1].SignedBy.ShouldBe("/usr/share/keyrings/two.gpg");
        read[1].Architectures.ShouldBe(["amd64", "arm64"]);
    }

    [Fact]
    public void Deb822SourcesAreRead()
    {
        const string Text = """
            # The main archive
            Types: deb deb-src
            URIs: http://one.example/debian
             http://two.example/debian
            # a comment inside a stanza
            Suites: bookworm bookworm-updates
            Components: main contrib
            Signed-By: /usr/share/keyrings/one.gpg

            types: deb
            uris: http://off.example/debian
            suites: bookworm
            components: main
            enabled: No

            Types: deb-src
            URIs: http://source.example/debian
            Suites: bookworm
            Components: main

            Types: deb
            URIs: https://inline.example/debian
            Suites: trixie
            Components: main
            Signed-By:
             -----BEGIN PGP PUBLIC KEY BLOCK-----
             .
             mDMEY865UxYJKwYBBAHaRw8BAQdAd7Z0srwuhlB6JKFkcf4HU4SSS/xcRfwEQWzr
             -----END PGP PUBLIC KEY BLOCK-----
            """;
        RawSource[] read = [.. Deb822Sources.Parse(new StringReader(Text))];
        read.Length.ShouldBe(2);
        read[0].Uris.ShouldBe(["http://one.example/debian", "http://two.example/debian"]);
        read[0].Suites.ShouldBe(["bookworm", "bookworm-updates"]);
        read[0].SignedBy.ShouldBe("/usr/share/keyrings/one.gpg");
        read[1].Uris.ShouldBe(["https://inline.example/debian"]);
        read[1].SignedBy.ShouldBeNull();
    }

    [Fact]
    public void AFolderIsReadInTheOrderOfApt()
    {
        using var folder = new TemporaryFolder();
        folder.Write("sources.list", "deb http://main.example/debian bookworm main\n");
        folder.Write("sources.list.d/b.list", "deb http://b.example/debian bookworm main\ndeb http://main.example/debian/ bookworm-updates main\n");
        folder.Write("sources.list.d/a.sources", "Types: deb\nURIs: http://a.example/debian\nSuites: bookworm\nComponents: main\n");
        folder.Write("sources.list.d/c.list.disabled", "deb http://disabled.example/debian bookworm main\n");
        folder.Write("sources.list.d/c d.list", "deb http://space.example/debian bookworm main\n");
        folder.Write("sources.list.d/z.list", "deb file:/srv/debian bookworm main\ndeb [arch=arm64] http://arm.example/debian bookworm main\n");
        IReadOnlyList<AptSource> read = AptSources.Read(folder.Path);
        read.Select(static source => source.Uri.ToString()).ShouldBe(["http://main.example/debian", "http://a.example/debian", "http://b.example/debian"]);
        read[0].Suites.ShouldBe(["bookworm", "bookworm-updates"]);
    }

    [Fact]
    public void AListOfMirrorsIsFollowed()
    {
        using var folder = new TemporaryFolder();
        string list = folder.Write("mirrors.txt", "# ours\nhttp://near.example/debian\tpriority:1\nhttps://far.example/debian\n\nftp://old.example/debian\n");
        folder.Write("sources.list.d/debian.sources", $"Types: deb\nURIs: mirror+file://{list} mirror+file:/nowhere\nSuites: bookworm\nComponents: main\n");
        AptSources.Read(folder.Path).Select(static source => source.Uri.ToString()).ShouldBe(["http://near.example/debian", "https://far.example/debian"]);
    }

    [Fact]
    public void NothingIsReadFromNowhere() => AptSources.Read("/nonexistent/apt").ShouldBeEmpty();

    [Theory]
    [InlineData("http://a.example/debian/", "pool/main/l/linux+x_1~2.deb", "http://a.example/debian/pool/main/l/linux%2Bx_1~2.deb")]
    [InlineData("http://user:word@a.example:81", "dists/bookworm/InRelease", "http://user:word@a.example:81/dists/bookworm/InRelease")]
    public void FilesLieBelowTheArchive(string archive, string path, string expected)
    {
        ArchiveAddress.TryParse(archive, out Uri? uri).ShouldBeTrue();
        ArchiveAddress.Below(uri, path).AbsoluteUri.ShouldBe(expected);
    }
}
