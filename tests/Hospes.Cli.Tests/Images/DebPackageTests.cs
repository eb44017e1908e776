using System.IO.Compression;
using Hospes.Cli.CommandLine;
using Hospes.Cli.Images.Packages;

namespace Hospes.Cli.Tests.Images;

public sealed class DebPackageTests
{
    [Fact]
    public void WantedFilesAreCopiedAndLinksAreNot()
    {
        using var folder = new TemporaryFolder();
        byte[] deb = FakeDeb.Make(("./boot/vmlinuz-6.1", "kernel"), ("./boot/System.map-6.1", "map"), ("usr/bin/busybox", "box"));
        Extract(deb, folder, static path => path.StartsWith("boot/vmlinuz-", StringComparison.Ordinal)).Value.ShouldBe(["boot/vmlinuz-6.1"]);
        File.ReadAllText(folder.At("out")).ShouldBe("kernel");
        Extract(deb, folder, static path => path == "usr/bin/busybox").Value.Count.ShouldBe(1);
        Extract(deb, folder, static path => path == "nothing").Value.ShouldBeEmpty();
    }

    public static TheoryData<string, byte[]> Broken()
    {
        byte[] whole = FakeDeb.Make(("./boot/vmlinuz-6.1", new string('k', 5000)));
        byte[] damaged = [.. whole];
        damaged.AsSpan(8 + 58, 2).Clear();
        byte[] sizeless = [.. whole];
        sizeless.AsSpan(8 + 48, 10).Fill((byte)'x');
        return new TheoryData<string, byte[]>
        {
            { "is damaged", [] },
            { "is no ar archive", "PK\x03\x04 and more"u8.ToArray() },
            { "has no data", FakeDeb.Ar(("debian-binary", "2.0\n"u8.ToArray())) },
            { "has a damaged member header", damaged },
            { "has a member without a size", sizeless },
            { "is damaged", whole[..^40] },
            { "is damaged", FakeDeb.Ar(("data.tar.gz", [1, 2, 3])) },
            { "is compressed in a way that is not known", FakeDeb.Ar(("data.tar.rar", [1, 2, 3])) },
        };
    }

    [Theory]
    [MemberData(nameof(Broken))]
    public void ABrokenPackageIsRefused(string expected, byte[] deb)
    {
        using var folder = new TemporaryFolder();
        Failure failure = Extract(deb, folder, static _ => true).Failure.ShouldNotBeNull();
        failure.Kind.ShouldBe(FailureKind.Format);
        failure.Cause.ShouldStartWith($"the package fake {expected}");
    }

    [Theory]
    [InlineData("xz", ".xz")]
    [InlineData("zstd", ".zst")]
    [InlineData("bzip2", ".bz2")]
    public async Task TheCompressionsOfDebianAreUnpacked(string program, string ending)
    {
        using var folder = new TemporaryFolder();
        File.WriteAllBytes(folder.At("data.tar.gz"), FakeDeb.Tar(("./boot/vmlinuz-6.1", new string('k', 70_000))));
        (await HospesProgram.HostAsync("sh", ["-c", $"gzip -d data.tar.gz && {program} -c data.tar >data.tar{ending}"], folder.Path)).Status.ShouldBe(0);
        byte[] data = File.ReadAllBytes(folder.At($"data.tar{ending}"));
        DebPackage.Extract(new MemoryStream(FakeDeb.Ar(($"data.tar{ending}", data))), "fake", Decompressors.Open, _ => folder.At("out")).Value.Count.ShouldBe(1);
        File.ReadAllText(folder.At("out")).ShouldBe(new string('k', 70_000));

        // Cut off, and damaged: a failure of this package, with what to do.
        data[data.Length / 2] ^= 0x55;
        foreach (byte[] broken in (byte[][])[data, data[..(data.Length / 3)]])
        {
            Failure failure = DebPackage.Extract(new MemoryStream(FakeDeb.Ar(($"data.tar{ending}", broken))), "fake", Decompressors.Open, _ => folder.At("out")).Failure.ShouldNotBeNull();
            failure.Kind.ShouldBe(FailureKind.Format);
            failure.Line.ShouldStartWith("the package fake ");
            failure.Line.ShouldEndWith("choose another archive with --mirror URL");
        }
    }

    [Fact]
    public void DamageAnywhereIsRefusedOrHarmless()
    {
        using var folder = new TemporaryFolder();
        byte[] whole = FakeDeb.Make(("./boot/vmlinuz-6.1", "kernel"));
        const int Seed = 7;
        var random = new Random(Seed);
        for (int i = 0; i < 2000; i++)
        {
            byte[] deb = [.. whole];
            for (int flips = random.Next(1, 4); flips > 0; flips--) deb[random.Next(deb.Length)] = (byte)random.Next(256);
            if (random.Next(4) == 0) deb = deb[..random.Next(deb.Length)];
            Outcome<IReadOnlyList<string>> outcome = Extract(deb, folder, static path => path.StartsWith("boot/", StringComparison.Ordinal));
            (outcome.Failure is null or { Kind: FailureKind.Format }).ShouldBeTrue($"seed {Seed}, case {i}");
        }
    }

    private static Outcome<IReadOnlyList<string>> Extract(byte[] deb, TemporaryFolder folder, Func<string, bool> wanted) =>
        DebPackage.Extract(new MemoryStream(deb), "fake", Open, path => wanted(path) ? folder.At("out") : null);

    private static Stream? Open(string name, Stream data) => name.EndsWith(".gz", StringComparison.Ordinal) ? new GZipStream(data, CompressionMode.Decompress) : null;
}
