using Hospes.Storage.Ext4;
using Hospes.Storage.Tests.Kit;
using Hospes.Storage.Volumes;

namespace Hospes.Storage.Tests.Volumes;

/// <summary>File systems whose journal was not replayed, made with debugfs: the reader sees what e2fsck would make of them.</summary>
public sealed class JournalTests
{
    private const int BlockSize = 1024;

    /// <summary>The journal's own mark, which a block may begin with only in disguise.</summary>
    private static readonly byte[] s_mark = [0xC0, 0x3B, 0x39, 0x98];

    [Theory]
    [InlineData("-t ext3", "jo")]
    [InlineData("-t ext4 -O ^metadata_csum,^64bit", "jo")]
    [InlineData("-t ext4 -O ^metadata_csum,64bit", "jo")]
    [InlineData("-t ext4 -O ^64bit", "jo -c -v 2")]
    [InlineData("-t ext4 -O 64bit", "jo -c -v 2")]
    [InlineData("-t ext4 -O 64bit", "jo -c -v 3")]
    [InlineData("-t ext4 -O ^64bit", "jo -c -v 3")]
    public void FilesThatOnlyTheJournalHasAreThere(string options, string open)
    {
        using var scratch = new Scratch();
        string image = Changed(scratch, options, open);
        byte[] disk = File.ReadAllBytes(image);
        Ext4FileSystem files = ExtImages.Open(disk);
        files.Names("/").ShouldBe(["lost+found", "new", "old", "second"]);
        files.Read("/new").AsSpan().SequenceEqual([.. s_mark, .. Bytes.Random(3, 5000)]).ShouldBeTrue();
        files.Read("/second").ShouldBe([]);
        // The disk itself is as it was: the journal was replayed in memory only.
        disk.AsSpan().SequenceEqual(File.ReadAllBytes(image)).ShouldBeTrue();
        scratch.Run("sh", 0, "-c", $"e2fsck -fy -E journal_only {image} || [ $? = 1 ]");
        Ext4FileSystem replayed = ExtImages.Open(File.ReadAllBytes(image));
        replayed.Names("/").ShouldBe(files.Names("/"));
        replayed.Read("/new").AsSpan().SequenceEqual(files.Read("/new")).ShouldBeTrue();
    }

    [Theory]
    [InlineData("jo")]
    [InlineData("jo -c -v 3")]
    public void RevokedBlocksKeepWhatTheDiskHas(string open)
    {
        using var scratch = new Scratch();
        (string image, long block) = WithFile(scratch);
        File.WriteAllBytes(scratch.At("stale"), Bytes.Random(7, BlockSize));
        ExtImages.Debug(scratch, image, open, $"jw -b {block} {scratch.At("stale")}", $"jw -r {block}", "jc");
        ExtImages.Open(File.ReadAllBytes(image)).Read("/file").AsSpan().SequenceEqual(Bytes.Random(5, BlockSize)).ShouldBeTrue();
    }

    [Theory]
    [InlineData("jo")]
    [InlineData("jo -c -v 3")]
    public void WhatIsWrittenAfterItWasRevokedCounts(string open)
    {
        using var scratch = new Scratch();
        (string image, long block) = WithFile(scratch);
        File.WriteAllBytes(scratch.At("fresh"), Bytes.Random(8, BlockSize));
        ExtImages.Debug(scratch, image, open, $"jw -r {block}", $"jw -b {block} {scratch.At("fresh")}", "jc");
        ExtImages.Open(File.ReadAllBytes(image)).Read("/file").AsSpan().SequenceEqual(Bytes.Random(8, BlockSize)).ShouldBeTrue();
    }

    [Fact]
    public void ATransactionWithoutItsCommitDoesNotCount()
    {
        using var scratch = new Scratch();
        (string image, long block) = WithFile(scratch);
        File.WriteAllBytes(scratch.At("half"), Bytes.Random(9, BlockSize));
        ExtImages.Debug(scratch, image, "jo", $"jw -b {block} -c {scratch.At("half")}", "jc");
        ExtImages.Open(File.ReadAllBytes(image)).Read("/file").AsSpan().SequenceEqual(Bytes.Random(5, BlockSize)).ShouldBeTrue();
    }

