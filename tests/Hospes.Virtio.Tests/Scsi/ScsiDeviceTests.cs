using System.Buffers.Binary;
using Hospes.Virtio.Testing;

namespace Hospes.Virtio.Tests.Scsi;

/// <summary>The SCSI host device (virtio 1.2, 5.6) behind a driver.</summary>
public sealed class ScsiDeviceTests : IDisposable
{
    private const ulong Split = VirtioFeatures.Version1 | VirtioFeatures.RingReset | 0xFFFFFF, Packed = ulong.MaxValue;
    private const int Control = 0, Events = 1, Commands = 2, AnswerSize = 12 + 96, Sector = 512;
    private const byte Done = 0, Overrun = 1, Aborted = 2, BadTarget = 3, ResetAway = 4, Failure = 9, Succeeded = 10, Rejected = 11, IncorrectLun = 12;

    private static readonly byte[] s_disk = Lun(3, 0), s_drive = Lun(4, 7);

    private readonly ManualClock _time = new();
    private readonly MemoryDisk _disk = new(1 << 20), _disc = new(1 << 16);
    private readonly Tray _tray = new(hasMedium: true);
    private readonly RequestGate _gate;
    private readonly ScsiUnitSettings _unit;
    private DeviceBench? _bench;
    private ulong _id;

    public ScsiDeviceTests()
    {
        _disc.Bytes.AsSpan().Fill(1);
        _gate = new RequestGate(_time);
        _unit = new ScsiUnitSettings(3, 0, _disk) { Gate = _gate };
    }

    public void Dispose() => _bench?.Dispose();

    [Theory]
    [InlineData(Split)]
    [InlineData(Packed)]
    public void What_is_written_is_read(ulong features)
    {
        Bring(features);
        var random = new Random(1);
        for (int i = 1; i < 60; i++)
        {
            byte[] data = new byte[Sector * i * 9];
            random.NextBytes(data);
            byte[] count = [(byte)(data.Length / Sector >> 8), (byte)(data.Length / Sector)];
            Answer written = Do(s_disk, [0x2A, 0, 0, 0, 0, (byte)i, 0, .. count], data);
            (written.Response, written.Status, written.Residual, written.Written).ShouldBe((Done, (byte)0, 0u, (uint)AnswerSize));
            Answer read = Do(s_disk, [0x28, 0, 0, 0, 0, (byte)i, 0, .. count], room: (uint)data.Length + 100);
            (read.Response, read.Status, read.Residual, read.Written).ShouldBe((Done, (byte)0, 100u, (uint)(AnswerSize + data.Length)));
            read.Data.AsSpan(0, data.Length).SequenceEqual(data).ShouldBeTrue();
        }
    }

    [Fact]
    public void The_configuration_says_what_it_is_and_two_fields_are_the_drivers()
    {
        Bring(Split, queues: 3);
        (Config(0), Config(8), Config(12), Config(16), Config(20), Config(24)).ShouldBe((3ul, 0xFFFFul, 32ul, 16ul, 96ul, 32ul));
        (Config(30, 2), Config(32)).ShouldBe((4ul, 255ul));
        Write(24, 16);
        Write(20, 10);
        Write(0, 9);
        Write(24, 256);
        Write(24, 0);
        Write(20, 253);
        (Config(0), Config(20), Config(24)).ShouldBe((3ul, 10ul, 16ul));
        // A shorter CDB, and as much of the sense data as there is room for.
        DriverBuffer answer = _bench!.Driver.Room(22);
        _bench.Exchange(Commands + 1, _bench.Driver.Fill([.. s_disk, .. new byte[11], .. new byte[16]]), answer).ShouldBe(22u);
        byte[] told = _bench.Driver.Read(answer);
        (told[0], told[10], told[14]).ShouldBe(((byte)10, (byte)2, (byte)6));
        _bench.Driver.Bring(Split);
        DeviceBench.Until(() => Config(24) == 32 && Config(20) == 96);

        void Write(int at, ulong value) => _bench!.Transport.Write(0x2000 + (ulong)at, 4, value);
    }

    [Fact]
    public void Who_is_not_there_is_told_of()
    {
        Bring(Split);
        Do(Lun(5, 0), [0]).Response.ShouldBe(BadTarget);
        Do([0, 3, 0, 0, 0, 0, 0, 0], [0]).Response.ShouldBe(BadTarget);
        Answer missing = Do(Lun(3, 1), [0]);
        (missing.Response, missing.Status, missing.Sense[2], missing.Sense[12]).ShouldBe((Done, (byte)2, (byte)5, (byte)0x25));
        Do([1, 3, 0xC1, 1, 0, 0, 0, 0], [0]).Sense[12].ShouldBe((byte)0x25);
        Do([1, 3, 0, 0, 0, 0, 0, 0], [0]).Status.ShouldBe((byte)0, "the other form of the address");
        Answer list = Do(Lun(4, 0), [0xA0, 0, 0, 0, 0, 0, 0, 0, 0, 64], room: 64);
        (list.Residual, list.Data[3], list.Data[9]).ShouldBe((48u, (byte)8, (byte)7));
        Do(s_disk, [0x28, 0, 0, 0, 0, 0, 0, 0, 2], room: 1023).Response.ShouldBe(Overrun);
        Do(s_disk, [0x28, 0, 0, 0, 0, 0, 0, 0, 1], new byte[512], 512).Response.ShouldBe(Failure);
        Answer outside = Do(s_disk, [0x28, 0, 0xFF, 0, 0, 0, 0, 0, 1], room: 512);
        (outside.Status, outside.Sense[0], outside.Sense[2], outside.Sense[12], outside.Residual).ShouldBe(((byte)2, (byte)0x70, (byte)5, (byte)0x21, 512u));
    }

