using Hospes.Storage.Tests.Kit;

namespace Hospes.Storage.Tests;

/// <summary>What a guest can write at the start of its disk reaches no other file.</summary>
public sealed class ProbingTests
{
    [Fact]
    public void AForgedHeaderOnARawDiskDoesNotOpenItsBackingFile()
    {
        using var scratch = new Scratch();
        File.WriteAllText(scratch.At("secret"), new string('s', 4096));
        scratch.Create("forged.qcow2", new ImageCreation { Size = 4096, BackingFile = "secret", BackingFormat = ImageFormat.Raw });
        File.Move(scratch.At("forged.qcow2"), scratch.At("guest.img"));
        StorageFailure failure = scratch.Refusal("guest.img", format: null);
        failure.Error.ShouldBe(StorageError.FormatNotGiven);
        failure.Message.ShouldContain("secret");
        using (IBlockImage raw = scratch.Open("guest.img", format: ImageFormat.Raw)) raw.Format.ShouldBe(ImageFormat.Raw);
        using (IBlockImage known = scratch.Open("guest.img")) known.ReadAll()[0].ShouldBe((byte)'s');
        // As the backing file of an overlay that does not say a format, it is not trusted either.
        scratch.QemuImg("create", "-f", "qcow2", "-b", "guest.img", "-F", "raw", "top.qcow2", "4k");
        byte[] bytes = File.ReadAllBytes(scratch.At("top.qcow2"));
        bytes[bytes.AsSpan().IndexOf((ReadOnlySpan<byte>)[0xe2, 0x79, 0x2a, 0xca])] = 0x12;
        File.WriteAllBytes(scratch.At("top.qcow2"), bytes);
        scratch.Refusal("top.qcow2").Error.ShouldBe(StorageError.FormatNotGiven);
    }

    [Fact]
    public void AGuessedQcow2WithoutOtherFilesIsTaken()
    {
        using var scratch = new Scratch();
        scratch.Create("disk.img", new ImageCreation { Size = 1 << 20 });
        using IBlockImage image = scratch.Open("disk.img", format: null);
        image.Format.ShouldBe(ImageFormat.Qcow2);
    }

    [Fact]
    public void AGuessedRawDiskTakesNoWriteThatWouldChangeTheGuess()
    {
        using var scratch = new Scratch();
        File.WriteAllBytes(scratch.At("disk.img"), new byte[1 << 20]);
        using (IBlockImage image = scratch.Open("disk.img", format: null))
        {
            image.Write(0, "QFI\xfb\0\0\0\x03"u8[..3]).ShouldBe(StorageError.None);
            image.Write(3, [0xfb]).ShouldBe(StorageError.FormatNotGiven);
            image.Write(0, "VMDK is no magic"u8).ShouldBe(StorageError.None);
            image.Write(0, "KDMV"u8).ShouldBe(StorageError.FormatNotGiven);
            image.Write(0, "conectix"u8).ShouldBe(StorageError.FormatNotGiven);
            image.Write(0, "# comment\nversion=1\n"u8).ShouldBe(StorageError.FormatNotGiven);
            image.Write(1 << 10, [(byte)'Q', (byte)'F', (byte)'I', 0xfb, 0, 0, 0, 3]).ShouldBe(StorageError.None);
        }

        using IBlockImage known = scratch.Open("disk.img", format: ImageFormat.Raw);
        known.Write(0, [(byte)'Q', (byte)'F', (byte)'I', 0xfb, 0, 0, 0, 3]).ShouldBe(StorageError.None);
    }

    [Fact]
    public void LoopsAndLongChainsOfBackingFilesEnd()
    {
        using var scratch = new Scratch();
        File.WriteAllBytes(scratch.At("raw"), new byte[4096]);
        scratch.Create("a.qcow2", new ImageCreation { BackingFile = "raw", BackingFormat = ImageFormat.Raw });
        scratch.Create("b.qcow2", new ImageCreation { BackingFile = "a.qcow2", BackingFormat = ImageFormat.Qcow2 });
        scratch.QemuImg("rebase", "-u", "-b", "./b.qcow2", "-F", "qcow2", "a.qcow2");
        scratch.Refusal("a.qcow2", readOnly: true).Error.ShouldBe(StorageError.BackingLoop);
        File.CreateSymbolicLink(scratch.At("self.qcow2"), "real.qcow2");
        scratch.QemuImg("create", "-f", "qcow2", "-u", "-b", "self.qcow2", "-F", "qcow2", "real.qcow2", "4k");
        scratch.Refusal("real.qcow2", readOnly: true).Error.ShouldBe(StorageError.BackingLoop);

        scratch.Create("0.qcow2", new ImageCreation { Size = 4096 });
        for (int i = 1; i <= DiskImage.MaxChain; i++) scratch.QemuImg("create", "-f", "qcow2", "-u", "-b", $"{i - 1}.qcow2", "-F", "qcow2", $"{i}.qcow2", "4k");
        scratch.Open($"{DiskImage.MaxChain - 1}.qcow2", readOnly: true).Dispose();
        scratch.Refusal($"{DiskImage.MaxChain}.qcow2", readOnly: true).Error.ShouldBe(StorageError.BackingLoop);
    }

    [Fact]
    public void NamesThatAreNoPathsAreRefused()
    {
        using var scratch = new Scratch();
        foreach (string name in (string[])["nbd://host/disk", "json:{}", "rbd:pool/disk"])
        {
            scratch.QemuImg("create", "-f", "qcow2", "-u", "-b", "x", "-F", "raw", "disk.qcow2", "4k");
            byte[] bytes = File.ReadAllBytes(scratch.At("disk.qcow2"));
            System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(bytes.AsSpan(16), name.Length);
            System.Text.Encoding.ASCII.GetBytes(name, bytes.AsSpan((int)System.Buffers.Binary.BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(8))));
            File.WriteAllBytes(scratch.At("disk.qcow2"), bytes);
            StorageFailure failure = scratch.Refusal("disk.qcow2");
            failure.Error.ShouldBe(StorageError.Unsupported);
            failure.Message.ShouldContain(name);
        }

        DiskImage.BackingPath("/images/top.qcow2", "file:base.raw").ShouldBe("/images/base.raw");
        DiskImage.BackingPath("/images/top.qcow2", "/abs/a:b").ShouldBe("/abs/a:b");
        DiskImage.BackingPath("top.qcow2", "sub/a:b").ShouldBe("sub/a:b");
    }
}
