using System.Text;

namespace Hospes.Virtio.Tests.Scsi;

/// <summary>A SCSI disk and the commands that Linux' sd gives it.</summary>
public sealed class ScsiDiskTests
{
    private const int Size = 1 << 20, Sector = 512, Last = Size / Sector - 1;

    private readonly MemoryDisk _disk = new(Size);
    private readonly ScsiUnit _unit;
    private readonly FakeInitiator _initiator;

    public ScsiDiskTests()
    {
        _unit = ScsiUnit.Make(new ScsiUnitSettings(0, 0, _disk) { Serial = "S-1" });
        _initiator = new FakeInitiator(_unit);
        _initiator.Refuse([0x00]).ShouldBe(Sense.PowerOn, "the first command tells that the disk is new");
    }

    [Fact]
    public void It_says_what_it_is()
    {
        byte[] told = _initiator.Do([0x12, 0, 0, 0, 96, 0], 96);
        told.Length.ShouldBe(36);
        (told[0], told[1], told[2], told[4]).ShouldBe(((byte)0, (byte)0, (byte)5, (byte)31));
        Encoding.ASCII.GetString(told, 8, 24).ShouldBe("HOSPES  DISK            ");
        _initiator.Do([0x12, 0, 0, 0, 5, 0], 96).Length.ShouldBe(5, "no more than is wanted");
        _initiator.Do([0x12, 0, 0, 0, 96, 0], 7).Length.ShouldBe(7, "no more than there is room for");
        Page(0x00).ShouldBe([0x00, 0x80, 0x83, 0xB0, 0xB1, 0xB2]);
        Encoding.ASCII.GetString(Page(0x80)).ShouldBe("S-1");
        Encoding.ASCII.GetString(Page(0x83)[4..]).ShouldBe("HOSPES  S-1");
        Page(0xB0).Length.ShouldBe(60);
        Page(0xB1)[1].ShouldBe((byte)1);
        Page(0xB2)[1..3].ShouldBe([0xE0, 2]);
        _initiator.Refuse([0x12, 1, 0x89, 0, 96, 0], 96).ShouldBe(Sense.InvalidField);
        _initiator.Refuse([0x12, 0, 0x80, 0, 96, 0], 96).ShouldBe(Sense.InvalidField, "a page without asking for pages");
        var plain = new FakeInitiator(ScsiUnit.Make(new ScsiUnitSettings(0, 0, _disk)));
        plain.Do([0x12, 1, 0, 0, 96, 0], 96)[4..].ShouldBe([0x00, 0x83, 0xB0, 0xB1, 0xB2]);
        plain.Do([0x12, 1, 0x83, 0, 96, 0], 96).ShouldBe([0, 0x83, 0, 0]);

        byte[] Page(byte page)
        {
            byte[] all = _initiator.Do([0x12, 1, page, 0, 255, 0], 255);
            (all[1], all[2] << 8 | all[3]).ShouldBe((page, all.Length - 4));
            return all[4..];
        }
    }

    [Fact]
    public void It_says_how_large_it_is()
    {
        _initiator.Do([0x25], 8).ShouldBe([0, 0, Last >> 8, Last & 0xFF, 0, 0, 2, 0]);
        byte[] told = _initiator.Do([0x9E, 0x10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32], 32);
        told[..14].ShouldBe([0, 0, 0, 0, 0, 0, Last >> 8, Last & 0xFF, 0, 0, 2, 0, 0, 3]);
        told[14].ShouldBe((byte)0x80, "room can be given back");
        _initiator.Refuse([0x9E, 0x11], 32).ShouldBe(Sense.InvalidOperationCode);
        _disk.Resize(Size * 2);
        _unit.CapacityChanged();
        _initiator.Refuse([0x00]).ShouldBe(Sense.CapacityChanged);
        _initiator.Do([0x25], 8)[..4].ShouldBe([0, 0, (Size / Sector * 2 - 1) >> 8, 0xFF]);
    }