    [Theory]
    [InlineData(50, AnswerSize)]
    [InlineData(51, AnswerSize - 1)]
    [InlineData(1, 0)]
    public void What_is_no_command_breaks_the_device(int sent, int room)
    {
        Bring(Split);
        DriverBuffer[] parts = room > 0 ? [_bench!.Driver.Fill(new byte[sent]), _bench.Driver.Room((uint)room)] : [_bench!.Driver.Fill(new byte[sent])];
        _bench.Driver.Send(Commands, parts);
        DeviceBench.Until(() => _bench.Driver.Status.HasFlag(VirtioStatus.NeedsReset));
        Bring(Split);
        Do(s_disk, [0]).Response.ShouldBe(Done);
    }

    [Fact]
    public void Tasks_are_managed()
    {
        Bring(Split);
        Manage(2, s_disk).ShouldBe(Rejected);
        Manage(99, s_disk).ShouldBe(Rejected);
        Manage(0, Lun(9, 0)).ShouldBe(BadTarget);
        Manage(0, Lun(3, 9)).ShouldBe(IncorrectLun);
        // Commands that wait for a permit are there until they are aborted.
        _gate.Limits = new RequestLimits { ReadOperations = new RateLimit(1) };
        Do(s_disk, Read(0), room: Sector).Status.ShouldBe((byte)0);
        DriverBuffer[] held = [.. Enumerable.Range(0, 3).Select(i => Begin(s_disk, Read((byte)i)))];
        DeviceBench.Until(() => Manage(6, s_disk, _id) == Succeeded);
        (Manage(6, s_disk, _id), Manage(6, s_disk, _id + 1), Manage(7, s_disk), Manage(7, s_drive)).ShouldBe((Succeeded, Done, Succeeded, Done));
        Manage(0, s_disk, _id).ShouldBe(Done);
        Response(held[2]).ShouldBe(Aborted);
        Manage(0, s_disk, _id).ShouldBe(Done, "it is no longer there");
        Manage(3, s_disk).ShouldBe(Done);
        (Response(held[0]), Response(held[1])).ShouldBe((Aborted, Aborted));
        DriverBuffer last = Begin(s_disk, Read(0));
        DeviceBench.Until(() => Manage(6, s_disk, _id) == Succeeded);
        Manage(5, s_disk).ShouldBe(Done);
        Response(last).ShouldBe(ResetAway);
        Do(s_disk, [0]).Sense[12].ShouldBe((byte)0x29, "a reset is told of");
        Do(s_drive, [0x1E, 0, 0, 0, 1]).Status.ShouldBe((byte)0);
        _tray.IsLocked.ShouldBeTrue();
        Manage(4, s_drive).ShouldBe(Done);
        _tray.IsLocked.ShouldBeFalse();
        // Nobody tells of himself asynchronously; the question is answered all the same.
        DriverBuffer answer = _bench!.Driver.Room(5);
        _bench.Exchange(Control, _bench.Driver.Fill([2, 0, 0, 0, .. s_disk, 0xFF, 0, 0, 0]), answer).ShouldBe(5u);
        _bench.Driver.Read(answer).ShouldBe(new byte[5]);
        answer = _bench.Driver.Room(1);
        _bench.Exchange(Control, _bench.Driver.Fill([9, 0, 0, 0]), answer);
        _bench.Driver.Read(answer)[0].ShouldBe(Failure);
        _bench.Driver.Send(Control, _bench.Driver.Fill([0, 0, 0, 0]), _bench.Driver.Room(1));
        DeviceBench.Until(() => _bench.Driver.Status.HasFlag(VirtioStatus.NeedsReset));
    }

    [Fact]
    public void A_unit_that_waits_holds_up_no_other()
    {
        Bring(Split);
        _gate.Limits = new RequestLimits { ReadBytes = new RateLimit(1) };
        for (int i = 0; i < 40; i++) Begin(s_disk, Read(0));
        DeviceBench.Until(() => _time.IsAwaited);
        (byte[] cdb, uint room) = ([0x28, 0, 0, 0, 0, 0, 0, 0, 1], 2048);
        DriverBuffer answer = Begin(s_drive, cdb, room);
        DeviceBench.Until(() => IsAnswered(answer));
        // A reset waits for none of them.
        Bring(Split);
        _gate.Limits = new RequestLimits();
        Do(s_disk, Read(0), room: Sector).Status.ShouldBe((byte)0);
    }

