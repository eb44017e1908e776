using System.Buffers.Binary;

namespace Hospes.Virtio;

using static ScsiLayout;

/// <summary>One command of a SCSI host device, from the chain that it arrived in to its answer.</summary>
internal sealed class ScsiRequest(ScsiDevice device) : DeviceRequest(device), IScsiData
{
    private readonly ScsiDevice _device = device;
    private readonly byte[] _cdb = new byte[MostCdb];
    private ScsiTarget? _target;
    private ScsiDevice.Place? _place;
    private ScsiResponse? _end;
    private uint _header, _room;
    private bool _isCommand;

    /// <summary>The driver's number of the command.</summary>
    public ulong Id { get; private set; }

    /// <inheritdoc/>
    public override HeldRequests? Held => _place?.Held;

    /// <inheritdoc/>
    public uint OutLength => Chain.ReadableBytes - _header;

    /// <inheritdoc/>
    public uint InLength => Chain.WritableBytes - _room;

    /// <inheritdoc/>
    public override void Begin(int index, VirtQueue queue, DescriptorChain chain)
    {
        base.Begin(index, queue, chain);
        (_target, _place, _end) = (null, null, null);
        int cdbSize = _device.CdbSize;
        _header = (uint)(CdbField + cdbSize);
        _room = (uint)(SenseField + _device.SenseSize);
        Span<byte> header = stackalloc byte[CdbField];
        _cdb.AsSpan().Clear();
        // Copied once: what is measured is what is done.
        _isCommand = chain.ReadableBytes >= _header && chain.WritableBytes >= _room && chain.Read(0, header) && chain.Read(CdbField, _cdb.AsSpan(0, cdbSize));
        if (!_isCommand) return;
        Id = BinaryPrimitives.ReadUInt64LittleEndian(header[IdField..]);
        _device.Find(header[..LunSize], out _target, out _place);
        _place?.Enter(this);
    }

    /// <inheritdoc/>
    public override bool Measure(out bool isWrite, out ulong bytes)
    {
        (isWrite, bytes) = (false, 0);
        return _place?.Unit.Measure(_cdb, this, out isWrite, out bytes) == true;
    }

    /// <summary>Ends a command that was not begun.</summary>
    public void End(ScsiResponse response)
    {
        _end = response;
        Execute();
    }

    /// <inheritdoc/>
    public override void Ended()
    {
        ScsiDevice.Place? place = _place;
        _place = null;
        place?.Leave(this);
    }

    /// <inheritdoc/>
    public bool Take(uint at, Span<byte> to) => Chain.Read(_header + at, to);

    /// <inheritdoc/>
    public bool Give(ReadOnlySpan<byte> bytes) => Chain.Write(_room, bytes);

    /// <inheritdoc/>
    public bool ReadDisk(IBlockBackend disk, long offset, uint length, out BlockResult result, out uint passed) => ReadDisk(disk, offset, _room, length, out result, out passed);

    /// <inheritdoc/>
    public bool WriteDisk(IBlockBackend disk, long offset, uint length, out BlockResult result) => WriteDisk(disk, offset, _header, length, out result);

    /// <inheritdoc/>
    protected override bool Serve(DescriptorChain chain, out uint written)
    {
        written = 0;
        if (!_isCommand) return Queue.Break(QueueFault.BadRequest);
        ScsiAnswer answer = _end is { } end ? new ScsiAnswer(Sense.None, 0, end)
            : _target is null ? new ScsiAnswer(Sense.None, 0, ScsiResponse.BadTarget)
            // Data both ways were not agreed on (5.6.3).
            : InLength > 0 && OutLength > 0 ? new ScsiAnswer(Sense.None, 0, ScsiResponse.Failure)
            : _target.Execute(_place?.Unit, _cdb, this);
        if (answer.IsLost) return false;
        Span<byte> told = stackalloc byte[(int)_room];
        told.Clear();
        if (answer.Status == ScsiStatus.CheckCondition)
        {
            Span<byte> sense = stackalloc byte[Sense.FixedSize];
            answer.Sense.WriteFixed(sense);
            sense = sense[..Math.Min(sense.Length, told.Length - SenseField)];
            sense.CopyTo(told[SenseField..]);
            BinaryPrimitives.WriteInt32LittleEndian(told[SenseLengthField..], sense.Length);
        }
        BinaryPrimitives.WriteUInt32LittleEndian(told[ResidualField..], Math.Max(InLength, OutLength) - answer.Passed);
        (told[StatusField], told[ResponseField]) = ((byte)answer.Status, (byte)answer.Response);
        if (!chain.Write(0, told)) return false;
        written = _room + (InLength > 0 ? answer.Passed : 0);
        return true;
    }
}