    [Theory]
    [InlineData(6)]
    [InlineData(10)]
    [InlineData(12)]
    [InlineData(16)]
    public void What_is_written_is_read(int length)
    {
        byte[] data = new byte[3 * Sector];
        new Random(length).NextBytes(data);
        _initiator.Do(Command(length, isWrite: true, 0x123, 3), data: data);
        _disk.Bytes.AsSpan(0x123 * Sector, data.Length).SequenceEqual(data).ShouldBeTrue();
        _initiator.Do(Command(length, isWrite: false, 0x123, 3), 3 * Sector).ShouldBe(data);
        _initiator.Refuse(Command(length, isWrite: false, Last, 2), 2 * Sector).ShouldBe(Sense.OutOfRange);
        _initiator.Refuse(Command(length, isWrite: true, Last + 1, 1), data: new byte[Sector]).ShouldBe(Sense.OutOfRange);
        _initiator.Try(Command(length, isWrite: false, 0, 3), 3 * Sector - 1).Response.ShouldBe(ScsiResponse.Overrun);
        _initiator.Try(Command(length, isWrite: true, 0, 3), 0, new byte[3 * Sector - 1]).Response.ShouldBe(ScsiResponse.Overrun);
    }

    [Fact]
    public void No_number_of_blocks_leads_outside()
    {
        _initiator.Refuse([0x88, 0, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0, 0, 0, 1], Sector).ShouldBe(Sense.OutOfRange);
        _initiator.Refuse([0x88, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xFF, 0xFF, 0xFF, 0xFF], Sector).ShouldBe(Sense.OutOfRange);
        _initiator.Do([0x08, 0, 0, 0, 0], 256 * Sector).Length.ShouldBe(256 * Sector, "no blocks are 256 in the shortest command");
        _initiator.Do([0x28, 0, 0, 0, 0, 0, 0, 0, 0], 0);
        _initiator.Refuse([0x28, 0x20, 0, 0, 0, 0, 0, 0, 1], Sector).ShouldBe(Sense.InvalidField, "no protection information");
    }

    [Fact]
    public void Writes_reach_the_disk_when_they_are_to()
    {
        _initiator.Do(Command(10, isWrite: true, 0, 1), data: new byte[Sector]);
        _disk.Flushes.ShouldBe(0);
        byte[] forced = Command(10, isWrite: true, 0, 1);
        forced[1] = 8;
        _initiator.Do(forced, data: new byte[Sector]);
        _disk.Flushes.ShouldBe(1);
        _initiator.Do([0x35]);
        _initiator.Do([0x91]);
        _disk.Flushes.ShouldBe(3);
    }