    [Fact]
    public void Another_length_is_told_and_told_of_as_missed()
    {
        Bring(Split);
        DriverBuffer first = _bench!.Driver.Room(16);
        _bench.Driver.Send(Events, first);
        Grow();
        _bench.Driver.Await(Events, DeviceBench.Patience).ShouldNotBeNull().Written.ShouldBe(16u);
        _bench.Driver.Read(first).ShouldBe([3, 0, 0, 0, 1, 3, 0, 0, 0, 0, 0, 0, 0x2A, 9, 0, 0]);
        Do(s_disk, [0]).Sense[12].ShouldBe((byte)0x2A);
        Grow();
        Do(s_disk, [0]).Sense[12].ShouldBe((byte)0x2A);
        DriverBuffer late = _bench.Driver.Room(16);
        _bench.Driver.Send(Events, late);
        _bench.Driver.Await(Events, DeviceBench.Patience).ShouldNotBeNull();
        BinaryPrimitives.ReadUInt32LittleEndian(_bench.Driver.Read(late)).ShouldBe(0x80000000u);

        void Grow()
        {
            _disk.Resize((int)_disk.Length + 4096);
            ((ScsiDevice)_bench!.Device).CapacityChanged(_unit);
        }
    }

    [Fact]
    public void Units_have_places_of_their_own()
    {
        Should.Throw<ArgumentException>(() => new ScsiDevice([_unit, _unit]));
        Should.Throw<ArgumentOutOfRangeException>(() => new ScsiDevice([_unit with { Lun = 256 }]));
        Should.Throw<ArgumentOutOfRangeException>(() => new ScsiDevice([_unit with { Serial = new string('x', 21) }]));
        Should.Throw<ArgumentOutOfRangeException>(() => new ScsiDevice([_unit], queues: 17));
        Should.Throw<ArgumentOutOfRangeException>(() => new ScsiDevice([.. Enumerable.Range(0, 17).Select(at => _unit with { Lun = at })]));
    }

    private static byte[] Lun(byte target, byte lun) => [1, target, 0x40, lun, 0, 0, 0, 0];

    private static byte[] Read(byte first) => [0x28, 0, 0, 0, 0, first, 0, 0, 1];

    private void Bring(ulong features, int queues = 1)
    {
        _bench ??= new DeviceBench(new ScsiDevice([_unit, new ScsiUnitSettings(4, 7, _disc) { Tray = _tray, IsReadOnly = true }], queues));
        _bench.Driver.Bring(features);
        // The first command to each tells that it is new.
        if (queues != 1) return;
        Do(s_disk, [0]).Sense[12].ShouldBe((byte)0x29);
        Do(s_drive, [0]).Sense[12].ShouldBe((byte)0x29);
    }

    private ulong Config(int at, int size = 4) => _bench!.Transport.Read(0x2000 + (ulong)at, size);

    /// <summary>Begins a command; its answer is in what is given back.</summary>
    private DriverBuffer Begin(byte[] lun, byte[] cdb, uint room = Sector, byte[]? data = null)
    {
        byte[] request = new byte[51];
        lun.CopyTo(request, 0);
        BinaryPrimitives.WriteUInt64LittleEndian(request.AsSpan(8), ++_id);
        cdb.CopyTo(request, 19);
        DriverBuffer answer = _bench!.Driver.Room(AnswerSize + room);
        _bench.Driver.Send(Commands, _bench.Driver.Fill([.. request, .. data ?? []]), answer);
        return answer;
    }

    private bool IsAnswered(DriverBuffer answer)
    {
        while (_bench!.Driver[Commands].TryTakeUsed(out _, out _))
        {
        }
        // Data of a disk of zeros do not tell; a disc's are marked.
        return _bench.Driver.Read(answer)[AnswerSize] == 1;
    }

    private byte Response(DriverBuffer answer)
    {
        _bench!.Driver.Await(Commands, DeviceBench.Patience).ShouldNotBeNull();
        return _bench.Driver.Read(answer)[11];
    }

    private Answer Do(byte[] lun, byte[] cdb, byte[]? data = null, uint room = 0)
    {
        DriverBuffer answer = Begin(lun, cdb, room, data);
        uint written = _bench!.Driver.Await(Commands, DeviceBench.Patience).ShouldNotBeNull().Written;
        byte[] told = _bench.Driver.Read(answer);
        return new Answer(told[11], told[10], BinaryPrimitives.ReadUInt32LittleEndian(told.AsSpan(4)), told[12..30], told[AnswerSize..], written);
    }

    private byte Manage(uint kind, byte[] lun, ulong id = 0)
    {
        byte[] request = new byte[24];
        BinaryPrimitives.WriteUInt32LittleEndian(request.AsSpan(4), kind);
        lun.CopyTo(request, 8);
        BinaryPrimitives.WriteUInt64LittleEndian(request.AsSpan(16), id);
        DriverBuffer answer = _bench!.Driver.Room(1);
        _bench.Exchange(Control, _bench.Driver.Fill(request), answer).ShouldBe(1u);
        return _bench.Driver.Read(answer)[0];
    }

    private sealed record Answer(byte Response, byte Status, uint Residual, byte[] Sense, byte[] Data, uint Written);
}
