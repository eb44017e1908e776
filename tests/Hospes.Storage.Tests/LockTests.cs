using System.Diagnostics;
using Hospes.Storage.Files;
using Hospes.Storage.Tests.Kit;

namespace Hospes.Storage.Tests;

/// <summary>Two users of an image refuse each other as two QEMUs do, and as QEMU and Hospes do.</summary>
public sealed class LockTests
{
    [Theory]
    [InlineData(LockUse.Write, LockUse.Write, false)]
    [InlineData(LockUse.Write, LockUse.Read, false)]
    [InlineData(LockUse.Read, LockUse.Write, false)]
    [InlineData(LockUse.Read, LockUse.Read, true)]
    [InlineData(LockUse.Write, LockUse.ReadShared, true)]
    [InlineData(LockUse.ReadShared, LockUse.Write, true)]
    public void TwoOfOurs(LockUse first, LockUse second, bool together)
    {
        using var scratch = new Scratch();
        File.WriteAllBytes(scratch.At("disk.raw"), new byte[4096]);
        using HostFile? one = HostFile.TryOpen(scratch.At("disk.raw"), first != LockUse.Write, create: false, first, out _);
        using HostFile? other = HostFile.TryOpen(scratch.At("disk.raw"), second != LockUse.Write, create: false, second, out StorageFailure? failure);
        one.ShouldNotBeNull();
        (other is not null).ShouldBe(together);
        if (!together) failure!.Error.ShouldBe(StorageError.Locked);
    }

    [Fact]
    public void QemuRefusesWhatWeWrite()
    {
        using var scratch = new Scratch();
        scratch.Create("disk.qcow2", new ImageCreation { Size = 1 << 20 });
        using (IBlockImage image = scratch.Open("disk.qcow2"))
        {
            scratch.Run("qemu-img", 1, "convert", "-O", "raw", "disk.qcow2", "copy.raw").ShouldContain("lock");
            scratch.Run("qemu-io", 1, "-f", "qcow2", "-c", "write 0 1k", "disk.qcow2").ShouldContain("lock");
            scratch.QemuImg("info", "-U", "disk.qcow2");
        }

        using (IBlockImage image = scratch.Open("disk.qcow2", readOnly: true))
        {
            scratch.QemuImg("convert", "-O", "raw", "disk.qcow2", "copy.raw");
            scratch.Run("qemu-io", 1, "-f", "qcow2", "-c", "write 0 1k", "disk.qcow2").ShouldContain("lock");
        }
    }

    [Theory]
    [InlineData("", false, false)]
    [InlineData("-r", false, true)]
    public void WeRefuseWhatQemuWrites(string mode, bool writing, bool reading)
    {
        using var scratch = new Scratch();
        scratch.Create("disk.qcow2", new ImageCreation { Size = 1 << 20 });
        var start = new ProcessStartInfo("qemu-io") { RedirectStandardInput = true, RedirectStandardOutput = true, WorkingDirectory = scratch.Path };
        foreach (string argument in (string[])["-f", "qcow2", .. mode.Length > 0 ? (string[])[mode] : [], "disk.qcow2"]) start.ArgumentList.Add(argument);
        using Process qemu = Process.Start(start)!;
        // The answer comes after the image was opened.
        qemu.StandardInput.WriteLine("read 0 512");
        qemu.StandardInput.Flush();
        char[] answer = new char[1];
        string output = "";
        while (!output.Contains("ops") && qemu.StandardOutput.Read(answer) > 0) output += answer[0];
        TryOpen(readOnly: false).ShouldBe(writing);
        TryOpen(readOnly: true).ShouldBe(reading);
        ImageInspector.TryRead(scratch.At("disk.qcow2"), null, shared: true, out _, out _).ShouldBeTrue();
        qemu.StandardInput.WriteLine("quit");
        qemu.StandardInput.Close();
        qemu.WaitForExit();
        TryOpen(readOnly: false).ShouldBeTrue();

        bool TryOpen(bool readOnly)
        {
            bool open = DiskImage.TryOpen(scratch.At("disk.qcow2"), new ImageOpening { ReadOnly = readOnly }, out IBlockImage? image, out StorageFailure? failure);
            image?.Dispose();
            if (!open) failure!.Error.ShouldBe(StorageError.Locked);
            return open;
        }
    }

    [Fact]
    public void ABackingFileIsLockedForReading()
    {
        using var scratch = new Scratch();
        File.WriteAllBytes(scratch.At("below.raw"), new byte[1 << 20]);
        foreach (string name in (string[])["one.qcow2", "two.qcow2"]) scratch.Create(name, new ImageCreation { BackingFile = "below.raw", BackingFormat = ImageFormat.Raw });
        using IBlockImage one = scratch.Open("one.qcow2"), two = scratch.Open("two.qcow2");
        scratch.Refusal("below.raw", ImageFormat.Raw).Error.ShouldBe(StorageError.Locked);
    }
}
