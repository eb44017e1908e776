using Hospes.Storage.Ext4;
using Hospes.Storage.Tests.Kit;
using Hospes.Storage.Volumes;

namespace Hospes.Storage.Tests.Volumes;

/// <summary>The reader against file systems that e2fsprogs makes, in every layout that it has.</summary>
public sealed class Ext4Tests
{
    [Theory]
    [InlineData("ext2", "-t ext2 -b 1024")]
    [InlineData("ext2", "-t ext2 -b 1024 -I 128 -O ^sparse_super,^resize_inode")]
    [InlineData("ext2", "-t ext2 -b 4096 -r 0")]
    [InlineData("ext3", "-t ext3 -b 1024")]
    [InlineData("ext4", "-t ext4 -b 1024")]
    [InlineData("ext4", "-t ext4 -b 4096 -I 256")]
    [InlineData("ext4", "-t ext4 -b 4096 -I 1024 -O inline_data")]
    [InlineData("ext4", "-t ext4 -b 1024 -O inline_data,^metadata_csum")]
    [InlineData("ext4", "-t ext4 -b 4096 -O ^64bit,^metadata_csum,uninit_bg")]
    [InlineData("ext4", "-t ext4 -b 4096 -O 64bit,^metadata_csum,uninit_bg")]
    [InlineData("ext4", "-t ext4 -b 1024 -O meta_bg,^resize_inode")]
    [InlineData("ext4", "-t ext4 -b 1024 -O sparse_super2,^resize_inode -g 1024")]
    [InlineData("ext4", "-t ext4 -b 1024 -O meta_bg,^resize_inode,sparse_super2,^flex_bg -g 512")]
    [InlineData("ext4", "-t ext4 -b 4096 -O ^extents,^64bit")]
    [InlineData("ext4", "-t ext4 -b 1024 -O bigalloc -C 16384")]
    [InlineData("ext4", "-t ext4 -b 4096 -O metadata_csum_seed,large_dir,ea_inode,casefold")]
    [InlineData("ext4", "-t ext4 -b 65536")]
    public void EveryLayoutIsReadWhole(string kind, string options)
    {
        using var scratch = new Scratch();
        const int Many = 400;
        string root = ExtImages.Populate(scratch, Many);
        string image = ExtImages.Make(scratch, "disk", options.Contains("65536", StringComparison.Ordinal) ? "128M" : "24M", root, [.. options.Split(' '), "-U", "01234567-89ab-cdef-0123-456789abcdef", "-L", "a label"]);
        Ext4FileSystem files = ExtImages.Open(File.ReadAllBytes(image));
        files.ShouldHold(root, Many);
        files.Kind.ShouldBe(kind);
        files.Uuid.ShouldBe("01234567-89ab-cdef-0123-456789abcdef");
        files.Label.ShouldBe("a label");
    }

    [Theory]
    [InlineData("-t ext3 -b 1024 -O dir_index")]
    [InlineData("-t ext4 -b 1024")]
    [InlineData("-t ext4 -b 4096 -O ^metadata_csum")]
    public void HashTreesAreReadWhole(string options)
    {
        using var scratch = new Scratch();
        const int Many = 3000;
        string root = ExtImages.Populate(scratch, Many);
        string image = ExtImages.Make(scratch, "disk", "32M", root, [.. options.Split(' '), "-N", "5000"]);
        // Rebuilds folders, the large one as a tree of two levels with blocks of 1 KiB.
        scratch.Run("sh", 0, "-c", $"e2fsck -fyD {image} || [ $? = 1 ]");
        scratch.Run("debugfs", 0, "-R", "htree_dump /many", image).ShouldContain("Indirect levels");
        ExtImages.Open(File.ReadAllBytes(image)).ShouldHold(root, Many);
    }

    [Fact]
    public void BlocksThatWereReservedAndNotWrittenReadAsZeros()
    {
        using var scratch = new Scratch();
        string image = ExtImages.Make(scratch, "disk", "8M", null, "-t", "ext4");
        File.WriteAllBytes(scratch.At("content"), Bytes.Random(1, 10_000));
        ExtImages.Debug(scratch, image, $"write {scratch.At("content")} file", "fallocate file 2 30", "set_inode_field file size 100000");
        byte[] content = ExtImages.Open(File.ReadAllBytes(image)).Read("/file");
        content.Length.ShouldBe(100_000);
        content.AsSpan(0, 10_000).SequenceEqual(Bytes.Random(1, 10_000)).ShouldBeTrue();
        content.AsSpan(10_000).ContainsAnyExcept((byte)0).ShouldBeFalse();
    }

    [Fact]
    public void ADiskThatCannotBeReadIsAValue()
    {
        using var scratch = new Scratch();
        byte[] image = File.ReadAllBytes(ExtImages.Make(scratch, "disk", "2M", null, "-t", "ext4"));
        var disk = new ByteDisk(image);
        Ext4FileSystem.TryOpen(Volume.Whole(disk, ExtImages.Budget), out Ext4FileSystem? files).ShouldBe(VolumeError.None);
        disk.IsGone = true;
        files!.List("/lost+found", out _).ShouldBe(VolumeError.ReadFailed);
        Ext4FileSystem.TryOpen(Volume.Whole(disk, ExtImages.Budget), out _).ShouldBe(VolumeError.ReadFailed);
    }

    [Fact]
    public void OtherContentIsNotThisFileSystem()
    {
        ExtImages.TryOpen(new byte[4096], out _).ShouldBe(VolumeError.WrongKind);
        ExtImages.TryOpen(new byte[100], out _).ShouldBe(VolumeError.WrongKind);
    }

    [Fact]
    public void ABudgetThatIsSpentEndsTheReading()
    {
        using var scratch = new Scratch();
        string root = ExtImages.Populate(scratch, 10);
        byte[] image = File.ReadAllBytes(ExtImages.Make(scratch, "disk", "8M", root, "-t", "ext4"));
        Ext4FileSystem.TryOpen(Volume.Whole(new ByteDisk(image), new ReadBudget(100_000, 1 << 20)), out Ext4FileSystem? files).ShouldBe(VolumeError.None);
        files!.ReadFile("/bytes-300000", 1 << 20, out _).ShouldBe(VolumeError.OverBudget);
        Ext4FileSystem.TryOpen(Volume.Whole(new ByteDisk(image), new ReadBudget(10 << 20, 1000)), out files).ShouldBe(VolumeError.None);
        files!.ReadFile("/bytes-5000", 1 << 20, out _).ShouldBe(VolumeError.OverBudget);
        files.List("/many", out _).ShouldBe(VolumeError.OverBudget);
    }
}
