using FsCheck;
using FsCheck.Fluent;
using Hospes.Cli.Initramfs;

namespace Hospes.Cli.Tests.Initramfs;

public sealed class CpioWriterTests
{
    [Fact]
    public async Task CpioListsWhatWasWritten()
    {
        using var output = new MemoryStream();
        using (var cpio = new CpioWriter(output))
        {
            cpio.Directory("bin");
            cpio.File("bin/a", "odd"u8, 0x1ED);
            cpio.Link("bin/b", "a");
            cpio.CharacterDevice("console", 5, 1);
            cpio.BlockDevice("vda", 254, 0);
            cpio.File("empty", []);
            cpio.File("grüße", "ü"u8);
        }

        Ran ran = await HospesProgram.HostAsync("cpio", ["--list", "--verbose", "--quiet", "--numeric-uid-gid"], input: output.ToArray(), environment: new Dictionary<string, string> { ["LC_ALL"] = "C" });
        ran.Status.ShouldBe(0, ran.Error);
        string[] lines = ran.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        lines.Length.ShouldBe(7);
        lines[0].ShouldStartWith("drwxr-xr-x   2 0        0");
        lines[1].ShouldStartWith("-rwxr-xr-x   1 0        0               3 ");
        lines[2].ShouldEndWith("bin/b -> a");
        lines[3].ShouldStartWith("crw-------   1 0        0          5,   1 ");
        lines[4].ShouldStartWith("brw-------   1 0        0        254,   0 ");
    }

    [Fact]
    public async Task CpioUnpacksTheSameBytes()
    {
        using var folder = new TemporaryFolder();
        const int Seed = 3;
        var random = new System.Random(Seed);
        var files = Enumerable.Range(0, 40).ToDictionary(static i => $"{new string('n', 1 + i)}", _ =>
        {
            byte[] data = new byte[random.Next(9000)];
            random.NextBytes(data);
            return data;
        });
        using var output = new MemoryStream();
        using (var cpio = new CpioWriter(output))
        {
            foreach ((string name, byte[] data) in files) cpio.File(name, data);
        }

        Ran ran = await HospesProgram.HostAsync("cpio", ["--extract", "--quiet"], folder.Path, output.ToArray());
        ran.Status.ShouldBe(0, ran.Error);
        foreach ((string name, byte[] data) in files) File.ReadAllBytes(folder.At(name)).ShouldBe(data, $"seed {Seed}");
    }

    [Fact]
    public void EveryRecordStartsAtAMultipleOfFour() =>
        Prop.ForAll<NonNull<byte[]>, PositiveInt>(static (data, name) =>
        {
            using var output = new MemoryStream();
            var cpio = new CpioWriter(output);
            cpio.File(new string('x', name.Get), data.Get);
            bool aligned = output.Length % 4 == 0;
            cpio.Dispose();
            return aligned && output.Length % 4 == 0;
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData("")]
    [InlineData("/absolute")]
    [InlineData("TRAILER!!!")]
    [InlineData("zero\0inside")]
    [InlineData("twice")]
    public void NamesThatNoKernelUnpacksAreRefused(string name)
    {
        using var cpio = new CpioWriter(new MemoryStream());
        cpio.File("twice", []);
        Should.Throw<ArgumentException>(() => cpio.File(name, []));
    }
}
