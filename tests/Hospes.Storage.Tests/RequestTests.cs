using Hospes.Storage.Qcow2;
using Hospes.Storage.Tests.Kit;

namespace Hospes.Storage.Tests;

/// <summary>What a device sees of an image: no garbage made, many requests at once, a full or vanished disk.</summary>
public sealed class RequestTests
{
    [Theory]
    [InlineData(ImageFormat.Raw)]
    [InlineData(ImageFormat.Qcow2)]
    public void RequestsAllocateNothing(ImageFormat format)
    {
        using var scratch = new Scratch();
        scratch.Create("disk", new ImageCreation { Format = format, Size = 16 << 20 });
        using IBlockImage image = scratch.Open("disk", format: format);
        byte[] buffer = Bytes.Random(1, 64 << 10);
        for (int at = 0; at < 16 << 20; at += buffer.Length) image.Put(at, buffer);
        image.Flush().ShouldBe(StorageError.None);
        // The runtime itself allocates while it settles, now and then: what requests allocate shows in every run.
        long least = long.MaxValue;
        for (int run = 0; run < 5; run++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            Work(1000);
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        least.ShouldBe(0);

        void Work(int rounds)
        {
            for (int i = 0; i < rounds; i++)
            {
                long offset = (i * 7919L * 512) % ((16 << 20) - buffer.Length);
                if (image.Read(offset, buffer) != StorageError.None) throw new InvalidOperationException("read");
                if (image.Write(offset, buffer.AsSpan(0, 4096)) != StorageError.None) throw new InvalidOperationException("write");
                if (i % 100 == 0 && image.Flush() != StorageError.None) throw new InvalidOperationException("flush");
            }
        }
    }

    [Theory]
    [InlineData(512, 3)]
    [InlineData(65536, 3)]
    [InlineData(4096, 2)]
    public void RequestsOfSeveralThreadsKeepToTheirOwnBytes(int clusterSize, int version)
    {
        const int threads = 4, share = 512 << 10;
        using var scratch = new Scratch();
        scratch.Create("disk.qcow2", new ImageCreation { Size = threads * share, ClusterSize = clusterSize, Version = version });
        byte[][] models = new byte[threads][];
        using (IBlockImage image = scratch.Open("disk.qcow2", cacheBytes: 16 << 10))
        {
            // Shares that interleave every 3,000 bytes: threads meet in clusters and tables.
            Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, thread =>
            {
                byte[] model = models[thread] = new byte[share];
                var random = new Random(thread);
                for (int i = 0; i < 400; i++)
                {
                    int start = random.Next(share - 3000) / 3000 * 3000, length = random.Next(1, 3000);
                    long place = ((long)start * threads) + (thread * 3000);
                    if (place + length > threads * share) continue;
                    byte[] data = new byte[length];
                    StorageError error = StorageError.None;
                    switch (random.Next(5))
                    {
                        case 0:
                            error = image.WriteZeroes(place, length, mayUnmap: true);
                            model.AsSpan(start, length).Clear();
                            break;
                        case 1:
                            error = image.Read(place, data);
                            data.AsSpan().SequenceEqual(model.AsSpan(start, length)).ShouldBeTrue();
                            break;
                        case 2 when i % 20 == 0:
                            error = image.Flush();
                            break;
                        default:
                            random.NextBytes(data);
                            error = image.Write(place, data);
                            data.CopyTo(model, start);
                            break;
                    }

                    error.ShouldBe(StorageError.None);
                }
            });
        }

        scratch.QemuFindsNothing("disk.qcow2");
        using IBlockImage again = scratch.Open("disk.qcow2", readOnly: true);
        for (int thread = 0; thread < threads; thread++)
        {
            for (int start = 0; start + 3000 <= share; start += 3000)
            {
                long place = ((long)start * threads) + (thread * 3000);
                if (place + 3000 > threads * share) break;
                byte[] data = new byte[3000];
                again.Read(place, data).ShouldBe(StorageError.None);
                data.AsSpan().SequenceEqual(models[thread].AsSpan(start, 3000)).ShouldBeTrue();
            }
        }
    }

