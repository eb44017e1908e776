using System.Diagnostics;
using System.Text.Json;
using Hospes.Storage;

namespace Hospes.Cli.Tests.Images;

/// <summary>The commands on disk images, beside <c>qemu-img</c>.</summary>
public sealed class DiskCommandTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task AnImageIsMadeLookedAtGrownAndChecked()
    {
        string disk = _folder.At("disk.qcow2");
        (await Image("create", disk, "1G", "--cluster-size", "4K", "--refcount-bits", "8")).ShouldBe(new Ran(0, "", ""));
        JsonElement ours = Json(await Image("info", "--json", disk)), qemu = Json(await Qemu(0, "info", "--output=json", disk));
        foreach (string name in (string[])["virtual-size", "format", "cluster-size", "dirty-flag", "filename", "actual-size"]) ours.GetProperty(name).ToString().ShouldBe(qemu.GetProperty(name).ToString());
        ours.GetProperty("format-specific").GetProperty("data").GetProperty("refcount-bits").GetInt32().ShouldBe(8);
        Ran text = await Image("info", disk);
        text.Out.ShouldContain("disk size     1 GiB (1073741824 bytes)");
        (await Image("resize", disk, "+1G")).Status.ShouldBe(0);
        (await Image("resize", disk, "1M")).Error.ShouldContain("--shrink");
        (await Image("resize", disk, "--shrink", "--", "-1536M")).Status.ShouldBe(0);
        Json(await Qemu(0, "info", "--output=json", disk)).GetProperty("virtual-size").GetInt64().ShouldBe(512L << 20);
        ours = Json(await Image("check", "--json", disk));
        qemu = Json(await Qemu(0, "check", "--output=json", disk));
        foreach (JsonProperty property in qemu.EnumerateObject()) ours.GetProperty(property.Name).ToString().ShouldBe(property.Value.ToString());
    }

    [Fact]
    public async Task CopiesHoldTheSame()
    {
        string raw = _folder.At("disk.raw"), packed = _folder.At("packed.qcow2"), back = _folder.At("back.img");
        byte[] bytes = new byte[5 << 20];
        new Random(1).NextBytes(bytes.AsSpan(1 << 20, 100_000));
        File.WriteAllBytes(raw, bytes);
        (await Image("convert", "-c", raw, packed)).ShouldBe(new Ran(0, "", ""));
        await Qemu(0, "compare", raw, packed);
        (await Image("compare", raw, packed)).ShouldBe(new Ran(0, "The disks hold the same.\n", ""));
        (await Image("convert", packed, back)).Status.ShouldBe(0);
        File.ReadAllBytes(back).AsSpan().SequenceEqual(bytes).ShouldBeTrue();
        bytes[1_100_000] ^= 1;
        File.WriteAllBytes(back, bytes);
        (await Image("compare", packed, back)).ShouldBe(new Ran(1, "The disks differ from byte 1100000 on.\n", ""));
        await Qemu(1, "compare", packed, back);
        File.WriteAllBytes(back, new byte[100]);
        (await Image("compare", "-s", packed, back)).Status.ShouldBe(1);
        (await Image("compare", packed, _folder.At("none"))).Status.ShouldBe(2);
    }

    [Fact]
    public async Task OverlaysNeedTheirFormatSaid()
    {
        File.WriteAllBytes(_folder.At("base.raw"), new byte[1 << 20]);
        string overlay = _folder.At("overlay.img");
        (await Image("create", "-f", "qcow2", "-b", "base.raw", overlay)).Error.ShouldContain("the backing file's format is not given");
        (await Image("create", "-f", "qcow2", "-b", "base.raw", "-F", "raw", overlay)).Status.ShouldBe(0);
        JsonElement info = Json(await Image("info", "--json", overlay));
        info.GetProperty("backing-filename").GetString().ShouldBe("base.raw");
        info.GetProperty("full-backing-filename").GetString().ShouldBe(_folder.At("base.raw"));
        Ran refused = await Image("convert", overlay, _folder.At("copy.raw"));
        refused.Status.ShouldBe(2);
        refused.Error.ShouldContain("-f");
        (await Image("convert", "-f", "qcow2", overlay, _folder.At("copy.raw"))).Status.ShouldBe(0);
    }

    [Fact]
    public async Task ChecksSayByTheirStatusWhatQemuSays()
    {
        string disk = _folder.At("disk.qcow2"), raw = _folder.At("disk.raw");
        await Image("create", disk, "1M");
        await Image("create", raw, "1M");
        (await Image("check", raw)).Status.ShouldBe(63);
        await Qemu(63, "check", "-f", "raw", raw);
        (await Image("check", _folder.At("none"))).Status.ShouldBe(1);
        await Qemu(1, "check", _folder.At("none"));

        // The file's fifth cluster counts as used: leaked.
        byte[] bytes = File.ReadAllBytes(disk);
        Array.Resize(ref bytes, 5 * 65536);
        bytes[(2 * 65536) + (4 * 2) + 1] = 1;
        File.WriteAllBytes(disk, bytes);
        await Qemu(3, "check", disk);
        Ran found = await Image("check", disk);
        found.Status.ShouldBe(3);
        found.Out.ShouldContain("cluster 4 counts 1 references and has 0: leaked");
        found = await Image("check", "-r", "leaks", disk);
        found.Status.ShouldBe(0);
        found.Out.ShouldContain("Repaired: 0 corruptions, 1 leaked clusters.");

        // The header counts as free: corrupt.
        bytes[(2 * 65536) + 1] = 0;
        File.WriteAllBytes(disk, bytes);
        await Qemu(2, "check", disk);
        (await Image("check", disk)).Status.ShouldBe(2);
        (await Image("check", "-r", "all", disk)).Status.ShouldBe(0);
        await Qemu(0, "check", disk);
    }

    [Theory]
    [InlineData("create", "disk", "1G")]
    [InlineData("create", "disk.qcow2", "much")]
    [InlineData("create", "disk.qcow2")]
    [InlineData("create", "disk.raw", "1M", "--preallocation", "metadata")]
    [InlineData("create", "disk.qcow2", "1M", "--cluster-size", "1000")]
    [InlineData("create", "disk.qcow2", "1M", "--refcount-bits", "5")]
    [InlineData("create", "disk.qcow2", "1M", "--format", "vmdk")]
    [InlineData("convert", "none", "disk.qcow2")]
    [InlineData("info", "none")]
    [InlineData("resize", "none", "1G")]
    public async Task MistakesAreOneLineAndLeaveNoFile(params string[] arguments)
    {
        string[] placed = [.. arguments.Select((argument, place) => place is 1 || argument == "disk.qcow2" ? _folder.At(argument) : argument)];
        Ran ran = await Image(placed);
        ran.Status.ShouldBe(2);
        ran.Out.ShouldBeEmpty();
        ran.Error.ShouldMatch(@"\Ahospes: [^\n]+; [^\n]+\n\z");
        Directory.GetFiles(_folder.Path).ShouldBeEmpty();
    }

    /// <summary>The host ends the file's growth at 200 KiB. The runtime's own files, which it maps to write code twice, would meet the limit too.</summary>
    [Fact]
    public async Task AFullDiskIsSaidAndLeavesNoFile()
    {
        string raw = _folder.At("disk.raw"), copy = _folder.At("copy.qcow2");
        byte[] bytes = new byte[1 << 20];
        new Random(1).NextBytes(bytes);
        File.WriteAllBytes(raw, bytes);
        Ran ran = await HospesProgram.HostAsync("bash", ["-c", "ulimit -f 200; DOTNET_EnableWriteXorExecute=0 exec dotnet \"$0\" image convert \"$1\" \"$2\"", Path.Combine(AppContext.BaseDirectory, "hospes.dll"), raw, copy]);
        ran.Status.ShouldBe(2, ran.Error);
        ran.Error.ShouldContain("no space is left for the image");
        File.Exists(copy).ShouldBeFalse();
    }

    private static Task<Ran> Image(params string[] arguments) => HospesProgram.InProcessAsync(["image", .. arguments]);

    private static async Task<Ran> Qemu(int status, params string[] arguments)
    {
        Ran ran = await HospesProgram.HostAsync("qemu-img", arguments);
        ran.Status.ShouldBe(status, ran.Error);
        return ran;
    }

    private static JsonElement Json(Ran ran) => JsonDocument.Parse(ran.Out).RootElement;
}
