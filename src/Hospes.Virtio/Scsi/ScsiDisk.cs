using System.Buffers.Binary;

namespace Hospes.Virtio;

/// <summary>A disk (SBC-3) that gives room back.</summary>
internal sealed class ScsiDisk(ScsiUnitSettings settings) : ScsiUnit(settings)
{
    /// <summary>How many ranges an UNMAP has at most, how many blocks one of them, and how many a WRITE SAME.</summary>
    private const int MostRanges = 64, MostBlocks = 1 << 22, MostSame = 1 << 16;

    private const byte LimitsPage = 0xB0, CharacteristicsPage = 0xB1, ProvisioningPage = 0xB2, CachingMode = 0x08;

    private const int Sector = 512;

    /// <inheritdoc/>
    protected override int BlockSize => Sector;

    /// <inheritdoc/>
    protected override int PhysicalBlock => 4096;

    /// <inheritdoc/>
    protected override bool CanUnmap => !IsReadOnly;

    /// <inheritdoc/>
    protected override byte DeviceType => 0;

    /// <inheritdoc/>
    protected override string Product => "DISK";

    /// <inheritdoc/>
    protected override ReadOnlySpan<byte> OwnPages => [LimitsPage, CharacteristicsPage, ProvisioningPage];

    /// <inheritdoc/>
    protected override ReadOnlySpan<byte> OwnModes => [CachingMode];

    /// <inheritdoc/>
    protected override byte ModeFlags
    {
        get
        {
            const byte WriteProtect = 0x80, TakesForceUnitAccess = 0x10;
            return (byte)(TakesForceUnitAccess | (IsReadOnly ? WriteProtect : 0));
        }
    }

    /// <inheritdoc/>
    protected override int WriteMode(byte page, Span<byte> to)
    {
        const byte WriteCache = 4;
        to[2] = WriteCache;
        return 20;
    }

    /// <inheritdoc/>
    protected override int WritePage(byte page, Span<byte> to)
    {
        // Offsets are those of the page, whose header is not in here.
        const int MostUnmapField = 20 - PageHeader, MostRangesField = 24 - PageHeader, GranularityField = 28 - PageHeader, MostSameField = 36 - PageHeader;
        const byte NotRotating = 1, ByUnmap = 0x80, BySame16 = 0x40, BySame10 = 0x20, Thin = 2;
        switch (page)
        {
            case LimitsPage:
                BinaryPrimitives.WriteInt32BigEndian(to[MostUnmapField..], MostBlocks);
                BinaryPrimitives.WriteInt32BigEndian(to[MostRangesField..], MostRanges);
                BinaryPrimitives.WriteInt32BigEndian(to[GranularityField..], PhysicalBlock / BlockSize);
                BinaryPrimitives.WriteInt64BigEndian(to[MostSameField..], MostSame);
                return 64 - PageHeader;
            case CharacteristicsPage:
                to[1] = NotRotating;
                return 64 - PageHeader;
            default:
                if (CanUnmap) (to[1], to[2]) = (ByUnmap | BySame16 | BySame10, Thin);
                return 8 - PageHeader;
        }
    }

    /// <inheritdoc/>
    protected override ScsiAnswer ExecuteOwn(ScsiOperation operation, ReadOnlySpan<byte> cdb, IScsiData data) => operation switch
    {
        // Such a disk neither turns nor stops, and nothing comes out of it.
        ScsiOperation.StartStop or ScsiOperation.PreventRemoval => ScsiAnswer.Good,
        ScsiOperation.Unmap => Unmap(cdb, data),
        ScsiOperation.WriteSame10 => WriteSame(cdb[1], BinaryPrimitives.ReadUInt32BigEndian(cdb[2..]), BinaryPrimitives.ReadUInt16BigEndian(cdb[7..]), data),
        ScsiOperation.WriteSame16 => WriteSame(cdb[1], BinaryPrimitives.ReadUInt64BigEndian(cdb[2..]), BinaryPrimitives.ReadUInt32BigEndian(cdb[10..]), data),
        _ => Sense.InvalidOperationCode,
    };