    [Fact]
    public void ACopyWithAWrongChecksumIsCorruptAndOthersAreNot()
    {
        using var scratch = new Scratch();
        (string image, long block) = WithFile(scratch);
        byte[] copy = Bytes.Random(10, BlockSize);
        File.WriteAllBytes(scratch.At("copy"), copy);
        ExtImages.Debug(scratch, image, "jo -c -v 3", $"jw -b {block} {scratch.At("copy")}", "jc");
        byte[] disk = File.ReadAllBytes(image);
        int at = disk.AsSpan().IndexOf(copy);
        disk[at + 500] ^= 1;
        Ext4FileSystem files = ExtImages.Open(disk);
        files.ReadFile("/file", 1 << 20, out _).ShouldBe(VolumeError.Corrupt);
        files.Names("/").ShouldBe(["file", "lost+found"]);
    }

    [Fact]
    public void AJournalOfAnotherDiskIsRefused()
    {
        using var scratch = new Scratch();
        (string image, _) = WithFile(scratch);
        ExtImages.Debug(scratch, image, "feature ^metadata_csum needs_recovery", "set_super_value journal_inum 0");
        ExtImages.TryOpen(File.ReadAllBytes(image), out _).ShouldBe(VolumeError.Unsupported);
    }

    /// <summary>A file system with one file of one block of its own.</summary>
    private static (string Image, long Block) WithFile(Scratch scratch)
    {
        string image = ExtImages.Make(scratch, "disk", "4M", null, "-t", "ext4", "-b", "1024");
        File.WriteAllBytes(scratch.At("content"), Bytes.Random(5, BlockSize));
        ExtImages.Debug(scratch, image, $"write {scratch.At("content")} file");
        string block = scratch.Run("debugfs", 0, "-R", "blocks /file", image).Split('\n').First(static line => line.Length > 0 && char.IsAsciiDigit(line[0]));
        return (image, long.Parse(block, System.Globalization.CultureInfo.InvariantCulture));
    }

    /// <summary>A file system on whose disk a file is missing that its journal has: the difference of two states goes into the journal.</summary>
    private static string Changed(Scratch scratch, string options, string open)
    {
        string image = ExtImages.Make(scratch, "disk", "4M", null, [.. options.Split(' '), "-b", "1024"]);
        File.WriteAllText(scratch.At("old"), "old");
        ExtImages.Debug(scratch, image, $"write {scratch.At("old")} old");
        byte[] before = File.ReadAllBytes(image);
        File.WriteAllBytes(scratch.At("new"), [.. s_mark, .. Bytes.Random(3, 5000)]);
        File.WriteAllBytes(scratch.At("second"), []);
        ExtImages.Debug(scratch, image, $"write {scratch.At("new")} new", $"write {scratch.At("second")} second");
        byte[] after = File.ReadAllBytes(image);
        File.WriteAllBytes(image, before);
        var blocks = new List<int>();
        using (FileStream changes = File.Create(scratch.At("changes")))
        {
            for (int i = 2; i < before.Length / BlockSize; i++)
            {
                if (before.AsSpan(i * BlockSize, BlockSize).SequenceEqual(after.AsSpan(i * BlockSize, BlockSize))) continue;
                blocks.Add(i);
                changes.Write(after, i * BlockSize, BlockSize);
            }
        }

        ExtImages.Debug(scratch, image, open, $"jw -b {string.Join(',', blocks)} {scratch.At("changes")}", "jc");
        ExtImages.TryOpen(before, out Ext4FileSystem? files).ShouldBe(VolumeError.None);
        files!.Names("/").ShouldBe(["lost+found", "old"]);
        return image;
    }
}
