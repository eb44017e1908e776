using System.Buffers.Binary;
using System.Text.Json;
using Hospes.Storage.Partitions;
using Hospes.Storage.Tests.Kit;
using Hospes.Storage.Volumes;

namespace Hospes.Storage.Tests.Volumes;

/// <summary>Partition tables as sfdisk writes and reads them, and damaged ones.</summary>
public sealed class PartitionTests
{
    private const int Sector = 512, DiskSize = 64 << 20;

    private const string Gpt = """
        label: gpt
        label-id: 11111111-2222-3333-4444-555555555555
        size=2M, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid=AAAAAAAA-0000-0000-0000-000000000001, name="EFI System"
        size=20M, type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, uuid=AAAAAAAA-0000-0000-0000-000000000002, name="Grüße"
        """;

    private const string Mbr = """
        label: dos
        label-id: 0x1234abcd
        disk1 : size=4M, type=83, bootable
        disk2 : size=4M, type=ef
        disk3 : size=40M, type=5
        disk5 : size=5M, type=83
        disk6 : size=6M, type=82
        disk7 : size=7M, type=83
        """;

    [Fact]
    public void AGuidPartitionTableIsReadAsSfdiskDoes()
    {
        PartitionTable table = Agree(Gpt);
        table.Scheme.ShouldBe(PartitionScheme.Gpt);
        table.FromBackup.ShouldBeFalse();
        table.Partitions[0].Type.ShouldBe(Partition.EfiSystem);
        table.Partitions.Select(static partition => partition.Name).ShouldBe(["EFI System", "Grüße"]);
        table.Partitions[1].Uuid.ShouldBe("aaaaaaaa-0000-0000-0000-000000000002");
    }

    [Fact]
    public void AMasterBootRecordIsReadAsSfdiskDoesWithItsLogicalPartitions()
    {
        PartitionTable table = Agree(Mbr);
        table.Scheme.ShouldBe(PartitionScheme.Mbr);
        table.Partitions.Select(static partition => partition.Number).ShouldBe([1, 2, 5, 6, 7]);
        table.Partitions[3].Uuid.ShouldBe("1234abcd-06");
    }

    [Theory]
    [InlineData(Sector + 20)]
    [InlineData(Sector + 60)]
    [InlineData(2 * Sector + 40)]
    public void ADamagedFirstCopyGivesWayToTheBackup(int damage)
    {
        byte[] disk = Make(Gpt);
        IReadOnlyList<Partition> whole = Read(disk).Partitions;
        disk[damage] ^= 0xFF;
        PartitionTable table = Read(disk);
        table.FromBackup.ShouldBeTrue();
        table.Partitions.ShouldBe(whole);
        disk[^(Sector - 20)] ^= 0xFF;
        PartitionTable.Read(Whole(disk), out table).ShouldBe(VolumeError.Corrupt);
        table.Partitions.ShouldBeEmpty();
    }

