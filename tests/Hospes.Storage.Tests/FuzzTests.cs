using System.Buffers.Binary;
using Hospes.Storage.Qcow2;
using Hospes.Storage.Tests.Kit;

namespace Hospes.Storage.Tests;

/// <summary>Damaged and forged images: every answer is a value, nothing hangs, no write goes over the tables that a guest must not reach.</summary>
public sealed class FuzzTests
{
    /// <summary>More than a forged image of a few KiB may make of its file.</summary>
    private const int Room = 8 << 20;

    /// <summary>Mutated images; <c>HOSPES_FUZZ_IMAGES</c> asks for another number.</summary>
    private static int Images => Number("HOSPES_FUZZ_IMAGES", 20_000);

    /// <summary>The first of them; <c>HOSPES_FUZZ_FIRST</c> goes straight to one.</summary>
    private static int First => Number("HOSPES_FUZZ_FIRST", 0);

    private static readonly Lazy<byte[][]> Seeds = new(MakeSeeds);

    [Fact]
    public void MutatedImagesAreRefusedOrUsedWithinTheirFile()
    {
        long before = GC.GetAllocatedBytesForCurrentThread();
        int opened = 0, checkedImages = 0;
        for (int i = First; i < First + Images; i++)
        {
            try
            {
                (bool open, bool check) = One(i);
                opened += open ? 1 : 0;
                checkedImages += check ? 1 : 0;
            }
            catch (Exception fault)
            {
                throw new Xunit.Sdk.XunitException($"image {i}: {fault}");
            }
        }

        // The mutations must leave enough to work on, or they test only the header.
        opened.ShouldBeGreaterThan(Images / 20);
        checkedImages.ShouldBeGreaterThan(Images / 20);
        ((GC.GetAllocatedBytesForCurrentThread() - before) / Images).ShouldBeLessThan(16 << 20);
    }

    private static int Number(string variable, int whenAbsent) => int.TryParse(Environment.GetEnvironmentVariable(variable), out int number) ? number : whenAbsent;

    private static (bool Opened, bool Checked) One(int number)
    {
        var random = new Random(number);
        byte[] image = (byte[])Seeds.Value[random.Next(Seeds.Value.Length)].Clone();
        Mutate(image, random);
        var file = new MemoryFile(image) { Room = Room };
        bool whole = false;
        if (Qcow2Header.TryRead(file, image.Length, out _) is { } header)
        {
            Qcow2CheckResult result = Qcow2Repair.Run(file, header, RepairMode.None, null, default, out StorageFailure? failure);
            whole = failure is null;
            _ = result.Findings.Count;
            if (random.Next(4) == 0) _ = Qcow2Repair.Run(new MemoryFile(image) { Room = Room }, Qcow2Header.TryRead(file, image.Length, out _)!, random.Next(2) == 0 ? RepairMode.All : RepairMode.Leaks, null, default, out _);
        }

        return (Use(new MemoryFile(image, readOnly: random.Next(4) == 0) { Room = Room }, image, random), whole);
    }

    private static bool Use(MemoryFile file, byte[] before, Random random)
    {
        if (Qcow2Header.TryRead(file, before.Length, out StorageFailure? failure) is not { } header)
        {
            failure!.Message.ShouldNotBeEmpty();
            return false;
        }

        failure = Qcow2Image.TryOpen(file, header, null, new Qcow2Settings(8192, 8192), out Qcow2Image? image);
        if (failure is not null) return false;
        byte[] buffer = new byte[random.Next(1, 9000)];
        using (image)
        {
            for (int i = 0; i < 6; i++)
            {
                long offset = random.NextInt64(Math.Max(1, Math.Min(image!.Size, 200_000)));
                if (random.Next(8) == 0) offset = random.NextInt64(Math.Max(1, image.Size));
                switch (random.Next(6))
                {
                    case 0: _ = image.WriteZeroes(offset, random.Next(1, 20_000), random.Next(2) == 0); break;
                    case 1: _ = image.Discard(offset, random.Next(1, 20_000)); break;
                    case 2: _ = image.Flush(); break;
                    case 3: _ = image.Read(offset, buffer); break;
                    case 4 when random.Next(4) == 0: _ = image.Resize(random.NextInt64(400_000)); break;
                    default: _ = image.Write(offset, buffer); break;
                }
            }
        }

        // A guest's writes never reach what names other files.
        byte[] after = file.Content;
        after.AsSpan(8, 12).SequenceEqual(before.AsSpan(8, 12)).ShouldBeTrue();
        return true;
    }

    private static void Mutate(byte[] image, Random random)
    {
        int clusterBits = BinaryPrimitives.ReadInt32BigEndian(image.AsSpan(20));
        int changes = random.Next(1, 5);
        for (int i = 0; i < changes; i++)
        {
            switch (random.Next(6))
            {
                case 0: image[random.Next(112)] = (byte)random.Next(256); break;
                case 1: image[random.Next(image.Length)] ^= (byte)(1 << random.Next(8)); break;
                default:
                    // An entry of a table, an offset of the header or the snapshot table: aligned to 8 bytes, plausible or wild.
                    int area = random.Next(3) == 0 ? 112 : image.Length - 8;
                    ulong value = random.Next(5) switch
                    {
                        0 => (ulong)random.NextInt64() << 1,
                        1 => (ulong)(uint)random.Next(image.Length >> clusterBits) << clusterBits,
                        2 => (ulong)(uint)random.Next(image.Length >> clusterBits) << clusterBits | Qcow2Format.Copied,
                        3 => (uint)random.Next(image.Length) | Qcow2Format.Compressed | (ulong)(uint)random.Next(8) << 58,
                        _ => (ulong)random.Next(64),
                    };
                    BinaryPrimitives.WriteUInt64BigEndian(image.AsSpan(random.Next(area / 8) * 8), value);
                    break;
            }
        }
    }

    /// <summary>Small images of every kind: versions, widths of counts, compressed clusters, snapshots.</summary>
    private static byte[][] MakeSeeds()
    {
        using var scratch = new Scratch();
        var seeds = new List<byte[]>();
        File.WriteAllBytes(scratch.At("text.raw"), QemuAgreementTests.Text(20_000));
        foreach (string options in (string[])["compat=0.10,cluster_size=512", "compat=1.1,cluster_size=512", "compat=1.1,cluster_size=1k,refcount_bits=1", "compat=1.1,cluster_size=4k,refcount_bits=64", "compat=1.1,cluster_size=512,lazy_refcounts=on", "compat=1.1,cluster_size=1k,compression_type=zstd"])
        {
            string name = $"{seeds.Count}.qcow2";
            scratch.QemuImg("create", "-f", "qcow2", "-o", options, name, "100k");
            scratch.QemuIo(name, "write -P 1 0 9k", "write -P 2 50k 3k", options.Contains("0.10") ? "write -P 3 0 1k" : "write -z 20k 4k");
            if (!options.Contains("refcount_bits=1")) scratch.QemuImg("snapshot", "-c", "one", name);
            scratch.QemuIo(name, "write -P 4 2k 5k");
            seeds.Add(File.ReadAllBytes(scratch.At(name)));
            scratch.QemuImg("convert", "-c", "-f", "raw", "-O", "qcow2", "-o", options, "text.raw", $"packed-{name}");
            seeds.Add(File.ReadAllBytes(scratch.At($"packed-{name}")));
        }

        return [.. seeds];
    }
}
