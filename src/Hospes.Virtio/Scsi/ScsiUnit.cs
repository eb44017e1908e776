using System.Buffers.Binary;

namespace Hospes.Virtio;

/// <summary>What a unit of a SCSI host device is made of.</summary>
/// <param name="Target">Its target, 0 to 255.</param>
/// <param name="Lun">Its number there, 0 to 255.</param>
/// <param name="Backend">Where its data are; not owned. One without a medium answers <see cref="BlockResult.NoMedium"/>.</param>
public sealed record ScsiUnitSettings(int Target, int Lun, IBlockBackend Backend)
{
    /// <summary>What the guest reads as the serial: up to 20 bytes of ASCII.</summary>
    public string Serial { get; init; } = "";

    /// <summary>Whether the guest is refused writes, even if the backend could take them.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>The tray of a CD-ROM drive; null for a disk. Not owned.</summary>
    public Tray? Tray { get; init; }

    /// <summary>What lets requests begin; null for no limits. Not owned.</summary>
    public RequestGate? Gate { get; init; }
}

/// <summary>
/// A logical unit: what the commands mean that all units have (SPC-4) and those that read and write blocks (SBC-3). Knows nothing of the transport. Any
/// number of commands may be done at once, each on a thread of its own.
/// </summary>
internal abstract partial class ScsiUnit
{
    private const byte ServiceReadCapacity = 0x10;

    private readonly Lock _gate = new();
    private Sense _attention = Sense.PowerOn;

    protected ScsiUnit(ScsiUnitSettings settings) => Settings = settings;

    public ScsiUnitSettings Settings { get; }

    /// <summary>How a unit is written that settings describe.</summary>
    public static ScsiUnit Make(ScsiUnitSettings settings) => settings.Tray is { } tray ? new ScsiDrive(settings, tray) : new ScsiDisk(settings);

    /// <summary>Bytes of a block.</summary>
    protected abstract int BlockSize { get; }

    /// <summary>Bytes of a block that the guest is to read and write whole, at least <see cref="BlockSize"/>.</summary>
    protected abstract int PhysicalBlock { get; }

    /// <summary>Whether blocks can be given back.</summary>
    protected virtual bool CanUnmap => false;

    protected bool IsReadOnly => Settings.IsReadOnly || Settings.Backend.IsReadOnly;

    /// <summary>How many whole blocks there are.</summary>
    protected ulong Blocks => (ulong)Settings.Backend.Length / (uint)BlockSize;

    /// <summary>Why nothing can be done with the medium; null when something can.</summary>
    protected virtual Sense? NotReady => null;

    /// <summary>The guest starts anew with the unit.</summary>
    public virtual void Reset()
    {
        lock (_gate) _attention = Sense.PowerOn;
    }

    /// <summary>Another length is told with the next command.</summary>
    public void CapacityChanged()
    {
        lock (_gate)
        {
            if (_attention != Sense.PowerOn) _attention = Sense.CapacityChanged;
        }
    }

    /// <summary>Does a command.</summary>
    /// <param name="cdb">The CDB, followed by zeros up to 16 bytes at least.</param>
    /// <param name="data">Its data.</param>
    public ScsiAnswer Execute(ReadOnlySpan<byte> cdb, IScsiData data)
    {
        var operation = (ScsiOperation)cdb[0];
        if (operation == ScsiOperation.RequestSense) return RequestSense(cdb, data);
        // These tell of themselves, or of the very thing, and are done whatever happened (SPC-4, 5.14; MMC-6, 6.6).
        if (operation is not (ScsiOperation.Inquiry or ScsiOperation.ReportLuns or ScsiOperation.GetConfiguration or ScsiOperation.GetEvents) && TakeAttention() is { } attention) return attention;
        switch (operation)
        {
            case ScsiOperation.TestUnitReady:
                return NotReady ?? ScsiAnswer.Good;
            case ScsiOperation.Inquiry:
                return Inquire(cdb, data);
            case ScsiOperation.ModeSense6 or ScsiOperation.ModeSense10:
                return SenseModes(cdb, data);
            case ScsiOperation.ReadCapacity10:
                return ReadCapacity(data);
            case ScsiOperation.ServiceActionIn16 when (cdb[1] & 0x1F) == ServiceReadCapacity:
                return ReadCapacityLong(cdb, data);
            case ScsiOperation.Verify10 or ScsiOperation.Verify16:
                return Verify(cdb);
            case ScsiOperation.SynchronizeCache10 or ScsiOperation.SynchronizeCache16:
                return NotReady ?? Ended(Settings.Backend.Flush(), isWrite: true);
            default:
                return TryParse(cdb, out Transfer transfer) ? Move(transfer, data) : ExecuteOwn(operation, cdb, data);
        }
    }

    /// <summary>Does a command that only one kind of units has.</summary>
    protected virtual ScsiAnswer ExecuteOwn(ScsiOperation operation, ReadOnlySpan<byte> cdb, IScsiData data) => Sense.InvalidOperationCode;

    /// <summary>What happened beside the commands: null for nothing. It is told once.</summary>
    protected virtual Sense? TakeOwnAttention() => null;

    /// <summary>Gives parameter data, as much of them as is wanted.</summary>
    /// <param name="data">Where to.</param>
    /// <param name="bytes">The data.</param>
    /// <param name="wanted">The CDB's allocation length.</param>
    public static ScsiAnswer Give(IScsiData data, ReadOnlySpan<byte> bytes, uint wanted)
    {
        uint length = Math.Min((uint)bytes.Length, Math.Min(wanted, data.InLength));
        return data.Give(bytes[..(int)length]) ? new ScsiAnswer(Sense.None, length) : ScsiAnswer.Lost;
    }

    /// <summary>The allocation length of a CDB in which it has two bytes at 7.</summary>
    protected static uint WantedAt7(ReadOnlySpan<byte> cdb) => BinaryPrimitives.ReadUInt16BigEndian(cdb[7..]);

    private Sense? TakeAttention()
    {
        lock (_gate)
        {
            Sense attention = _attention;
            _attention = Sense.None;
            if (attention != Sense.None) return attention;
        }
        return TakeOwnAttention();
    }

    /// <summary>Sense data go along with every answer, so what is left to ask for is what happened since.</summary>
    private ScsiAnswer RequestSense(ReadOnlySpan<byte> cdb, IScsiData data)
    {
        const byte Descriptors = 1;
        if ((cdb[1] & Descriptors) != 0) return Sense.InvalidField;
        Span<byte> sense = stackalloc byte[Sense.FixedSize];
        (TakeAttention() ?? NotReady ?? Sense.None).WriteFixed(sense);
        return Give(data, sense, cdb[4]);
    }
}
