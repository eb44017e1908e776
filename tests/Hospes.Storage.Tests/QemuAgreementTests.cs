using System.Text.Json;
using Hospes.Storage.Qcow2;
using Hospes.Storage.Tests.Kit;

namespace Hospes.Storage.Tests;

/// <summary>Images that QEMU wrote are read here, and the other way round; both find the same in them.</summary>
public sealed class QemuAgreementTests
{
    [Theory]
    [InlineData("compat=0.10")]
    [InlineData("compat=1.1,cluster_size=512")]
    [InlineData("compat=1.1,cluster_size=2M")]
    [InlineData("compat=1.1,lazy_refcounts=on")]
    [InlineData("compat=1.1,refcount_bits=1")]
    [InlineData("compat=1.1,refcount_bits=64,cluster_size=4k")]
    [InlineData("compat=1.1,preallocation=metadata")]
    public void WhatQemuWroteReadsTheSameAndCanBeWrittenOn(string options)
    {
        using var scratch = new Scratch();
        scratch.QemuImg("create", "-f", "qcow2", "-o", options, "disk.qcow2", "20M");
        scratch.QemuIo("disk.qcow2", "write -P 1 0 100k", "write -P 2 3M 1234k", "write -z 3500k 64k", "discard 0 64k", "write -P 3 19M 1M");
        ShouldReadAsQemuReads(scratch, "disk.qcow2");
        using (IBlockImage image = scratch.Open("disk.qcow2"))
        {
            image.Put(1000, Bytes.Random(1, 300_000));
            image.WriteZeroes(19 << 20, 100_000, mayUnmap: true).ShouldBe(StorageError.None);
        }

        scratch.QemuFindsNothing("disk.qcow2");
        ShouldReadAsQemuReads(scratch, "disk.qcow2");
        scratch.QemuIo("disk.qcow2", "write -P 9 500 10k");
        ShouldReadAsQemuReads(scratch, "disk.qcow2");
    }

    [Theory]
    [InlineData("zlib", 65536)]
    [InlineData("zlib", 4096)]
    [InlineData("zstd", 65536)]
    public void CompressedClustersGoBothWays(string compression, int clusterSize)
    {
        using var scratch = new Scratch();
        byte[] disk = Text(3 << 20);
        disk.AsSpan(1 << 20, 500_000).Clear();
        Bytes.Random(3, 200_000).CopyTo(disk, 2 << 20);
        File.WriteAllBytes(scratch.At("disk.raw"), disk);
        scratch.QemuImg("convert", "-c", "-f", "raw", "-O", "qcow2", "-o", $"compression_type={compression},cluster_size={clusterSize}", "disk.raw", "qemu.qcow2");
        using (IBlockImage raw = scratch.Open("disk.raw", readOnly: true, ImageFormat.Raw))
        {
            var creation = new ImageCreation { ClusterSize = clusterSize, Compression = compression == "zstd" ? CompressionType.Zstd : CompressionType.Zlib };
            ImageConverter.TryConvert(raw, scratch.At("ours.qcow2"), creation, compress: true, null, default, out StorageFailure? failure).ShouldBeTrue(failure?.Message);
        }

        scratch.QemuFindsNothing("ours.qcow2");
        new FileInfo(scratch.At("ours.qcow2")).Length.ShouldBeLessThan(1_200_000);
        foreach (string name in (string[])["qemu.qcow2", "ours.qcow2"])
        {
            scratch.QemuImg("compare", "-f", "raw", "-F", "qcow2", "disk.raw", name);
            using (IBlockImage image = scratch.Open(name))
            {
                image.ReadAll().AsSpan().SequenceEqual(disk).ShouldBeTrue();
                // A write into a compressed cluster unpacks it into one of its own.
                image.Put(10_000, Bytes.Random(4, 5000));
            }

            ShouldCheckAsQemuChecks(scratch, name);
            ShouldReadAsQemuReads(scratch, name);
        }
    }

