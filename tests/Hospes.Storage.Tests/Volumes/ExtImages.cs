using Hospes.Storage.Ext4;
using Hospes.Storage.Tests.Kit;
using Hospes.Storage.Volumes;

namespace Hospes.Storage.Tests.Volumes;

/// <summary>File systems made by e2fsprogs.</summary>
internal static class ExtImages
{
    /// <summary>What a test may spend: so little that a reader which forgets its budget shows.</summary>
    public static ReadBudget Budget => new(256 << 20, 64 << 20);

    /// <summary>Makes a file system of a folder.</summary>
    public static string Make(Scratch scratch, string name, string size, string? folder, params string[] options)
    {
        string[] source = folder is null ? [] : ["-d", folder];
        scratch.Run("mke2fs", 0, ["-q", "-F", "-E", "hash_seed=00000000-0000-0000-0000-000000000001,root_owner=0:0", .. options, .. source, name, size]);
        return scratch.At(name);
    }

    /// <summary>Runs commands of debugfs that write.</summary>
    public static void Debug(Scratch scratch, string image, params string[] commands)
    {
        File.WriteAllLines(scratch.At("commands"), commands);
        string text = scratch.Run("debugfs", 0, "-w", "-f", "commands", image);
        text.ShouldNotContain("error", Case.Insensitive);
    }

    /// <summary>Opens a file system that has to be whole.</summary>
    public static Ext4FileSystem Open(byte[] image)
    {
        TryOpen(image, out Ext4FileSystem? files).ShouldBe(VolumeError.None);
        return files!;
    }

    public static VolumeError TryOpen(byte[] image, out Ext4FileSystem? files) => Ext4FileSystem.TryOpen(Volume.Whole(new ByteDisk(image), Budget), out files);

    public static byte[] Read(this IFileSystem files, string path)
    {
        files.ReadFile(path, 64 << 20, out byte[] content).ShouldBe(VolumeError.None, path);
        return content;
    }

    public static string[] Names(this IFileSystem files, string path)
    {
        files.List(path, out IReadOnlyList<string> names).ShouldBe(VolumeError.None, path);
        return [.. names.Order(StringComparer.Ordinal)];
    }

    /// <summary>Fills a folder with what a file system can hold: lengths around every limit, holes, links, long names, a large folder.</summary>
    public static string Populate(Scratch scratch, int manyFiles)
    {
        string root = Directory.CreateDirectory(scratch.At("tree")).FullName;
        foreach (int length in (int[])[0, 1, 59, 60, 61, 100, 150, 1023, 1024, 1025, 4096, 5000, 70_000, 300_000])
            File.WriteAllBytes(Path.Combine(root, $"bytes-{length}"), Bytes.Random(length, length));
        using (FileStream sparse = File.Create(Path.Combine(root, "sparse")))
        {
            foreach (int at in (int[])[0, 100_000, 101_000, 500_000, 900_000])
            {
                sparse.Position = at;
                sparse.Write(Bytes.Random(at, 700));
            }
        }

        Directory.CreateDirectory(Path.Combine(root, "a/b/c"));
        File.WriteAllText(Path.Combine(root, "a/b/c/deep"), "deep");
        File.WriteAllText(Path.Combine(root, "a", new string('n', 255)), "long name");
        File.WriteAllText(Path.Combine(root, "a", "Grüße"), "letters");
        File.CreateSymbolicLink(Path.Combine(root, "short"), "a/b/c/deep");
        File.CreateSymbolicLink(Path.Combine(root, "absolute"), "/a/b");
        File.CreateSymbolicLink(Path.Combine(root, "a/up"), "../a/b/../../bytes-1");
        File.CreateSymbolicLink(Path.Combine(root, "long"), "a/" + string.Concat(Enumerable.Repeat("./", 60)) + "b/c/deep");
        File.CreateSymbolicLink(Path.Combine(root, "beyond"), "../../../bytes-1");
        File.CreateSymbolicLink(Path.Combine(root, "dangling"), "nowhere");
        File.CreateSymbolicLink(Path.Combine(root, "circle-1"), "circle-2");
        File.CreateSymbolicLink(Path.Combine(root, "circle-2"), "circle-1");
        Directory.CreateDirectory(Path.Combine(root, "many"));
        for (int i = 0; i < manyFiles; i++) File.WriteAllText(Path.Combine(root, "many", $"a file with quite a long name, number {i}"), $"{i}");
        return root;
    }

    /// <summary>Everything that <see cref="Populate"/> made is there.</summary>
    public static void ShouldHold(this IFileSystem files, string root, int manyFiles)
    {
        foreach (string file in Directory.EnumerateFiles(root).Where(static file => File.ResolveLinkTarget(file, false) is null))
            files.Read("/" + Path.GetFileName(file)).AsSpan().SequenceEqual(File.ReadAllBytes(file)).ShouldBeTrue(file);
        files.Names("/").ShouldBe(Directory.GetFileSystemEntries(root).Select(static path => Path.GetFileName(path)).Append("lost+found").Distinct().Order(StringComparer.Ordinal));
        foreach (string path in (string[])["a/b/c/deep", "/short", "absolute/c/deep", "long", "//a/./b/../b/c/deep/"]) files.Read(path).ShouldBe("deep"u8.ToArray(), path);
        files.Read("/a/up").ShouldBe(files.Read("/bytes-1"));
        files.Read("beyond").ShouldBe(files.Read("/bytes-1"));
        files.Read("/a/" + new string('n', 255)).ShouldBe("long name"u8.ToArray());
        files.Read("/a/Grüße").ShouldBe("letters"u8.ToArray());
        files.Names("/many").Length.ShouldBe(manyFiles);
        files.Read($"/many/a file with quite a long name, number {manyFiles - 1}").ShouldBe(System.Text.Encoding.ASCII.GetBytes($"{manyFiles - 1}"));
        files.ReadFile("/circle-1", 100, out _).ShouldBe(VolumeError.TooManyLinks);
        files.ReadFile("/dangling", 100, out _).ShouldBe(VolumeError.NotFound);
        files.ReadFile("/none", 100, out _).ShouldBe(VolumeError.NotFound);
        files.ReadFile("/bytes-100/x", 100, out _).ShouldBe(VolumeError.NotADirectory);
        files.ReadFile("/a", 100, out _).ShouldBe(VolumeError.NotAFile);
        files.ReadFile("/bytes-100", 99, out _).ShouldBe(VolumeError.TooLarge);
        files.List("/bytes-100", out _).ShouldBe(VolumeError.NotADirectory);
        files.Find("/a", out FileEntry folder).ShouldBe(VolumeError.None);
        folder.IsDirectory.ShouldBeTrue();
        files.Find("/bytes-100", out FileEntry file100).ShouldBe(VolumeError.None);
        (file100.IsFile, file100.Length).ShouldBe((true, 100));
    }
}
