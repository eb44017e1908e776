using System.Formats.Tar;
using System.Text;
using Hospes.Cli.Images.Root;
using Shouldly;

namespace Hospes.Cli.Tests.Images.Root;

/// <summary>Archives that try to reach what is outside of the folder that they are unpacked into.</summary>
public sealed class RootFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private string Outside => _folder.At("outside");

    private string Inside => _folder.At("inside");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void AFileReplacesALinkInItsPlace()
    {
        Unpack(Link("passwd", _folder.Write("outside/secret", "kept")), File("passwd", "new"));
        System.IO.File.ReadAllText(Path.Combine(Outside, "secret")).ShouldBe("kept");
        System.IO.File.ReadAllText(Path.Combine(Inside, "passwd")).ShouldBe("new");
        new FileInfo(Path.Combine(Inside, "passwd")).LinkTarget.ShouldBeNull();
    }

    [Fact]
    public void AFolderInThePlaceOfALinkChangesNothing()
    {
        _folder.Write("outside/secret", "kept");
        UnixFileMode mode = new DirectoryInfo(Outside).UnixFileMode;
        Unpack(Link("etc", Outside), Folder("etc", UnixFileMode.OtherWrite), File("etc/secret", "new"));
        System.IO.File.ReadAllText(Path.Combine(Outside, "secret")).ShouldBe("kept");
        new DirectoryInfo(Outside).UnixFileMode.ShouldBe(mode);
        new FileInfo(Path.Combine(Inside, "etc")).LinkTarget.ShouldBe(Outside);
    }

    [Fact]
    public void AHardLinkToALinkCopiesNothing()
    {
        Unpack(Link("etc", Outside), Link("shadow", _folder.Write("outside/secret", "kept")), Hard("copy", "shadow"), Hard("other", "etc/secret"));
        System.IO.File.Exists(Path.Combine(Inside, "copy")).ShouldBeFalse();
        System.IO.File.Exists(Path.Combine(Inside, "other")).ShouldBeFalse();
    }

    [Fact]
    public void ALinkDoesNotReplaceAFolder()
    {
        Unpack(Folder("etc", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute), Link("etc", "/"), File("etc/name", "inside"));
        System.IO.File.ReadAllText(Path.Combine(Inside, "etc/name")).ShouldBe("inside");
    }

    [Fact]
    public void TheLastOfSeveralFilesCounts()
    {
        Unpack(File("a", "first"), Hard("b", "a"), File("a", "second"), File("b", "third"), Link("a", "b"));
        System.IO.File.ReadAllText(Path.Combine(Inside, "b")).ShouldBe("third");
        new FileInfo(Path.Combine(Inside, "a")).LinkTarget.ShouldBe("b");
    }

    private void Unpack(params TarEntry[] entries)
    {
        Directory.CreateDirectory(Inside);
        var archive = new MemoryStream();
        using (var tar = new TarWriter(archive, leaveOpen: true))
        {
            foreach (TarEntry entry in entries) tar.WriteEntry(entry);
        }
        archive.Position = 0;
        new RootFolder(Inside).Unpack(archive, static _ => { });
    }

    private static PaxTarEntry File(string name, string text) => new(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(Encoding.ASCII.GetBytes(text)) };

    private static PaxTarEntry Folder(string name, UnixFileMode mode) => new(TarEntryType.Directory, name) { Mode = mode };

    private static PaxTarEntry Link(string name, string target) => new(TarEntryType.SymbolicLink, name) { LinkName = target };

    private static PaxTarEntry Hard(string name, string target) => new(TarEntryType.HardLink, name) { LinkName = target };
}
