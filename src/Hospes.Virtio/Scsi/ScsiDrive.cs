using System.Buffers.Binary;

namespace Hospes.Virtio;

/// <summary>A drive for CD-ROM and DVD-ROM (MMC-6) with a tray; what is in it has one track of data.</summary>
internal sealed partial class ScsiDrive(ScsiUnitSettings settings, Tray tray) : ScsiUnit(settings)
{
    private const byte CapabilitiesMode = 0x2A;

    private const int Sector = 2048;

    /// <inheritdoc/>
    protected override int BlockSize => Sector;

    /// <inheritdoc/>
    protected override int PhysicalBlock => Sector;

    /// <inheritdoc/>
    protected override byte DeviceType => 5;

    /// <inheritdoc/>
    protected override string Product => "DVD-ROM";

    /// <inheritdoc/>
    protected override Sense? NotReady => tray.Missing;

    /// <inheritdoc/>
    protected override ReadOnlySpan<byte> OwnModes => [CapabilitiesMode];

    /// <inheritdoc/>
    protected override byte ModeFlags => 0;

    /// <inheritdoc/>
    public override void Reset()
    {
        base.Reset();
        tray.Lock(false);
    }

    /// <inheritdoc/>
    protected override Sense? TakeOwnAttention() => tray.TakeChange() ? Sense.MediumChanged : null;

    /// <inheritdoc/>
    protected override int WriteMode(byte page, Span<byte> to)
    {
        const byte ReadsRecordable = 1, ReadsRewritable = 2, ReadsDvd = 8, ReadsForms = 0x30, ReadsSessions = 0x40, Locks = 1, IsLocked = 2, Ejects = 8, HasTray = 1 << 5;
        const int Speed = 16 * 176, SpeedField = 8, SpeedNowField = 14;
        (to[2], to[4], to[6]) = (ReadsRecordable | ReadsRewritable | ReadsDvd, ReadsForms | ReadsSessions, (byte)(Locks | Ejects | HasTray | (tray.IsLocked ? IsLocked : 0)));
        BinaryPrimitives.WriteUInt16BigEndian(to[SpeedField..], Speed);
        BinaryPrimitives.WriteUInt16BigEndian(to[SpeedNowField..], Speed);
        return 22;
    }

    /// <inheritdoc/>
    protected override ScsiAnswer ExecuteOwn(ScsiOperation operation, ReadOnlySpan<byte> cdb, IScsiData data)
    {
        switch (operation)
        {
            case ScsiOperation.StartStop:
                return StartOrStop(cdb[4]);
            case ScsiOperation.PreventRemoval:
                tray.Lock((cdb[4] & 1) != 0);
                return ScsiAnswer.Good;
            case ScsiOperation.GetEvents:
                return TellEvents(cdb, data);
            case ScsiOperation.GetConfiguration:
                return TellConfiguration(cdb, data);
            case ScsiOperation.ReadToc:
                return NotReady ?? TellContents(cdb, data);
            case ScsiOperation.ReadDiscInformation:
                return NotReady ?? TellDisc(cdb, data);
            case ScsiOperation.MechanismStatus:
                // No changer: one place, and nothing is known of it (MMC-6, 6.11).
                Span<byte> nothing = stackalloc byte[8];
                nothing.Clear();
                return Give(data, nothing, BinaryPrimitives.ReadUInt16BigEndian(cdb[8..]));
            default:
                return Sense.InvalidOperationCode;
        }
    }

    private ScsiAnswer StartOrStop(byte flags)
    {
        const byte Start = 1, LoadOrEject = 2, PowerCondition = 0xF0;
        if ((flags & PowerCondition) != 0 || (flags & LoadOrEject) == 0) return ScsiAnswer.Good;
        return tray.Move(isOpen: (flags & Start) == 0) ? ScsiAnswer.Good : Sense.RemovalPrevented;
    }
}