    private ScsiAnswer Unmap(ReadOnlySpan<byte> cdb, IScsiData data)
    {
        const int Header = 8, Range = 16, CountField = 8;
        const byte Anchor = 1;
        uint length = WantedAt7(cdb);
        if ((cdb[1] & Anchor) != 0) return Sense.InvalidField;
        if (IsReadOnly) return Sense.WriteProtected;
        if (length == 0) return ScsiAnswer.Good;
        if (length < Header) return Sense.ParameterListLengthError;
        if (length > data.OutLength) return ScsiAnswer.Overrun;
        Span<byte> parameters = stackalloc byte[Header + MostRanges * Range];
        if (length > parameters.Length) return Sense.ParameterListLengthError;
        parameters = parameters[..(int)length];
        if (!data.Take(0, parameters)) return ScsiAnswer.Lost;
        Span<byte> ranges = parameters[Header..];
        int listed = BinaryPrimitives.ReadUInt16BigEndian(parameters[2..]);
        if (listed % Range != 0 || listed > ranges.Length) return Sense.ParameterListLengthError;
        for (ranges = ranges[..listed]; !ranges.IsEmpty; ranges = ranges[Range..])
        {
            ulong first = BinaryPrimitives.ReadUInt64BigEndian(ranges);
            uint count = BinaryPrimitives.ReadUInt32BigEndian(ranges[CountField..]);
            if (count > MostBlocks) return Sense.InvalidParameter;
            if (!IsInside(first, count)) return Sense.OutOfRange;
            if (count == 0) continue;
            BlockResult result = Settings.Backend.Discard((long)first * Sector, (long)count * Sector);
            // Room that can't be given back is none that was lost.
            if (result is not (BlockResult.Ok or BlockResult.Unsupported)) return Ended(result, isWrite: true);
        }
        return new ScsiAnswer(Sense.None, length);
    }

    /// <summary>One block again and again; zeros may be the room given back.</summary>
    private ScsiAnswer WriteSame(byte flags, ulong first, ulong count, IScsiData data)
    {
        const int BlocksAtOnce = 16;
        const byte MayUnmap = 8, NoData = 1, Understood = MayUnmap | NoData;
        if ((flags & ~Understood) != 0) return Sense.InvalidField;
        if (IsReadOnly) return Sense.WriteProtected;
        if (first > Blocks) return Sense.OutOfRange;
        // No number means all up to the end (SBC-3), as far as that is allowed at once.
        if (count == 0) count = Blocks - first;
        if (count > MostSame) return Sense.InvalidField;
        if (!IsInside(first, count)) return Sense.OutOfRange;
        Span<byte> blocks = stackalloc byte[Sector * BlocksAtOnce];
        blocks.Clear();
        uint taken = (flags & NoData) == 0 ? (uint)Sector : 0;
        if (taken > data.OutLength) return ScsiAnswer.Overrun;
        if (taken > 0 && !data.Take(0, blocks[..Sector])) return ScsiAnswer.Lost;
        long offset = (long)first * Sector, length = (long)count * Sector;
        if (length == 0) return ScsiAnswer.Good;
        if (!blocks.ContainsAnyExcept((byte)0)) return Ended(Settings.Backend.WriteZeroes(offset, length, (flags & MayUnmap) != 0), isWrite: true, taken);
        for (int at = Sector; at < blocks.Length; at += Sector) blocks[..Sector].CopyTo(blocks[at..]);
        BlockResult result = BlockResult.Ok;
        for (long at = 0; at < length && result == BlockResult.Ok; at += blocks.Length) result = Settings.Backend.Write(offset + at, blocks[..(int)Math.Min(blocks.Length, length - at)]);
        return Ended(result, isWrite: true, taken);
    }
}