    [Fact]
    public void Room_is_given_back()
    {
        _initiator.Do([0x42, 0, 0, 0, 0, 0, 0, 0, 40], data: [0, 38, 0, 32, 0, 0, 0, 0, .. Range(8, 8), .. Range(100, 0)]);
        _disk.Ranges.ShouldBe([(8 * Sector, 8 * Sector, null)]);
        _initiator.Do([0x42]);
        _initiator.Refuse([0x42, 0, 0, 0, 0, 0, 0, 0, 24], data: [0, 22, 0, 16, 0, 0, 0, 0, .. Range(Last, 2)]).ShouldBe(Sense.OutOfRange);
        _initiator.Refuse([0x42, 0, 0, 0, 0, 0, 0, 0, 24], data: [0, 22, 0, 16, 0, 0, 0, 0, .. Range(0, uint.MaxValue)]).ShouldBe(Sense.InvalidParameter);
        _initiator.Refuse([0x42, 0, 0, 0, 0, 0, 0, 0, 24], data: [0, 22, 0, 32, 0, 0, 0, 0, .. Range(0, 1)]).ShouldBe(Sense.ParameterListLengthError);
        _initiator.Refuse([0x42, 0, 0, 0, 0, 0, 0, 0, 7], data: new byte[7]).ShouldBe(Sense.ParameterListLengthError);
        _initiator.Refuse([0x42, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF], data: new byte[65535]).ShouldBe(Sense.ParameterListLengthError);
        _initiator.Try([0x42, 0, 0, 0, 0, 0, 0, 0, 24]).Response.ShouldBe(ScsiResponse.Overrun);
        _initiator.Refuse([0x42, 1, 0, 0, 0, 0, 0, 0, 0]).ShouldBe(Sense.InvalidField);
        _disk.Ranges.Count.ShouldBe(1);
        // Zeros, with and without room given back, and without data at all.
        _disk.Ranges.Clear();
        _initiator.Do([0x41, 8, 0, 0, 0, 16, 0, 0, 4], data: new byte[Sector]);
        _initiator.Do([0x93, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0, 0, 2], data: new byte[Sector]);
        _initiator.Do([0x93, 9, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0, 1]);
        _disk.Ranges.ShouldBe([(16 * Sector, 4 * Sector, true), (32 * Sector, 2 * Sector, false), (64 * Sector, Sector, true)]);
        byte[] pattern = [.. Enumerable.Range(0, Sector).Select(static i => (byte)(i * 7))];
        _initiator.Do([0x41, 0, 0, 0, 1, 0, 0, 0, 37], data: pattern);
        for (int i = 0; i < 37; i++) _disk.Bytes.AsSpan((256 + i) * Sector, Sector).SequenceEqual(pattern).ShouldBeTrue();
        _disk.Bytes[(256 + 37) * Sector + 1].ShouldBe((byte)0);
        _initiator.Refuse([0x41, 0, 0, 0, 7, 0xFF, 0, 0, 2], data: pattern).ShouldBe(Sense.OutOfRange);
        _initiator.Refuse([0x93, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFF], data: pattern).ShouldBe(Sense.InvalidField);
        _initiator.Refuse([0x41, 4, 0, 0, 0, 0, 0, 0, 1], data: pattern).ShouldBe(Sense.InvalidField);
        _initiator.Try([0x41, 0, 0, 0, 0, 0, 0, 0, 1]).Response.ShouldBe(ScsiResponse.Overrun);

        static byte[] Range(uint first, uint count) => [0, 0, 0, 0, .. Number(first), .. Number(count), 0, 0, 0, 0];
        static byte[] Number(uint value) => [(byte)(value >> 24), (byte)(value >> 16), (byte)(value >> 8), (byte)value];
    }

    [Fact]
    public void Modes_can_be_read()
    {
        byte[] caching = _initiator.Do([0x1A, 8, 8, 0, 255], 255);
        caching[..7].ShouldBe([23, 0, 0x10, 0, 8, 18, 4], "the write cache is on");
        _initiator.Do([0x5A, 0, 0x3F, 0, 0, 0, 0, 1, 0], 256)[..10].ShouldBe([0, 46, 0, 0x10, 0, 0, 0, 8, 0, 0]);
        _initiator.Do([0x1A, 8, 0x48, 0, 255], 255)[4..7].ShouldBe([8, 18, 0], "and can't be changed");
        _initiator.Refuse([0x1A, 0, 0xC8, 0, 255], 255).ShouldBe(Sense.SavingNotSupported);
        _initiator.Refuse([0x1A, 0, 0x0A, 0, 255], 255).ShouldBe(Sense.InvalidField);
        _initiator.Refuse([0x1A, 0, 8, 7, 255], 255).ShouldBe(Sense.InvalidField);
    }

    [Fact]
    public void A_read_only_disk_takes_no_change()
    {
        var fixedDisk = new FakeInitiator(ScsiUnit.Make(new ScsiUnitSettings(0, 0, _disk) { IsReadOnly = true }));
        fixedDisk.Try([0x00]);
        fixedDisk.Do([0x1A, 8, 8, 0, 255], 255)[2].ShouldBe((byte)0x90);
        fixedDisk.Refuse(Command(10, isWrite: true, 0, 1), data: new byte[Sector]).ShouldBe(Sense.WriteProtected);
        fixedDisk.Refuse([0x42, 0, 0, 0, 0, 0, 0, 0, 8], data: new byte[8]).ShouldBe(Sense.WriteProtected);
        fixedDisk.Refuse([0x41, 0, 0, 0, 0, 0, 0, 0, 1], data: new byte[Sector]).ShouldBe(Sense.WriteProtected);
        fixedDisk.Do([0x28, 0, 0, 0, 0, 0, 0, 0, 1], Sector);
    }

