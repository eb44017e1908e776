using Hospes.Storage.Tests.Kit;

namespace Hospes.Storage.Tests;

/// <summary>Random requests beside a plain array of bytes, reopened in between; QEMU finds nothing wrong at the end and reads the same.</summary>
public sealed class ModelTests
{
    private const int Size = (3 << 20) + 1234;

    public static TheoryData<ImageCreation, bool, int> Cases()
    {
        var data = new TheoryData<ImageCreation, bool, int>();
        int seed = 0;
        foreach (bool backing in (bool[])[false, true])
        {
            foreach (int clusterSize in (int[])[512, 4096, 65536, 2 << 20])
            {
                data.Add(new ImageCreation { Size = Size, ClusterSize = clusterSize }, backing, ++seed);
                data.Add(new ImageCreation { Size = Size, ClusterSize = clusterSize, Version = 2 }, backing, ++seed);
            }

            foreach (int bits in (int[])[1, 2, 4, 8, 32, 64]) data.Add(new ImageCreation { Size = Size, ClusterSize = 1024, RefcountBits = bits, LazyRefcounts = bits == 8 }, backing, ++seed);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void RequestsDoWhatAnArrayDoes(ImageCreation creation, bool backing, int seed)
    {
        using var scratch = new Scratch();
        byte[] model = new byte[Size];
        if (backing)
        {
            byte[] below = Bytes.Random(seed, 2 << 20);
            File.WriteAllBytes(scratch.At("below.raw"), below);
            below.CopyTo(model, 0);
            creation = creation with { BackingFile = "below.raw", BackingFormat = ImageFormat.Raw };
        }

        scratch.Create("disk.qcow2", creation);
        var random = new Random(seed);
        for (int session = 0; session < 4; session++)
        {
            using IBlockImage image = scratch.Open("disk.qcow2", cacheBytes: 16 << 10);
            for (int i = 0; i < 60; i++) Step(image, ref model, random);
            image.ReadAll().AsSpan().SequenceEqual(model).ShouldBeTrue();
        }

        scratch.QemuFindsNothing("disk.qcow2");
        scratch.QemuImg("convert", "-f", "qcow2", "-O", "raw", "disk.qcow2", "qemu.raw");
        // QEMU's disks end on a sector.
        byte[] qemu = File.ReadAllBytes(scratch.At("qemu.raw"));
        (qemu.Length / 512).ShouldBe(model.Length / 512);
        qemu.AsSpan().CommonPrefixLength(model).ShouldBe(Math.Min(qemu.Length, model.Length));
    }

    internal static void Step(IBlockImage image, ref byte[] model, Random random)
    {
        int length = random.Next(4) switch { 0 => random.Next(1, 300), 1 => random.Next(1, 5000), 2 => 4096, _ => random.Next(1, 200_000) };
        length = Math.Min(length, model.Length);
        int offset = random.Next(model.Length - length + 1);
        if (random.Next(2) == 0) offset &= ~4095;
        switch (random.Next(12))
        {
            case < 5:
                byte[] data = new byte[length];
                random.NextBytes(data);
                image.Put(offset, data);
                data.CopyTo(model, offset);
                break;
            case 5 or 6:
                image.WriteZeroes(offset, length, random.Next(2) == 0).ShouldBe(StorageError.None);
                model.AsSpan(offset, length).Clear();
                break;
            case 7:
                image.Discard(offset, length).ShouldBe(StorageError.None);
                byte[] left = new byte[length];
                image.Read(offset, left).ShouldBe(StorageError.None);
                for (int i = 0; i < length; i++) (left[i] == 0 || left[i] == model[offset + i]).ShouldBeTrue();
                left.CopyTo(model, offset);
                break;
            case 8:
                image.Flush().ShouldBe(StorageError.None);
                break;
            case 9 when random.Next(3) == 0:
                int size = random.Next(1 << 20, 5 << 20);
                image.Resize(size).ShouldBe(StorageError.None);
                Array.Resize(ref model, size);
                break;
            default:
                byte[] read = new byte[length];
                image.Read(offset, read).ShouldBe(StorageError.None);
                read.AsSpan().SequenceEqual(model.AsSpan(offset, length)).ShouldBeTrue();
                break;
        }
    }
}