    [Fact]
    public void ATableOfADiskWithLargeSectorsIsFound()
    {
        byte[] disk = Make(Gpt);
        // The same table in sectors of 4 KiB: header and entries move, and what they count is made anew.
        byte[] header = disk.AsSpan(Sector, 92).ToArray(), entries = disk.AsSpan(2 * Sector, 128 * 128).ToArray(), large = new byte[DiskSize];
        disk.AsSpan(0, Sector).CopyTo(large);
        for (int i = 0; i < 2; i++)
        {
            for (int field = 32; field <= 40; field += 8)
            {
                Span<byte> bytes = entries.AsSpan(i * 128 + field);
                BinaryPrimitives.WriteUInt64LittleEndian(bytes, (BinaryPrimitives.ReadUInt64LittleEndian(bytes) + (field == 40 ? 1u : 0u)) / 8 - (field == 40 ? 1u : 0u));
            }
        }

        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(88), ~Checksums.Crc.Ieee(Checksums.Crc.Start, entries));
        header.AsSpan(16, 4).Clear();
        BinaryPrimitives.WriteUInt32LittleEndian(header.AsSpan(16), ~Checksums.Crc.Ieee(Checksums.Crc.Start, header));
        header.CopyTo(large.AsSpan(4096));
        entries.CopyTo(large.AsSpan(2 * 4096));
        Read(large).Partitions.ShouldBe(Read(disk).Partitions);
    }

    [Fact]
    public void AChainOfRecordsThatBitesItselfEnds()
    {
        byte[] disk = Make(Mbr);
        long extended = BinaryPrimitives.ReadUInt32LittleEndian(disk.AsSpan(446 + 2 * 16 + 8)) * (long)Sector;
        // The first record's pointer to the next leads to the first.
        BinaryPrimitives.WriteUInt32LittleEndian(disk.AsSpan((int)extended + 446 + 16 + 8), 0);
        Read(disk).Partitions.Select(static partition => partition.Number).ShouldBe([1, 2, 5]);
        BinaryPrimitives.WriteUInt32LittleEndian(disk.AsSpan((int)extended + 446 + 16 + 8), uint.MaxValue);
        Read(disk).Partitions.Select(static partition => partition.Number).ShouldBe([1, 2, 5]);
    }

    [Fact]
    public void PartitionsBehindTheDisksEndAreCutOrLeftOut()
    {
        byte[] disk = Make(Mbr);
        BinaryPrimitives.WriteUInt32LittleEndian(disk.AsSpan(446 + 8), uint.MaxValue);
        BinaryPrimitives.WriteUInt32LittleEndian(disk.AsSpan(446 + 16 + 12), uint.MaxValue);
        Partition second = Read(disk).Partitions[0];
        (second.Number, second.Start + second.Length).ShouldBe((2, DiskSize));
    }

    [Fact]
    public void ADiskWithoutATableHasNone()
    {
        Read(new byte[DiskSize]).Scheme.ShouldBe(PartitionScheme.None);
        Read(new byte[DiskSize]).Partitions.ShouldBeEmpty();
        Read(new byte[100]).Scheme.ShouldBe(PartitionScheme.None);
        // The boot sector of a file system ends in the same mark.
        byte[] disk = new byte[4096];
        Bytes.Random(4, 510).CopyTo(disk, 0);
        (disk[510], disk[511]) = (0x55, 0xAA);
        Read(disk).Scheme.ShouldBe(PartitionScheme.None);
    }

    private static PartitionTable Agree(string script)
    {
        using var scratch = new Scratch();
        byte[] disk = Make(script, scratch);
        PartitionTable table = Read(disk);
        using JsonDocument theirs = JsonDocument.Parse(scratch.Run("sfdisk", 0, "-J", "disk"));
        var expected = theirs.RootElement.GetProperty("partitiontable").GetProperty("partitions").EnumerateArray()
            .Where(static partition => partition.GetProperty("type").GetString() != "5")
            .Select(static partition => (partition.GetProperty("start").GetInt64() * Sector, partition.GetProperty("size").GetInt64() * Sector, partition.GetProperty("type").GetString()!.ToLowerInvariant()));
        table.Partitions.Select(static partition => (partition.Start, partition.Length, partition.Type)).ShouldBe(expected);
        return table;
    }

    private static byte[] Make(string script)
    {
        using var scratch = new Scratch();
        return Make(script, scratch);
    }

    private static byte[] Make(string script, Scratch scratch)
    {
        using (FileStream disk = File.Create(scratch.At("disk"))) disk.SetLength(DiskSize);
        File.WriteAllText(scratch.At("script"), script);
        scratch.Run("sh", 0, "-c", "sfdisk -q disk <script");
        return File.ReadAllBytes(scratch.At("disk"));
    }

    private static PartitionTable Read(byte[] disk)
    {
        PartitionTable.Read(Whole(disk), out PartitionTable table).ShouldBe(VolumeError.None);
        return table;
    }

    private static Volume Whole(byte[] disk) => Volume.Whole(new ByteDisk(disk), ExtImages.Budget);
}
