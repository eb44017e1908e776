using System.Buffers.Binary;
using Hospes.Builder.Compression;
using Hospes.Builder.Images;
using Hospes.Builder.Tests.Kit;
using Hospes.Hypervisor;

namespace Hospes.Builder.Tests;

/// <summary>
/// Damages sound kernels and asks that every parser answers: with an image that keeps its promises, or with an error. A case is made from
/// its number alone. HOSPES_FUZZ_CASES sets how many cases run, HOSPES_FUZZ_START the first, HOSPES_FUZZ_KERNEL adds a kernel from a file.
/// </summary>
public sealed class KernelFuzzTests
{
    private const int DefaultCases = 200_000, CasesPerBuild = 20, CasesOfOwnKernel = 2000;

    private static readonly ulong[] Interesting =
        [0, 1, 2, 3, 4, 7, 8, 16, 32, 52, 56, 64, 127, 128, 255, 256, 4095, 4096, 0x7FFF, 0x8000, 0xFFFF, 0x100000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1UL << 32, 1UL << 52, long.MaxValue, 1UL << 63, ulong.MaxValue - 1, ulong.MaxValue];

    [Fact]
    public void DamagedKernelsAreAnsweredFor()
    {
        byte[][] kernels =
        [
            Samples.PvhElf(), Samples.PvhElf(is64: false), Samples.PlainElf(), Samples.MultibootElf(), Samples.MultibootFlat(),
            .. Packing.Formats.Select(format => Samples.BzImage(Packing.Payload(Samples.PvhElf(), format))),
            Samples.BzImage(Samples.PvhElf()),
            Packing.Pack(Samples.PvhElf(), CompressionFormat.Zstd),
        ];
        int cases = Number("HOSPES_FUZZ_CASES", DefaultCases), start = Number("HOSPES_FUZZ_START", 0);
        Guest[] guests = [.. Enumerable.Range(0, Environment.ProcessorCount).Select(_ => IdleEngine.Guest((0, 2 * Samples.Mebibyte)))];
        try
        {
            // Each worker has a guest of its own; which one a case meets changes nothing.
            Parallel.For(0, guests.Length, worker =>
            {
                for (int number = start + worker; number < start + cases; number += guests.Length) Try(number, kernels[number % kernels.Length], guests[worker], 4 << 20);
            });
        }
        finally
        {
            foreach (Guest guest in guests) guest.Dispose();
        }
    }

    [Fact]
    public void ADamagedRealKernelIsAnsweredFor()
    {
        string? path = Environment.GetEnvironmentVariable("HOSPES_FUZZ_KERNEL");
        byte[] kernel = path is null ? Samples.BzImage(Packing.Payload(LargeElf(), CompressionFormat.Lz4Legacy)) : File.ReadAllBytes(path);
        KernelInspector.Inspect(kernel).Boots.ShouldBeTrue();
        using Guest guest = IdleEngine.Guest((0, 2 * Samples.Mebibyte));
        // Unpacking a whole kernel takes a while: few cases unless more were asked for.
        int cases = path is null ? CasesOfOwnKernel : Math.Max(50, Number("HOSPES_FUZZ_CASES", 0) / 1000);
        for (int number = 0; number < cases; number++) Try(number, kernel, guest, Limits.MaxUnpackedSize);
    }

    private static byte[] LargeElf()
    {
        byte[] code = new byte[300_000];
        new Random(3).NextBytes(code.AsSpan(0, 100_000));
        return new ElfMaker().PvhNote(0x100000).Load(0x100000, code).Make();
    }

    private static void Try(int number, byte[] sound, Guest guest, int unpackedLimit)
    {
        byte[] kernel = Damage(sound, new Random(number));
        try
        {
            BootProtocol? wanted = (number / 7 % 8) switch { 0 => BootProtocol.Linux64, 1 => BootProtocol.Pvh, 2 => BootProtocol.Multiboot, _ => null };
            (KernelReport report, KernelImage? image) = KernelReader.Read(kernel, wanted, unpackedLimit);
            Check(kernel, report, image);
            if (number % CasesPerBuild != 0) return;
            var context = new BootContext { Memory = guest.Memory, MemoryMap = Samples.Map(2 * Samples.Mebibyte), Kernel = kernel, CommandLine = "a", Protocol = wanted, Initrd = BootPayload.FromBytes([1]) };
            bool built = DomainBuilder.TryBuild(context, out BootState? state, out BuildFailure? failure);
            built.ShouldBe(state is not null);
            built.ShouldBe(failure is null);
            if (built) report.Boots.ShouldBeTrue();
            state?.ApplyTo(new VcpuState());
        }
        catch (Exception e)
        {
            throw new InvalidOperationException($"case {number} (HOSPES_FUZZ_START={number} HOSPES_FUZZ_CASES=1)", e);
        }
    }

    private static void Check(byte[] kernel, KernelReport report, KernelImage? image)
    {
        report.Summary.ShouldNotContain('\n');
        report.FileSize.ShouldBe(kernel.Length);
        if (image is null)
        {
            report.Failure.ShouldNotBeNull();
            report.Protocol.ShouldBeNull();
            return;
        }
        report.Failure.ShouldBeNull();
        report.Offered.ShouldContain(report.Protocol!.Value);
        report.LoadEnd.ShouldBeGreaterThan(report.LoadAddress);
        ulong end = 0;
        foreach (ElfSegment segment in image.Segments)
        {
            segment.Physical.ShouldBeGreaterThanOrEqualTo(end);
            segment.MemorySize.ShouldBeGreaterThanOrEqualTo((ulong)segment.Data.Length);
            end = segment.End;
            end.ShouldBeGreaterThan(segment.Physical);
            end.ShouldBeLessThanOrEqualTo(1UL << 52);
        }
        if (image.Segments.Count > 0) image.Segments.Any(s => report.Entry - s.Physical < (ulong)s.Data.Length).ShouldBeTrue();
    }

    /// <summary>One to four wounds: a field with an interesting value, random bytes, a cut, a piece copied elsewhere. Headers are hit most.</summary>
    private static byte[] Damage(byte[] sound, Random random)
    {
        byte[] kernel = (byte[])sound.Clone();
        Span<byte> field = stackalloc byte[8];
        for (int wounds = random.Next(1, 5); wounds > 0 && kernel.Length > 16; wounds--)
        {
            int reach = random.Next(4) == 0 ? kernel.Length : Math.Min(kernel.Length, 0x300);
            int at = random.Next(reach);
            switch (random.Next(8))
            {
                case 0:
                    kernel[at] = (byte)random.Next(256);
                    break;
                case 1:
                    kernel[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 2 when random.Next(4) == 0:
                    Array.Resize(ref kernel, random.Next(kernel.Length + 1));
                    break;
                case 3:
                    int from = random.Next(kernel.Length), length = Math.Min(random.Next(1, 64), kernel.Length - Math.Max(from, at));
                    kernel.AsSpan(from, length).ToArray().CopyTo(kernel, at);
                    break;
                default:
                    // Fields lie at even offsets.
                    BinaryPrimitives.WriteUInt64LittleEndian(field, Interesting[random.Next(Interesting.Length)] + (ulong)random.Next(-1, 2));
                    int size = 1 << random.Next(4);
                    at = Math.Min(at & ~1, kernel.Length - size);
                    field[..size].CopyTo(kernel.AsSpan(at));
                    break;
            }
        }
        return kernel;
    }

    private static int Number(string name, int otherwise) => int.TryParse(Environment.GetEnvironmentVariable(name), out int number) ? number : otherwise;
}