    [Fact]
    public void ChainsOfBackingFilesAreReadThrough()
    {
        using var scratch = new Scratch();
        Directory.CreateDirectory(scratch.At("base"));
        File.WriteAllBytes(scratch.At("base/bottom.raw"), Text(2 << 20));
        scratch.Create("base/middle.qcow2", new ImageCreation { Size = 3 << 20, Version = 2, BackingFile = "bottom.raw", BackingFormat = ImageFormat.Raw });
        scratch.QemuIo("base/middle.qcow2", "write -P 7 100k 100k", "write -P 8 2500k 10k");
        scratch.Create("top.qcow2", new ImageCreation { BackingFile = "base/middle.qcow2", BackingFormat = ImageFormat.Qcow2, ClusterSize = 4096 });
        using (IBlockImage image = scratch.Open("top.qcow2"))
        {
            image.Size.ShouldBe(3 << 20);
            image.Put(150_000, Bytes.Random(1, 70_000));
            image.Discard(0, 65536).ShouldBe(StorageError.None);
            image.Resize(5 << 20).ShouldBe(StorageError.None);
        }

        ShouldReadAsQemuReads(scratch, "top.qcow2");
        scratch.QemuFindsNothing("top.qcow2");
        scratch.QemuImg("commit", "-f", "qcow2", "top.qcow2");
        ShouldReadAsQemuReads(scratch, "base/middle.qcow2");
    }

    [Theory]
    [InlineData("compat=1.1")]
    [InlineData("compat=0.10,cluster_size=1k")]
    [InlineData("compat=1.1,cluster_size=4k,refcount_bits=8")]
    public void SnapshotsKeepWhatTheyHold(string options)
    {
        using var scratch = new Scratch();
        scratch.QemuImg("create", "-f", "qcow2", "-o", options, "disk.qcow2", "8M");
        scratch.QemuIo("disk.qcow2", "write -P 5 0 3M", "write -P 6 7M 100k");
        scratch.QemuImg("snapshot", "-c", "before", "disk.qcow2");
        byte[] before;
        using (IBlockImage image = scratch.Open("disk.qcow2"))
        {
            before = image.ReadAll();
            image.Put(100_000, Bytes.Random(1, 1_000_000));
            image.Discard(2 << 20, 1 << 20).ShouldBe(StorageError.None);
            image.Resize(4 << 20).ShouldBe(StorageError.Unsupported);
        }

        scratch.QemuFindsNothing("disk.qcow2");
        ShouldReadAsQemuReads(scratch, "disk.qcow2");
        ImageInspector.TryRead(scratch.At("disk.qcow2"), null, false, out ImageInfo? info, out _).ShouldBeTrue();
        SnapshotInfo snapshot = info!.Qcow2!.Snapshots.ShouldHaveSingleItem();
        snapshot.Name.ShouldBe("before");
        snapshot.Id.ShouldBe("1");
        snapshot.DiskSize.ShouldBe(8 << 20);
        (DateTimeOffset.UtcNow - snapshot.Taken).Duration().ShouldBeLessThan(TimeSpan.FromHours(1));
        scratch.QemuImg("snapshot", "-a", "before", "disk.qcow2");
        using (IBlockImage image = scratch.Open("disk.qcow2", readOnly: true)) image.ReadAll().AsSpan().SequenceEqual(before).ShouldBeTrue();
        scratch.QemuImg("snapshot", "-d", "before", "disk.qcow2");
        ShouldCheckAsQemuChecks(scratch, "disk.qcow2");
    }

    [Theory]
    [InlineData(Preallocation.Metadata, 65536)]
    [InlineData(Preallocation.Metadata, 512)]
    [InlineData(Preallocation.Falloc, 65536)]
    public void ImagesLaidOutInAdvanceAreSound(Preallocation preallocation, int clusterSize)
    {
        using var scratch = new Scratch();
        scratch.Create("disk.qcow2", new ImageCreation { Size = 10 << 20, Preallocation = preallocation, ClusterSize = clusterSize });
        ShouldCheckAsQemuChecks(scratch, "disk.qcow2");
        ImageInspector.TryCheck(scratch.At("disk.qcow2"), null, RepairMode.None, null, default, out Qcow2CheckResult? result, out _).ShouldBeTrue();
        result!.AllocatedClusters.ShouldBe(result.TotalClusters);
        using IBlockImage image = scratch.Open("disk.qcow2");
        image.ReadAll().AsSpan().IndexOfAnyExcept((byte)0).ShouldBe(-1);
    }

