using System.Buffers.Binary;
using System.Diagnostics;
using Hospes.Storage.Tests.Kit;

namespace Hospes.Storage.Tests;

/// <summary>What is not opened, and how that is said.</summary>
public sealed class RefusalTests
{
    [Theory]
    [InlineData("data_file=data.raw", "external data file")]
    [InlineData("extended_l2=on", "extended L2 entries")]
    public void FeaturesAreRefusedByName(string options, string name)
    {
        using var scratch = new Scratch();
        scratch.QemuImg("create", "-f", "qcow2", "-o", options, "disk.qcow2", "1M");
        StorageFailure failure = scratch.Refusal("disk.qcow2");
        failure.Error.ShouldBe(StorageError.Unsupported);
        failure.Message.ShouldContain(name);
        failure.Message.ShouldContain("disk.qcow2");
    }

    [Theory]
    [InlineData(32, 1u, "AES encryption")]
    [InlineData(32, 2u, "LUKS encryption")]
    [InlineData(72, 0x8000_0000u, "unknown feature bit 63")]
    [InlineData(4, 4u, "qcow2 version 4")]
    [InlineData(20, 22u, "clusters of 2^22 bytes")]
    [InlineData(96, 7u, "reference counts of 2^7 bits")]
    public void HeaderFieldsAreRefusedByName(int place, uint value, string name)
    {
        using var scratch = new Scratch();
        Patched(scratch, place, value);
        StorageFailure failure = scratch.Refusal("disk.qcow2");
        failure.Error.ShouldBe(StorageError.Unsupported);
        failure.Message.ShouldContain(name);
    }

    [Fact]
    public void AFeatureThatOnlyTheImageKnowsIsNamedByTheImage()
    {
        using var scratch = new Scratch();
        Patched(scratch, 72, 0x100);
        byte[] bytes = File.ReadAllBytes(scratch.At("disk.qcow2"));
        int at = bytes.AsSpan().IndexOf("dirty bit"u8);
        bytes[at - 1] = 40;
        "future things\0"u8.CopyTo(bytes.AsSpan(at));
        File.WriteAllBytes(scratch.At("disk.qcow2"), bytes);
        scratch.Refusal("disk.qcow2").Message.ShouldContain("future things");
    }

    [Fact]
    public void AnImageMarkedCorruptOpensForReadingOnly()
    {
        using var scratch = new Scratch();
        Patched(scratch, 76, 2);
        scratch.Refusal("disk.qcow2").Error.ShouldBe(StorageError.Corrupt);
        using (IBlockImage image = scratch.Open("disk.qcow2", readOnly: true)) image.Write(0, [1]).ShouldBe(StorageError.ReadOnly);
        ImageInspector.TryCheck(scratch.At("disk.qcow2"), null, Qcow2.RepairMode.All, null, default, out _, out _).ShouldBeTrue();
        scratch.Open("disk.qcow2").Dispose();
    }

