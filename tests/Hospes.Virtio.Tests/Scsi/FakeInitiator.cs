namespace Hospes.Virtio.Tests.Scsi;

/// <summary>An initiator that gives one command after the other to a unit and keeps what it is given.</summary>
internal sealed class FakeInitiator(ScsiUnit unit) : IScsiData
{
    private byte[] _out = [], _in = [];

    public uint OutLength => (uint)_out.Length;

    public uint InLength => (uint)_in.Length;

    /// <summary>Whether the initiator's memory is gone.</summary>
    public bool IsGone { get; set; }

    /// <summary>Does a command that has to be done.</summary>
    /// <returns>The data that were given.</returns>
    public byte[] Do(byte[] cdb, int room = 0, byte[]? data = null)
    {
        ScsiAnswer answer = Try(cdb, room, data);
        answer.ShouldSatisfyAllConditions(() => answer.Sense.ShouldBe(Sense.None), () => answer.Response.ShouldBe(ScsiResponse.Done), () => answer.IsLost.ShouldBeFalse());
        return room == 0 ? [] : _in[..(int)answer.Passed];
    }

    /// <summary>Does a command that has to be refused.</summary>
    public Sense Refuse(byte[] cdb, int room = 0, byte[]? data = null)
    {
        ScsiAnswer answer = Try(cdb, room, data);
        answer.Status.ShouldBe(ScsiStatus.CheckCondition);
        return answer.Sense;
    }

    public ScsiAnswer Try(byte[] cdb, int room = 0, byte[]? data = null)
    {
        (_in, _out) = (new byte[room], data ?? []);
        byte[] whole = new byte[32];
        cdb.CopyTo(whole, 0);
        return unit.Execute(whole, this);
    }

    public bool Take(uint at, Span<byte> to)
    {
        _out.AsSpan((int)at, to.Length).CopyTo(to);
        return !IsGone;
    }

    public bool Give(ReadOnlySpan<byte> bytes)
    {
        bytes.CopyTo(_in);
        return !IsGone;
    }

    public bool ReadDisk(IBlockBackend disk, long offset, uint length, out BlockResult result, out uint passed)
    {
        result = disk.Read(offset, _in.AsSpan(0, (int)length));
        passed = result == BlockResult.Ok ? length : 0;
        return !IsGone;
    }

    public bool WriteDisk(IBlockBackend disk, long offset, uint length, out BlockResult result)
    {
        result = disk.Write(offset, _out.AsSpan(0, (int)length));
        return !IsGone;
    }
}
