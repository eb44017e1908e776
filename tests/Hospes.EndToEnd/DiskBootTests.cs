using System.Text.Json;

namespace Hospes.EndToEnd;

/// <summary><c>hospes run --disk</c> without a kernel, on disks of small kernels: which one ran shows in the exit status.</summary>
public sealed class DiskBootTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private const int Chosen = (0x21 << 1) | 1;

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("hospes-disk-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task TheDefaultEntryBootsAndAnotherCanBeChosen()
    {
        string disk = await MakeAsync("set default=1\nmenuentry first { linux /off }\nmenuentry second --id two { linux /exit console=none }\n");
        (await RunAsync("--disk", disk)).Status.ShouldBe(Chosen);
        (await RunAsync("--disk", disk, "--boot-entry", "0")).Status.ShouldBe(0);
        (await RunAsync("--disk", disk, "--boot-entry", "first")).Status.ShouldBe(0);
        (await RunAsync("--disk", disk, "--boot-entry", "two")).Status.ShouldBe(Chosen);
        Ran wrong = await RunAsync("--disk", disk, "--boot-entry", "third");
        wrong.ShouldBe(new Ran(2, "", $"hospes: '{disk}' has no boot entry 'third'; choose one that 'hospes image boot-entries {disk}' lists\n"));
    }

    [Fact]
    public async Task ADiskInAPartitionAndInQcow2BootsAsWellAndTheFirstDiskThatCanIsTaken()
    {
        string files = await MakeAsync("menuentry it { linux /exit }\n"), raw = Path.Combine(_folder.FullName, "whole"), disk = Path.Combine(_folder.FullName, "disk.qcow2"), empty = Path.Combine(_folder.FullName, "empty.raw");
        await DebianGuest.RunAsync("sh", "-c", $"truncate -s 8M '{raw}' && printf 'label: gpt\\nstart=2048, size=8192\\n' | sfdisk -q '{raw}' && dd if='{files}' of='{raw}' bs=1M seek=1 conv=notrunc status=none && qemu-img convert -O qcow2 '{raw}' '{disk}' && truncate -s 1M '{empty}'");
        Ran listed = await HospesProcess.RunAsync("", Patience, "image", "boot-entries", "--json", disk);
        JsonDocument.Parse(listed.Out).RootElement[0].GetProperty("kernel").GetProperty("partition").GetInt32().ShouldBe(1);
        (await RunAsync("--disk", $"{empty},format=raw", "--disk", disk)).Status.ShouldBe(Chosen);
    }

    [Fact]
    public async Task WhatDoesNotBootIsSaidWhy()
    {
        string disk = await MakeAsync("menuentry gone { linux /none }\nmenuentry text { linux /boot/grub/grub.cfg }\n");
        (await RunAsync("--disk", disk)).Error.ShouldBe($"hospes: '{disk}' does not boot its entry 'gone': the disk:/none: there is no such file on the disk; choose another entry with --boot-entry, or name a kernel with --kernel\n");
        (await RunAsync("--disk", disk, "--boot-entry", "text")).Status.ShouldBe(2);
        (await RunAsync("--disk", disk, "--boot-entry", "0", "--kernel", "x")).Error.ShouldContain("--boot-entry and --kernel do not go together");
        (await RunAsync("--disk", disk, "--initrd", "x")).Error.ShouldContain("--initrd needs --kernel");
        (await RunAsync("--disk", Path.Combine(_folder.FullName, "none"))).Error.ShouldContain("there is no such file");
    }

    private static Task<Ran> RunAsync(params string[] options) =>
        HospesProcess.RunAsync("", Patience, ["run", "--engine", "soft", "--debug-exit", "0xf4", "--timeout", "60", .. options]);

    /// <summary>Makes a disk of one file system with a menu and two kernels.</summary>
    private async Task<string> MakeAsync(string menu)
    {
        string root = Directory.CreateDirectory(Path.Combine(_folder.FullName, "root")).FullName, disk = Path.Combine(_folder.FullName, "disk.img");
        Directory.CreateDirectory(Path.Combine(root, "boot/grub"));
        await File.WriteAllTextAsync(Path.Combine(root, "boot/grub/grub.cfg"), menu);
        await File.WriteAllBytesAsync(Path.Combine(root, "off"), TestKernels.PowerOff);
        await File.WriteAllBytesAsync(Path.Combine(root, "exit"), TestKernels.DebugExit);
        await DebianGuest.RunAsync("mke2fs", "-q", "-F", "-t", "ext4", "-d", root, disk, "4M");
        return disk;
    }
}