    [Theory]
    [InlineData(512)]
    [InlineData(4096)]
    [InlineData(65536)]
    public void AFullDiskIsAnErrorThatTheImageSurvives(int clusterSize)
    {
        var file = new MemoryFile([]) { Room = 900_000 };
        Qcow2Image image = Make(file, clusterSize, 4 << 20);
        byte[] data = Bytes.Random(1, 60_000);
        int written = 0;
        while (image.Write(written * (long)data.Length, data) == StorageError.None) written++;
        written.ShouldBeGreaterThan(5);
        image.Write((written + 1) * (long)data.Length, data).ShouldBe(StorageError.NoSpace);
        byte[] read = new byte[data.Length];
        image.Read((written - 1) * (long)data.Length, read).ShouldBe(StorageError.None);
        read.AsSpan().SequenceEqual(data).ShouldBeTrue();
        // The host has space again: everything goes on.
        file.Room = 10 << 20;
        image.Write(written * (long)data.Length, data).ShouldBe(StorageError.None);
        image.Flush().ShouldBe(StorageError.None);
        image.Dispose();
        ShouldBeSound(file);
    }

    [Fact]
    public void AVanishedFileIsAnErrorAndNothingElse()
    {
        var file = new MemoryFile([]);
        Qcow2Image image = Make(file, 4096, 4 << 20);
        image.Put(0, new byte[10_000]);
        image.Flush().ShouldBe(StorageError.None);
        file.Gone = true;
        image.Write(1 << 20, new byte[10]).ShouldBe(StorageError.IoError);
        image.Read(0, new byte[10]).ShouldBe(StorageError.IoError);
        image.Flush().ShouldBe(StorageError.IoError);
        image.WriteZeroes(0, 8192, true).ShouldNotBe(StorageError.NoSpace);
        image.Dispose();
    }

    [Fact]
    public void AGrownAndShrunkDiskGivesSpaceBack()
    {
        using var scratch = new Scratch();
        scratch.Create("disk.qcow2", new ImageCreation { Size = 0 });
        using (IBlockImage image = scratch.Open("disk.qcow2"))
        {
            image.Size.ShouldBe(0);
            image.Resize(1L << 40).ShouldBe(StorageError.None);
            image.Put((1L << 40) - 1_000_000, Bytes.Random(1, 1_000_000));
            image.Resize(8 << 20).ShouldBe(StorageError.None);
            image.ReadAll().AsSpan().IndexOfAnyExcept((byte)0).ShouldBe(-1);
            image.Resize(1L << 41).ShouldBe(StorageError.None);
            byte[] gained = new byte[1_000_000];
            image.Read((1L << 40) - gained.Length, gained).ShouldBe(StorageError.None);
            gained.AsSpan().IndexOfAnyExcept((byte)0).ShouldBe(-1);
            image.Resize(long.MaxValue).ShouldBe(StorageError.BadSetting);
        }

        scratch.QemuFindsNothing("disk.qcow2");
        new FileInfo(scratch.At("disk.qcow2")).Length.ShouldBeLessThan(2 << 20);
    }

    private static Qcow2Image Make(MemoryFile file, int clusterSize, long size)
    {
        Qcow2Creator.Write(file, new ImageCreation { ClusterSize = clusterSize }).ShouldBe(StorageError.None);
        Qcow2Header header = Qcow2Header.TryRead(file, file.Content.Length, out _).ShouldNotBeNull();
        Qcow2Image.TryOpen(file, header, null, new Qcow2Settings(16384, 16384), out Qcow2Image? image).ShouldBeNull();
        image!.Resize(size).ShouldBe(StorageError.None);
        return image;
    }

    private static void ShouldBeSound(MemoryFile file)
    {
        Qcow2Header header = Qcow2Header.TryRead(file, file.Content.Length, out _).ShouldNotBeNull();
        Qcow2CheckResult result = Qcow2Repair.Run(file, header, RepairMode.None, null, default, out _);
        (result.Corruptions, result.CheckErrors).ShouldBe((0, 0), string.Join('\n', result.Findings));
    }
}
