using Hospes.Storage.Qcow2;
using Hospes.Storage.Tests.Kit;

namespace Hospes.Storage.Tests;

/// <summary>An image is cut off between any two writes: what is left is consistent but for leaked clusters, and holds what was flushed.</summary>
public sealed class CrashTests
{
    private const int Size = 300_000;

    [Theory]
    [InlineData(512, 3, 4, false)]
    [InlineData(1024, 2, 4, false)]
    [InlineData(512, 3, 6, false)]
    [InlineData(4096, 3, 0, false)]
    [InlineData(1024, 3, 4, true)]
    public void AKillAfterAnyWriteLeavesLeaksAtMost(int clusterSize, int version, int order, bool lazy)
    {
        byte[] empty = Empty(clusterSize, version, order, lazy);
        for (int changes = 0; changes < 400; changes += 1 + (changes / 40))
        {
            var file = new MemoryFile(empty) { ChangesLeft = changes };
            byte[] flushed = Use(file, seed: 7);
            ShouldBeSoundWithFlushed(file.Content, flushed, lazy);
        }
    }

    [Theory]
    [InlineData(512, false)]
    [InlineData(4096, false)]
    [InlineData(1024, true)]
    public void APowerCutLeavesLeaksAtMost(int clusterSize, bool lazy)
    {
        byte[] empty = Empty(clusterSize, 3, 4, lazy);
        var random = new Random(5);
        for (int changes = 0; changes < 600; changes += 1 + random.Next(12))
        {
            var file = new MemoryFile(empty) { ChangesLeft = changes, Remembers = true };
            byte[] flushed = Use(file, seed: changes % 5);
            for (int cut = 0; cut < 3; cut++) ShouldBeSoundWithFlushed(file.PowerCut(random), flushed, lazy);
        }
    }

    /// <summary>With clusters of 512 bytes and counts of 64 bits, the table of blocks is too short from 2 MiB on.</summary>
    [Fact]
    public void AKillWhileTheTablesGrowLeavesLeaksAtMost()
    {
        byte[] empty = Empty(512, 3, 6, lazy: false);
        var whole = new MemoryFile(empty) { Remembers = true };
        Fill(whole);
        whole.Content.Length.ShouldBeGreaterThan(3 << 20);
        var random = new Random(1);
        for (int changes = whole.Changes - 1; changes > 0; changes -= random.Next(1, 100))
        {
            var file = new MemoryFile(empty) { ChangesLeft = changes, Remembers = true };
            Fill(file);
            ShouldBeSound(file.Content, lazy: false);
            ShouldBeSound(file.PowerCut(random), lazy: false);
        }

        static void Fill(MemoryFile file)
        {
            if (!TryOpen(file, out Qcow2Image? image)) return;
            using (image)
            {
                if (image!.Resize(3 << 20) != StorageError.None) return;
                byte[] data = Bytes.Random(1, 100_000);
                for (int at = 0; at < (3 << 20) - data.Length; at += data.Length)
                {
                    _ = image.Write(at, data);
                    if (at % 3 == 0) _ = image.Flush();
                }

                _ = image.Resize(1 << 20);
            }
        }
    }

    [Fact]
    public void AnImageWithLazyCountsIsCountedAnewAfterAKill()
    {
        using var scratch = new Scratch();
        scratch.Create("disk.qcow2", new ImageCreation { Size = 1 << 20, ClusterSize = 1024, LazyRefcounts = true });
        byte[] data = Bytes.Random(1, 300_000);
        using (IBlockImage image = scratch.Open("disk.qcow2"))
        {
            image.Put(1000, data);
            image.Flush().ShouldBe(StorageError.None);
            File.Copy(scratch.At("disk.qcow2"), scratch.At("killed.qcow2"));
        }

        scratch.QemuFindsNothing("disk.qcow2");
        ImageInspector.TryRead(scratch.At("killed.qcow2"), null, false, out ImageInfo? info, out _).ShouldBeTrue();
        info!.Qcow2!.Dirty.ShouldBeTrue();
        using (IBlockImage image = scratch.Open("killed.qcow2", readOnly: true)) image.ReadAll().AsSpan(1000, data.Length).SequenceEqual(data).ShouldBeTrue();
        using (IBlockImage image = scratch.Open("killed.qcow2"))
        {
            image.ReadAll().AsSpan(1000, data.Length).SequenceEqual(data).ShouldBeTrue();
            image.Put(700_000, data.AsSpan(0, 100_000).ToArray());
        }

        scratch.QemuFindsNothing("killed.qcow2");
    }

