using System.Buffers.Binary;

namespace Hospes.Virtio;

/// <summary>Mode parameters, which can be read and not changed (SPC-4, MODE SENSE).</summary>
internal abstract partial class ScsiUnit
{
    private const byte ErrorRecoveryPage = 0x01, AllPages = 0x3F;

    private const int ErrorRecoverySize = 12, LongestModes = 256, ModeDescriptorSize = 8;

    /// <summary>The numbers of the mode pages beside the one that all units have, sorted.</summary>
    protected abstract ReadOnlySpan<byte> OwnModes { get; }

    /// <summary>The header's byte that every kind of device has for itself.</summary>
    protected abstract byte ModeFlags { get; }

    /// <summary>Writes a mode page's content.</summary>
    /// <param name="page">One of <see cref="OwnModes"/>.</param>
    /// <param name="to">The page, header and all; zeros.</param>
    /// <returns>The bytes of the page, its header of two too.</returns>
    protected abstract int WriteMode(byte page, Span<byte> to);

    private ScsiAnswer SenseModes(ReadOnlySpan<byte> cdb, IScsiData data)
    {
        const byte NoDescriptors = 8, AllSubpages = 0xFF;
        const int Changeable = 1, Saved = 3;
        bool isLong = (ScsiOperation)cdb[0] == ScsiOperation.ModeSense10;
        uint wanted = isLong ? WantedAt7(cdb) : cdb[4];
        int control = cdb[2] >> 6;
        var page = (byte)(cdb[2] & AllPages);
        if (control == Saved) return Sense.SavingNotSupported;
        if (cdb[3] is not (0 or AllSubpages)) return Sense.InvalidField;
        Span<byte> bytes = stackalloc byte[LongestModes];
        bytes.Clear();
        int header = isLong ? 8 : 4, length = header;
        bytes[isLong ? 3 : 2] = ModeFlags;
        if ((cdb[1] & NoDescriptors) == 0 && NotReady is null)
        {
            bytes[isLong ? 7 : 3] = ModeDescriptorSize;
            // A number of blocks without room is all ones; the block's size is a number of three bytes.
            BinaryPrimitives.WriteUInt32BigEndian(bytes[length..], (uint)Math.Min(Blocks, uint.MaxValue));
            BinaryPrimitives.WriteInt32BigEndian(bytes[(length + 4)..], BlockSize);
            length += ModeDescriptorSize;
        }
        int before = length;
        foreach (byte known in (ReadOnlySpan<byte>)[ErrorRecoveryPage, .. OwnModes])
        {
            if (page != AllPages && page != known) continue;
            Span<byte> to = bytes[length..];
            int size = known == ErrorRecoveryPage ? ErrorRecoverySize : WriteMode(known, to);
            // Which values can be changed: none.
            if (control == Changeable) to[..size].Clear();
            (to[0], to[1]) = (known, (byte)(size - 2));
            length += size;
        }
        if (length == before) return Sense.InvalidField;
        if (isLong) BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)(length - 2));
        else bytes[0] = (byte)(length - 1);
        return Give(data, bytes[..length], wanted);
    }
}