    [Theory]
    [InlineData(3, 65536, 16, false)]
    [InlineData(3, 512, 1, true)]
    [InlineData(2, 4096, 16, false)]
    public void QemuReadsOurHeaderAsWeMeantIt(int version, int clusterSize, int refcountBits, bool lazy)
    {
        using var scratch = new Scratch();
        scratch.Create("disk.qcow2", new ImageCreation { Size = 1 << 30, Version = version, ClusterSize = clusterSize, RefcountBits = refcountBits, LazyRefcounts = lazy });
        using JsonDocument info = JsonDocument.Parse(scratch.QemuImg("info", "--output=json", "disk.qcow2"));
        JsonElement root = info.RootElement, data = root.GetProperty("format-specific").GetProperty("data");
        root.GetProperty("virtual-size").GetInt64().ShouldBe(1 << 30);
        root.GetProperty("cluster-size").GetInt32().ShouldBe(clusterSize);
        data.GetProperty("compat").GetString().ShouldBe(version == 2 ? "0.10" : "1.1");
        data.GetProperty("refcount-bits").GetInt32().ShouldBe(refcountBits);
        if (version == 3) data.GetProperty("lazy-refcounts").GetBoolean().ShouldBe(lazy);
        ShouldCheckAsQemuChecks(scratch, "disk.qcow2");
    }

    [Fact]
    public void BitmapsOfQemuAreCountedUntilAWriteMakesThemStale()
    {
        using var scratch = new Scratch();
        scratch.QemuImg("create", "-f", "qcow2", "disk.qcow2", "64M");
        scratch.QemuImg("bitmap", "--add", "disk.qcow2", "changes");
        scratch.QemuIo("disk.qcow2", "write 0 1M");
        ShouldCheckAsQemuChecks(scratch, "disk.qcow2");
        using (IBlockImage image = scratch.Open("disk.qcow2")) image.Put(5 << 20, new byte[100]);
        // The bitmap's clusters are leaks now, for QEMU too.
        ImageInspector.TryCheck(scratch.At("disk.qcow2"), null, RepairMode.Leaks, null, default, out Qcow2CheckResult? result, out _).ShouldBeTrue();
        result!.LeaksFixed.ShouldBeGreaterThan(0);
        result.Corruptions.ShouldBe(0);
        scratch.QemuFindsNothing("disk.qcow2");
    }

    internal static void ShouldReadAsQemuReads(Scratch scratch, string name)
    {
        File.Delete(scratch.At("qemu.raw"));
        scratch.QemuImg("convert", "-f", "qcow2", "-O", "raw", name, "qemu.raw");
        using IBlockImage image = scratch.Open(name, readOnly: true), qemu = scratch.Open("qemu.raw", readOnly: true, ImageFormat.Raw);
        ImageComparer.Compare(image, qemu, strict: true, null, default, out ImageComparison comparison).ShouldBe(StorageError.None);
        comparison.ShouldBe(new ImageComparison(true, false, null));
    }

    /// <summary>Both find nothing wrong and the same numbers.</summary>
    internal static void ShouldCheckAsQemuChecks(Scratch scratch, string name)
    {
        using JsonDocument qemu = JsonDocument.Parse(scratch.QemuImg("check", "--output=json", "-f", "qcow2", name));
        ImageInspector.TryCheck(scratch.At(name), ImageFormat.Qcow2, RepairMode.None, null, default, out Qcow2CheckResult? result, out StorageFailure? failure).ShouldBeTrue(failure?.Message);
        (result!.Corruptions, result.Leaks, result.CheckErrors).ShouldBe((0, 0, 0), string.Join('\n', result.Findings));
        JsonElement root = qemu.RootElement;
        result.ImageEndOffset.ShouldBe(Number("image-end-offset"));
        result.TotalClusters.ShouldBe(Number("total-clusters"));
        result.AllocatedClusters.ShouldBe(Number("allocated-clusters"));
        result.FragmentedClusters.ShouldBe(Number("fragmented-clusters"));
        result.CompressedClusters.ShouldBe(Number("compressed-clusters"));

        long Number(string property) => root.TryGetProperty(property, out JsonElement value) ? value.GetInt64() : 0;
    }

    /// <summary>Bytes that compress as text does.</summary>
    internal static byte[] Text(int length)
    {
        byte[] bytes = new byte[length];
        string[] words = ["guest", "host", "cluster", "table", "count", "\n", " of the "];
        var random = new Random(1);
        for (int at = 0; at < length;)
        {
            foreach (char letter in words[random.Next(words.Length)])
            {
                if (at < length) bytes[at++] = (byte)letter;
            }
        }

        return bytes;
    }
}
