using System.Buffers.Binary;
using System.Text.Json;
using Hospes.Storage.Qcow2;
using Hospes.Storage.Tests.Kit;

namespace Hospes.Storage.Tests;

/// <summary>Damaged images: QEMU and Hospes count the same faults, and what either repairs the other finds sound.</summary>
public sealed class CheckTests
{
    private const ulong OffsetMask = 0x00ff_ffff_ffff_fe00;

    public static TheoryData<string, int> Damages() => new()
    {
        { "leak", 3 }, { "missing count", 2 }, { "copied flag", 2 }, { "shared cluster", 2 }, { "beyond the end", 2 }, { "block gone", 2 },
    };

    [Theory]
    [MemberData(nameof(Damages))]
    public void FaultsAreCountedAsQemuCountsThem(string damage, int status)
    {
        using var scratch = new Scratch();
        Make(scratch, damage);
        using JsonDocument qemu = JsonDocument.Parse(Json(scratch.Run("qemu-img", status, "check", "--output=json", "-f", "qcow2", "disk.qcow2")));
        Qcow2CheckResult ours = Check(scratch, RepairMode.None);
        ours.Corruptions.ShouldBe(Number(qemu, "corruptions"), string.Join('\n', ours.Findings));
        ours.Leaks.ShouldBe(Number(qemu, "leaks"), string.Join('\n', ours.Findings));
        ours.Findings.ShouldNotBeEmpty();
    }

    [Theory]
    [MemberData(nameof(Damages))]
    public void WhatIsRepairedIsSoundForQemu(string damage, int status)
    {
        using var scratch = new Scratch();
        Make(scratch, damage);
        if (status == 3)
        {
            Check(scratch, RepairMode.Leaks).LeaksFixed.ShouldBeGreaterThan(0);
        }
        else
        {
            Qcow2CheckResult result = Check(scratch, RepairMode.All);
            (result.Corruptions, result.Leaks, result.CheckErrors).ShouldBe((0, 0, 0), string.Join('\n', result.Findings));
            result.CorruptionsFixed.ShouldBeGreaterThan(0);
        }

        scratch.QemuFindsNothing("disk.qcow2");
        using (IBlockImage image = scratch.Open("disk.qcow2"))
        {
            byte[] data = new byte[4096];
            image.Read(1 << 20, data).ShouldBe(StorageError.None);
            data.ShouldAllBe(value => value == 2);
            image.Put(3 << 20, Bytes.Random(1, 1 << 20));
        }

        scratch.QemuFindsNothing("disk.qcow2");
    }

    [Fact]
    public void LeaksAloneAreRepairedBesideCorruptions()
    {
        using var scratch = new Scratch();
        Make(scratch, "leak");
        Patch(scratch, (bytes, l2) => Flip(bytes, l2, 1ul << 63));
        Qcow2CheckResult result = Check(scratch, RepairMode.Leaks);
        result.Leaks.ShouldBe(0);
        result.Corruptions.ShouldBe(1);
    }

    [Fact]
    public void ARawImageHasNothingToCheckAndACancelledCheckSaysSo()
    {
        using var scratch = new Scratch();
        File.WriteAllBytes(scratch.At("disk.raw"), new byte[4096]);
        ImageInspector.TryCheck(scratch.At("disk.raw"), null, RepairMode.None, null, default, out _, out StorageFailure? failure).ShouldBeFalse();
        failure!.Error.ShouldBe(StorageError.Unsupported);
        Make(scratch, "leak");
        ImageInspector.TryCheck(scratch.At("disk.qcow2"), null, RepairMode.None, null, new CancellationToken(canceled: true), out _, out failure).ShouldBeFalse();
        failure!.Error.ShouldBe(StorageError.Cancelled);
    }

    /// <summary>QEMU repairs what a kill left here, and we what it left: the same image both ways.</summary>
    [Fact]
    public void QemuRepairsOurImagesToo()
    {
        using var scratch = new Scratch();
        foreach ((string damage, _) in Damages().Select(row => ((string)row[0], row[1])))
        {
            // QEMU has no repair for an entry that points out of the file.
            if (damage == "beyond the end") continue;
            Make(scratch, damage);
            scratch.Run("qemu-img", 0, "check", "-r", "all", "-f", "qcow2", "disk.qcow2");
            Qcow2CheckResult result = Check(scratch, RepairMode.None);
            (result.Corruptions, result.Leaks).ShouldBe((0, 0), damage);
            File.Delete(scratch.At("disk.qcow2"));
        }
    }

    private static Qcow2CheckResult Check(Scratch scratch, RepairMode mode)
    {
        ImageInspector.TryCheck(scratch.At("disk.qcow2"), ImageFormat.Qcow2, mode, null, default, out Qcow2CheckResult? result, out StorageFailure? failure).ShouldBeTrue(failure?.Message);
        return result!;
    }

    private static void Make(Scratch scratch, string damage)
    {
        scratch.Create("disk.qcow2", new ImageCreation { Size = 4 << 20 });
        scratch.QemuIo("disk.qcow2", "write -P 1 0 256k", "write -P 2 1M 64k");
        Patch(scratch, (bytes, l2) =>
        {
            long table = BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(48)), block = BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan((int)table));
            long cluster = (long)(BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan((int)l2)) & OffsetMask) >> 16;
            Span<byte> counts = bytes.AsSpan((int)block);
            switch (damage)
            {
                case "leak": BinaryPrimitives.WriteUInt16BigEndian(counts[((bytes.Length >> 16) * 2)..], 1); break;
                case "missing count": BinaryPrimitives.WriteUInt16BigEndian(counts[(int)(cluster * 2)..], 0); break;
                case "copied flag": Flip(bytes, l2, 1ul << 63); break;
                case "shared cluster": bytes.AsSpan((int)l2, 8).CopyTo(bytes.AsSpan((int)l2 + 8)); break;
                case "beyond the end": Flip(bytes, l2, 1ul << 40); break;
                default: BinaryPrimitives.WriteInt64BigEndian(bytes.AsSpan((int)table), 0); break;
            }
        });
    }

    private static void Patch(Scratch scratch, Action<byte[], long> change)
    {
        byte[] bytes = File.ReadAllBytes(scratch.At("disk.qcow2"));
        long l1 = BinaryPrimitives.ReadInt64BigEndian(bytes.AsSpan(40));
        change(bytes, (long)(BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan((int)l1)) & OffsetMask));
        // One cluster more than is in use, for a leak to lie in.
        Array.Resize(ref bytes, bytes.Length + 65536);
        File.WriteAllBytes(scratch.At("disk.qcow2"), bytes);
    }

    private static void Flip(byte[] bytes, long at, ulong bits) =>
        BinaryPrimitives.WriteUInt64BigEndian(bytes.AsSpan((int)at), BinaryPrimitives.ReadUInt64BigEndian(bytes.AsSpan((int)at)) ^ bits);

    private static string Json(string output) => output[output.IndexOf('{')..(output.LastIndexOf('}') + 1)];

    private static long Number(JsonDocument document, string property) => document.RootElement.TryGetProperty(property, out JsonElement value) ? value.GetInt64() : 0;
}