    [Fact]
    public void Errors_of_the_disk_are_told_and_the_rest_is_asked_for()
    {
        _disk.Answer = BlockResult.Failed;
        _initiator.Refuse(Command(10, isWrite: false, 0, 1), Sector).ShouldBe(Sense.ReadError);
        _initiator.Refuse(Command(10, isWrite: true, 0, 1), data: new byte[Sector]).ShouldBe(Sense.WriteError);
        _initiator.Refuse([0x35]).ShouldBe(Sense.WriteError);
        _disk.Answer = BlockResult.Ok;
        _initiator.Do([0x03, 0, 0, 0, 18], 18)[2].ShouldBe((byte)0);
        _unit.Reset();
        byte[] sense = _initiator.Do([0x03, 0, 0, 0, 18], 18);
        (sense[0], sense[2], sense[7], sense[12], sense[13]).ShouldBe(((byte)0x70, (byte)6, (byte)10, (byte)0x29, (byte)0));
        _initiator.Do([0x00]);
        _initiator.Refuse([0x03, 1, 0, 0, 18], 18).ShouldBe(Sense.InvalidField);
        _initiator.Do([0x2F, 0, 0, 0, 0, 0, 0, 0, 1]);
        _initiator.Refuse([0x2F, 2, 0, 0, 0, 0, 0, 0, 1]).ShouldBe(Sense.InvalidField);
        _initiator.Refuse([0x8F, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 1]).ShouldBe(Sense.OutOfRange);
        _initiator.Refuse([0xEE]).ShouldBe(Sense.InvalidOperationCode);
        _initiator.Do([0x1B, 0, 0, 0, 2]);
        _initiator.IsGone = true;
        _initiator.Try(Command(10, isWrite: false, 0, 1), Sector).IsLost.ShouldBeTrue();
        _initiator.Try([0x12, 0, 0, 0, 96, 0], 96).IsLost.ShouldBeTrue();
    }

    [Fact]
    public void Limits_count_what_passes()
    {
        _unit.Measure(Whole(Command(10, isWrite: true, 0, 3)), new Lengths(0, 9999), out bool isWrite, out ulong bytes).ShouldBeTrue();
        (isWrite, bytes).ShouldBe((true, 1536ul));
        _unit.Measure(Whole(Command(16, isWrite: false, 0, 3)), new Lengths(700, 0), out isWrite, out bytes).ShouldBeTrue();
        (isWrite, bytes).ShouldBe((false, 700ul));
        _unit.Measure(Whole([0x42]), new Lengths(0, 24), out isWrite, out bytes).ShouldBeTrue();
        (isWrite, bytes).ShouldBe((true, 0ul));
        _unit.Measure(Whole([0x12]), new Lengths(36, 0), out _, out _).ShouldBeFalse();

        static byte[] Whole(byte[] cdb) => [.. cdb, .. new byte[32 - cdb.Length]];
    }

    private static byte[] Command(int length, bool isWrite, int first, byte count)
    {
        byte high = (byte)(first >> 8), low = (byte)first;
        return length switch
        {
            6 => [(byte)(isWrite ? 0x0A : 0x08), 0, high, low, count, 0],
            10 => [(byte)(isWrite ? 0x2A : 0x28), 0, 0, 0, high, low, 0, 0, count, 0],
            12 => [(byte)(isWrite ? 0xAA : 0xA8), 0, 0, 0, high, low, 0, 0, 0, count, 0, 0],
            _ => [(byte)(isWrite ? 0x8A : 0x88), 0, 0, 0, 0, 0, 0, 0, high, low, 0, 0, 0, count, 0, 0],
        };
    }

    private sealed class Lengths(uint into, uint from) : IScsiData
    {
        public uint OutLength => from;

        public uint InLength => into;

        public bool Take(uint at, Span<byte> to) => false;

        public bool Give(ReadOnlySpan<byte> bytes) => false;

        public bool ReadDisk(IBlockBackend disk, long offset, uint length, out BlockResult result, out uint passed) => throw new InvalidOperationException();

        public bool WriteDisk(IBlockBackend disk, long offset, uint length, out BlockResult result) => throw new InvalidOperationException();
    }
}