    /// <summary>Works on an image until its file is gone, and gives the disk's content as it was flushed last; bytes that changed since are masked by a second half.</summary>
    private static byte[] Use(MemoryFile file, int seed)
    {
        var random = new Random(seed);
        byte[] model = new byte[Size], flushed = new byte[Size], unsure = new byte[Size];
        if (!TryOpen(file, out Qcow2Image? image)) return [.. flushed, .. unsure];
        using (image)
        {
            for (int i = 0; i < 60; i++)
            {
                int length = random.Next(1, 20_000), offset = random.Next(Size - length);
                StorageError error;
                switch (random.Next(6))
                {
                    case 0:
                        error = image!.WriteZeroes(offset, length, mayUnmap: true);
                        model.AsSpan(offset, length).Clear();
                        unsure.AsSpan(offset, length).Fill(1);
                        break;
                    case 1:
                        error = image!.Flush();
                        if (error == StorageError.None)
                        {
                            model.CopyTo(flushed, 0);
                            unsure.AsSpan().Clear();
                        }

                        break;
                    default:
                        byte[] data = Bytes.Random(i, length);
                        error = image!.Write(offset, data);
                        data.CopyTo(model, offset);
                        unsure.AsSpan(offset, length).Fill(1);
                        break;
                }

                if (error != StorageError.None) error.ShouldBe(StorageError.IoError);
            }
        }

        return [.. flushed, .. unsure];
    }

    private static MemoryFile ShouldBeSound(byte[] content, bool lazy)
    {
        var file = new MemoryFile(content);
        Qcow2Header? header = Qcow2Header.TryRead(file, content.Length, out StorageFailure? failure);
        header.ShouldNotBeNull(failure?.Message);
        Qcow2CheckResult result = Qcow2Repair.Run(file, header, RepairMode.None, null, default, out failure);
        failure.ShouldBeNull();
        if (!(lazy && header.IsDirty)) (result.Corruptions, result.CheckErrors).ShouldBe((0, 0), string.Join('\n', result.Findings));
        return file;
    }

    private static void ShouldBeSoundWithFlushed(byte[] content, byte[] flushed, bool lazy)
    {
        MemoryFile file = ShouldBeSound(content, lazy);
        TryOpen(file, out Qcow2Image? image).ShouldBeTrue();
        using (image)
        {
            byte[] disk = image!.ReadAll();
            for (int i = 0; i < Size; i++)
            {
                if (flushed[Size + i] == 0 && disk[i] != flushed[i]) throw new Xunit.Sdk.XunitException($"byte {i} was flushed as {flushed[i]} and is {disk[i]}");
            }
        }
    }

    private static bool TryOpen(MemoryFile file, out Qcow2Image? image)
    {
        image = null;
        if (file.Length(out long length) != StorageError.None || Qcow2Header.TryRead(file, length, out _) is not { } header) return false;
        return Qcow2Image.TryOpen(file, header, null, new Qcow2Settings(8192, 8192), out image) is null;
    }

    private static byte[] Empty(int clusterSize, int version, int order, bool lazy)
    {
        var file = new MemoryFile([]);
        Qcow2Creator.Write(file, new ImageCreation { ClusterSize = clusterSize, Version = version, RefcountBits = 1 << order, LazyRefcounts = lazy }).ShouldBe(StorageError.None);
        TryOpen(file, out Qcow2Image? image).ShouldBeTrue();
        image!.Resize(Size).ShouldBe(StorageError.None);
        image.Dispose();
        return file.Content;
    }
}
