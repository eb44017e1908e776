using Hospes.Storage.Boot;
using Hospes.Storage.Fat;
using Hospes.Storage.Tests.Kit;
using Hospes.Storage.Volumes;

namespace Hospes.Storage.Tests.Volumes;

/// <summary>The reader against file systems that mkfs.vfat and mtools make.</summary>
public sealed class FatTests
{
    private const string LongName = "A rather long name, for a file – with letters beyond.conf";

    [Theory]
    [InlineData(1 << 20, "-F 12 -s 1")]
    [InlineData(1 << 20, "-F 12 -s 4 -r 64")]
    [InlineData(8 << 20, "-F 16 -s 1")]
    [InlineData(64 << 20, "-F 16 -S 2048")]
    [InlineData(64 << 20, "-F 32 -s 1")]
    [InlineData(300 << 20, "-F 32 -s 8")]
    public void EveryWidthIsReadWhole(int size, string options)
    {
        using var scratch = new Scratch();
        FatFileSystem files = Open(File.ReadAllBytes(Make(scratch, "disk", size, options)));
        files.Names("/").ShouldBe(["EFI", LongName, "bytes-60", "bytes-5000", "small.txt", "a"], ignoreOrder: true);
        files.Read("/bytes-60").AsSpan().SequenceEqual(Bytes.Random(60, 60)).ShouldBeTrue();
        files.Read("/A/B/../b/C/deep").ShouldBe("deep"u8.ToArray());
        files.Read($"/{LongName.ToUpperInvariant()}").ShouldBe("long"u8.ToArray());
        files.Read("//./bytes-5000").AsSpan().SequenceEqual(Bytes.Random(5000, 5000)).ShouldBeTrue();
        files.Read("/small.txt").ShouldBeEmpty();
        files.Names("/EFI").Length.ShouldBe(120);
        (files.Uuid, files.Label, files.Kind).ShouldBe(("1234-ABCD", "A LABEL", "vfat"));
        files.ReadFile("/none", 100, out _).ShouldBe(VolumeError.NotFound);
        files.ReadFile("/a", 100, out _).ShouldBe(VolumeError.NotAFile);
        files.ReadFile("/bytes-60/x", 100, out _).ShouldBe(VolumeError.NotADirectory);
        files.ReadFile("/bytes-5000", 4999, out _).ShouldBe(VolumeError.TooLarge);
        files.List("/bytes-60", out _).ShouldBe(VolumeError.NotADirectory);
        files.Find("/bytes-5000", out FileEntry entry).ShouldBe(VolumeError.None);
        entry.ShouldBe(new FileEntry(false, true, 5000));
    }

    [Fact]
    public void AChainThatBitesItselfEnds()
    {
        using var scratch = new Scratch();
        byte[] disk = File.ReadAllBytes(Make(scratch, "disk", 8 << 20, "-F 16 -s 1"));
        int table = BitConverter.ToUInt16(disk, 14) * 512;
        for (int cluster = 2; cluster < 4000; cluster++) (disk[table + cluster * 2], disk[table + cluster * 2 + 1]) = (2, 0);
        FatFileSystem files = Open(disk);
        files.ReadFile("/bytes-5000", 1 << 20, out byte[] content).ShouldBe(VolumeError.None);
        content.Length.ShouldBe(5000);
        files.List("/EFI", out IReadOnlyList<string> names).ShouldBe(VolumeError.None);
        names.Count.ShouldBeLessThan(65536);
    }

    [Fact]
    public void OtherBootSectorsAreNotThisFileSystem()
    {
        byte[] disk = new byte[4096];
        FatFileSystem.TryOpen(Volume.Whole(new ByteDisk(disk), ExtImages.Budget), out _).ShouldBe(VolumeError.WrongKind);
        (disk[0], disk[510], disk[511]) = (0xEB, 0x55, 0xAA);
        FatFileSystem.TryOpen(Volume.Whole(new ByteDisk(disk), ExtImages.Budget), out _).ShouldBe(VolumeError.WrongKind);
        FatFileSystem.TryOpen(Volume.Whole(new ByteDisk(disk[..100]), ExtImages.Budget), out _).ShouldBe(VolumeError.WrongKind);
    }

    [Fact]
    public void EntriesOnAnEfiSystemPartitionAreFound()
    {
        using var scratch = new Scratch();
        string image = Make(scratch, "disk", 8 << 20, "-F 16 -s 1");
        File.WriteAllText(scratch.At("entry"), "title On FAT\nlinux /bytes-60\noptions quiet\n");
        scratch.Run("mmd", 0, "-i", image, "::loader", "::loader/entries");
        scratch.Run("mcopy", 0, "-i", image, scratch.At("entry"), "::loader/entries/one.conf");
        BootMenu menu = BootFinder.Find(new ByteDisk(File.ReadAllBytes(image)), ExtImages.Budget);
        (menu.Entries.Single().Title, menu.Entries[0].Kernel.ToString()).ShouldBe(("On FAT", "the disk:/bytes-60"));
        menu.Entries[0].Kernel.Read(100, out byte[] kernel).ShouldBe(VolumeError.None);
        kernel.Length.ShouldBe(60);
    }

    /// <summary>Makes a file system with short, long and deep names and a folder of several clusters.</summary>
    internal static string Make(Scratch scratch, string name, int size, string options)
    {
        string image = scratch.At(name), root = Directory.CreateDirectory(scratch.At($"{name}-tree")).FullName;
        using (FileStream disk = File.Create(image)) disk.SetLength(size);
        scratch.Run("mkfs.vfat", 0, [.. options.Split(' '), "-i", "1234abcd", "-n", "A LABEL", image]);
        foreach (int length in (int[])[60, 5000]) File.WriteAllBytes(Path.Combine(root, $"bytes-{length}"), Bytes.Random(length, length));
        File.WriteAllText(Path.Combine(root, LongName), "long");
        File.WriteAllText(Path.Combine(root, "small.txt"), "");
        Directory.CreateDirectory(Path.Combine(root, "a/b/c"));
        File.WriteAllText(Path.Combine(root, "a/b/c/deep"), "deep");
        Directory.CreateDirectory(Path.Combine(root, "EFI"));
        for (int i = 0; i < 120; i++) File.WriteAllText(Path.Combine(root, $"EFI/entry number {i}"), "");
        scratch.Run("sh", 0, "-c", $"LC_ALL=C.UTF-8 mcopy -s -i {image} {root}/* ::");
        return image;
    }

    private static FatFileSystem Open(byte[] disk)
    {
        FatFileSystem.TryOpen(Volume.Whole(new ByteDisk(disk), ExtImages.Budget), out FatFileSystem? files).ShouldBe(VolumeError.None);
        return files!;
    }
}