    [Fact]
    public void AGuestNeverWritesOverTables()
    {
        using var scratch = new Scratch();
        scratch.Create("disk.qcow2", new ImageCreation { Size = 1 << 20 });
        using (IBlockImage image = scratch.Open("disk.qcow2")) image.Put(0, new byte[65536]);
        byte[] bytes = File.ReadAllBytes(scratch.At("disk.qcow2"));
        long l1 = BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(40));
        long l2 = BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan((int)l1)) & 0x00ff_ffff_ffff_fe00;
        // The first cluster of the disk is said to lie on the L1 table.
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan((int)l2), (ulong)l1 | 1ul << 63);
        File.WriteAllBytes(scratch.At("disk.qcow2"), bytes);
        using (IBlockImage image = scratch.Open("disk.qcow2"))
        {
            image.Write(0, [1, 2, 3]).ShouldBe(StorageError.Corrupt);
            image.Write(500_000, [1]).ShouldBe(StorageError.Corrupt);
            image.Read(0, new byte[10]).ShouldBe(StorageError.None);
        }

        scratch.Run("qemu-img", 0, "info", "disk.qcow2").ShouldContain("corrupt: true");
        ImageInspector.TryCheck(scratch.At("disk.qcow2"), null, Qcow2.RepairMode.All, null, default, out Qcow2.Qcow2CheckResult? result, out _).ShouldBeTrue();
        (result!.Corruptions, result.Leaks).ShouldBe((0, 0));
        scratch.QemuFindsNothing("disk.qcow2");
        using (IBlockImage image = scratch.Open("disk.qcow2")) image.Put(0, [1, 2, 3]);
        scratch.QemuFindsNothing("disk.qcow2");
    }

    [Fact]
    public void WhatIsNoImageIsRefused()
    {
        using var scratch = new Scratch();
        scratch.Refusal("nothing").Error.ShouldBe(StorageError.NotFound);
        scratch.Refusal("", ImageFormat.Raw).Error.ShouldBe(StorageError.Unsupported);
        Directory.CreateDirectory(scratch.At("folder"));
        scratch.Refusal("folder", ImageFormat.Raw, readOnly: true).Error.ShouldBe(StorageError.Unsupported);
        using (Process fifo = Process.Start("mkfifo", scratch.At("fifo"))) fifo.WaitForExit();
        scratch.Refusal("fifo", ImageFormat.Raw, readOnly: true).Error.ShouldBe(StorageError.Unsupported);
        scratch.Refusal("/dev/null", ImageFormat.Raw).Error.ShouldBe(StorageError.Unsupported);
        File.WriteAllText(scratch.At("text"), "no image at all");
        scratch.Refusal("text").Error.ShouldBe(StorageError.WrongFormat);
        File.WriteAllBytes(scratch.At("short"), "QFI\u00fb"u8.ToArray());
        scratch.Refusal("short").Error.ShouldBe(StorageError.WrongFormat);
    }

    [Fact]
    public void EveryErrorHasWordsOfItsOwn()
    {
        StorageError[] all = Enum.GetValues<StorageError>();
        all.Select(StorageErrors.Cause).Distinct().Count().ShouldBe(all.Length);
        all.Select(StorageErrors.Remedy).ShouldAllBe(remedy => remedy.Length > 3 && !remedy.EndsWith('.'));
        Should.Throw<ArgumentOutOfRangeException>(() => StorageErrors.Cause((StorageError)999));
        new StorageFailure(StorageError.NoSpace, "disk").Message.ShouldContain("(disk)");
    }

    [Theory]
    [InlineData(3, 1000, 16)]
    [InlineData(3, 256, 16)]
    [InlineData(3, 4 << 20, 16)]
    [InlineData(4, 65536, 16)]
    [InlineData(3, 65536, 3)]
    [InlineData(3, 65536, 128)]
    [InlineData(2, 65536, 8)]
    public void SettingsThatNoImageCanHaveAreRefused(int version, int clusterSize, int refcountBits)
    {
        using var scratch = new Scratch();
        var creation = new ImageCreation { Size = 1 << 20, Version = version, ClusterSize = clusterSize, RefcountBits = refcountBits };
        ImageCreator.TryCreate(scratch.At("disk"), creation, null, out StorageFailure? failure).ShouldBeFalse();
        failure!.Error.ShouldBe(StorageError.BadSetting);
        File.Exists(scratch.At("disk")).ShouldBeFalse();
    }

    [Fact]
    public void SizesThatDoNotFitAreRefusedAndLeaveNoFile()
    {
        using var scratch = new Scratch();
        ImageCreator.TryCreate(scratch.At("disk"), new ImageCreation { Size = 1L << 50, ClusterSize = 512 }, null, out StorageFailure? failure).ShouldBeFalse();
        failure!.Error.ShouldBe(StorageError.BadSetting);
        ImageCreator.TryCreate(scratch.At("disk"), new ImageCreation(), null, out failure).ShouldBeFalse();
        ImageCreator.TryCreate(scratch.At("disk"), new ImageCreation { BackingFile = "gone", BackingFormat = ImageFormat.Raw }, null, out failure).ShouldBeFalse();
        failure!.Error.ShouldBe(StorageError.NotFound);
        Directory.GetFiles(scratch.Path).ShouldBeEmpty();
        File.WriteAllText(scratch.At("disk"), "here");
        ImageCreator.TryCreate(scratch.At("disk"), new ImageCreation { Size = 1 }, null, out failure).ShouldBeFalse();
        failure!.Error.ShouldBe(StorageError.Exists);
        File.ReadAllText(scratch.At("disk")).ShouldBe("here");
    }

    private static void Patched(Scratch scratch, int place, uint value)
    {
        scratch.Create("disk.qcow2", new ImageCreation { Size = 1 << 20 });
        byte[] bytes = File.ReadAllBytes(scratch.At("disk.qcow2"));
        BinaryPrimitives.WriteUInt32BigEndian(bytes.AsSpan(place), value);
        File.WriteAllBytes(scratch.At("disk.qcow2"), bytes);
    }
}
