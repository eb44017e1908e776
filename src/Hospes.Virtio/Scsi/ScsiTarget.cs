using System.Buffers.Binary;

namespace Hospes.Virtio;

/// <summary>The units of one target. Those that are not there are answered for here (SPC-4, REPORT LUNS; SAM-5, 4.7).</summary>
internal sealed class ScsiTarget(IReadOnlyList<ScsiUnit> units)
{
    private const int LunSize = 8;

    /// <summary>The units, sorted by their numbers.</summary>
    public IReadOnlyList<ScsiUnit> Units => units;

    /// <summary>Finds a unit; null for one that is not there.</summary>
    public ScsiUnit? Find(int lun)
    {
        foreach (ScsiUnit unit in units)
        {
            if (unit.Settings.Lun == lun) return unit;
        }
        return null;
    }

    /// <summary>Does a command.</summary>
    /// <param name="unit">The unit that was addressed, or null.</param>
    /// <param name="cdb">The CDB, followed by zeros up to 16 bytes at least.</param>
    /// <param name="data">Its data.</param>
    public ScsiAnswer Execute(ScsiUnit? unit, ReadOnlySpan<byte> cdb, IScsiData data)
    {
        if ((ScsiOperation)cdb[0] == ScsiOperation.ReportLuns) return Report(cdb, data);
        return unit?.Execute(cdb, data) ?? AnswerForNone(cdb, data);
    }

    private ScsiAnswer Report(ReadOnlySpan<byte> cdb, IScsiData data)
    {
        const int Header = 8;
        const byte AllThereAre = 2;
        if (cdb[2] > AllThereAre) return Sense.InvalidField;
        Span<byte> list = stackalloc byte[Header + LunSize * (ScsiLayout.MostLun + 1)];
        list.Clear();
        int length = Header;
        // Only well-known units were asked for, and there are none.
        if (cdb[2] != 1)
        {
            foreach (ScsiUnit unit in units)
            {
                list[length + 1] = (byte)unit.Settings.Lun;
                length += LunSize;
            }
        }
        BinaryPrimitives.WriteInt32BigEndian(list, length - Header);
        return ScsiUnit.Give(data, list[..length], BinaryPrimitives.ReadUInt32BigEndian(cdb[6..]));
    }

    private static ScsiAnswer AnswerForNone(ReadOnlySpan<byte> cdb, IScsiData data)
    {
        const byte NoUnit = 0x7F, Version = 5, Format = 2;
        const int Size = 36;
        Span<byte> bytes = stackalloc byte[Size];
        bytes.Clear();
        switch ((ScsiOperation)cdb[0])
        {
            case ScsiOperation.Inquiry when (cdb[1] & 1) == 0 && cdb[2] == 0:
                (bytes[0], bytes[2], bytes[3], bytes[4]) = (NoUnit, Version, Format, Size - 5);
                break;
            case ScsiOperation.RequestSense:
                Sense.UnitNotSupported.WriteFixed(bytes[..Sense.FixedSize]);
                bytes = bytes[..Sense.FixedSize];
                break;
            default:
                return Sense.UnitNotSupported;
        }
        return ScsiUnit.Give(data, bytes, (ScsiOperation)cdb[0] == ScsiOperation.Inquiry ? BinaryPrimitives.ReadUInt16BigEndian(cdb[3..]) : cdb[4]);
    }
}
