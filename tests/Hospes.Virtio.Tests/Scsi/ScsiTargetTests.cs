namespace Hospes.Virtio.Tests.Scsi;

/// <summary>What a target answers for units that are there and for those that are not.</summary>
public sealed class ScsiTargetTests : IScsiData
{
    private readonly ScsiTarget _target = new([.. new[] { 1, 200 }.Select(static lun => ScsiUnit.Make(new ScsiUnitSettings(0, lun, new MemoryDisk(4096))))]);
    private byte[] _given = [];

    uint IScsiData.OutLength => 0;

    uint IScsiData.InLength => 4096;

    [Fact]
    public void Units_are_listed_and_missing_ones_answered_for()
    {
        Do(0, 0xA0, 0, 0, 0, 0, 0, 0, 0, 16, 0).Sense.ShouldBe(Sense.None);
        _given.ShouldBe([0, 0, 0, 16, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 200, 0, 0, 0, 0, 0, 0]);
        Do(200, 0xA0, 0, 1, 0, 0, 0, 0, 0, 16, 0).Sense.ShouldBe(Sense.None);
        _given.ShouldBe(new byte[8], "no well-known units");
        Do(1, 0xA0, 0, 3, 0, 0, 0, 0, 0, 16, 0).Sense.ShouldBe(Sense.InvalidField);
        Do(0, 0x12, 0, 0, 0, 36).Sense.ShouldBe(Sense.None);
        _given[0].ShouldBe((byte)0x7F, "there could be none here");
        Do(1, 0x12, 0, 0, 0, 36).Sense.ShouldBe(Sense.None);
        _given[0].ShouldBe((byte)0);
        Do(0, 0x03, 0, 0, 0, 18).Sense.ShouldBe(Sense.None);
        (_given[2], _given[12]).ShouldBe(((byte)5, (byte)0x25));
        Do(0, 0x00).Sense.ShouldBe(Sense.UnitNotSupported);
        Do(0, 0x12, 1, 0x80, 0, 36).Sense.ShouldBe(Sense.UnitNotSupported);
    }

    bool IScsiData.Take(uint at, Span<byte> to) => throw new InvalidOperationException();

    bool IScsiData.Give(ReadOnlySpan<byte> bytes)
    {
        _given = bytes.ToArray();
        return true;
    }

    bool IScsiData.ReadDisk(IBlockBackend disk, long offset, uint length, out BlockResult result, out uint passed) => throw new InvalidOperationException();

    bool IScsiData.WriteDisk(IBlockBackend disk, long offset, uint length, out BlockResult result) => throw new InvalidOperationException();

    private ScsiAnswer Do(int lun, params byte[] cdb) => _target.Execute(_target.Find(lun), [.. cdb, .. new byte[32 - cdb.Length]], this);
}
