using System.Buffers.Binary;

namespace Hospes.Virtio;

/// <summary>Commands that read and write blocks (SBC-3).</summary>
internal abstract partial class ScsiUnit
{
    /// <summary>Bits of the second byte: protection information, which there is none of, and that data are to be on stable storage.</summary>
    private const byte Protection = 0xE0, ForceUnitAccess = 8;

    /// <summary>A stretch that is to be read or written.</summary>
    /// <param name="IsWrite">Which of both.</param>
    /// <param name="First">The first block.</param>
    /// <param name="Count">How many.</param>
    /// <param name="Flags">The CDB's second byte, of those that have flags there.</param>
    protected readonly record struct Transfer(bool IsWrite, ulong First, uint Count, byte Flags);

    /// <summary>Tells what a limit counts of a command.</summary>
    /// <param name="cdb">The CDB, followed by zeros up to 16 bytes at least.</param>
    /// <param name="data">Its data.</param>
    /// <param name="isWrite">Whether it changes the medium.</param>
    /// <param name="bytes">How many bytes pass.</param>
    /// <returns>False for a command that no limit counts.</returns>
    public bool Measure(ReadOnlySpan<byte> cdb, IScsiData data, out bool isWrite, out ulong bytes)
    {
        bytes = 0;
        isWrite = (ScsiOperation)cdb[0] is ScsiOperation.Unmap or ScsiOperation.WriteSame10 or ScsiOperation.WriteSame16;
        if (isWrite) return true;
        if (!TryParse(cdb, out Transfer transfer)) return false;
        isWrite = transfer.IsWrite;
        bytes = Math.Min((ulong)transfer.Count * (uint)BlockSize, isWrite ? data.OutLength : data.InLength);
        return true;
    }

    /// <summary>Reads the CDB of a command that reads or writes.</summary>
    protected static bool TryParse(ReadOnlySpan<byte> cdb, out Transfer transfer)
    {
        var operation = (ScsiOperation)cdb[0];
        bool isWrite = operation is ScsiOperation.Write6 or ScsiOperation.Write10 or ScsiOperation.Write12 or ScsiOperation.Write16;
        transfer = operation switch
        {
            // 21 bits of address, and no blocks at all are 256.
            ScsiOperation.Read6 or ScsiOperation.Write6 => new Transfer(isWrite, BinaryPrimitives.ReadUInt32BigEndian(cdb) & 0x1FFFFF, cdb[4] == 0 ? 256u : cdb[4], 0),
            ScsiOperation.Read10 or ScsiOperation.Write10 => new Transfer(isWrite, BinaryPrimitives.ReadUInt32BigEndian(cdb[2..]), BinaryPrimitives.ReadUInt16BigEndian(cdb[7..]), cdb[1]),
            ScsiOperation.Read12 or ScsiOperation.Write12 => new Transfer(isWrite, BinaryPrimitives.ReadUInt32BigEndian(cdb[2..]), BinaryPrimitives.ReadUInt32BigEndian(cdb[6..]), cdb[1]),
            ScsiOperation.Read16 or ScsiOperation.Write16 => new Transfer(isWrite, BinaryPrimitives.ReadUInt64BigEndian(cdb[2..]), BinaryPrimitives.ReadUInt32BigEndian(cdb[10..]), cdb[1]),
            _ => default,
        };
        return isWrite || operation is ScsiOperation.Read6 or ScsiOperation.Read10 or ScsiOperation.Read12 or ScsiOperation.Read16;
    }

    /// <summary>Whether blocks lie inside the medium.</summary>
    protected bool IsInside(ulong first, ulong count)
    {
        ulong blocks = Blocks;
        return first <= blocks && count <= blocks - first;
    }

    /// <summary>How a command ended whose disk ended so.</summary>
    protected static ScsiAnswer Ended(BlockResult result, bool isWrite, uint passed = 0) => result switch
    {
        BlockResult.Ok => new ScsiAnswer(Sense.None, passed),
        BlockResult.NoMedium => Sense.MediumNotPresentTrayClosed,
        BlockResult.Unsupported => Sense.InvalidOperationCode,
        _ => new ScsiAnswer(isWrite ? Sense.WriteError : Sense.ReadError, passed),
    };

    private ScsiAnswer Move(Transfer transfer, IScsiData data)
    {
        if (NotReady is { } why) return why;
        if ((transfer.Flags & Protection) != 0) return Sense.InvalidField;
        if (transfer.IsWrite && IsReadOnly) return Sense.WriteProtected;
        if (!IsInside(transfer.First, transfer.Count)) return Sense.OutOfRange;
        ulong length = (ulong)transfer.Count * (uint)BlockSize;
        if (length > (transfer.IsWrite ? data.OutLength : data.InLength)) return ScsiAnswer.Overrun;
        long offset = (long)transfer.First * BlockSize;
        IBlockBackend disk = Settings.Backend;
        if (!transfer.IsWrite) return data.ReadDisk(disk, offset, (uint)length, out BlockResult read, out uint passed) ? Ended(read, isWrite: false, passed) : ScsiAnswer.Lost;
        if (!data.WriteDisk(disk, offset, (uint)length, out BlockResult result)) return ScsiAnswer.Lost;
        if (result == BlockResult.Ok && (transfer.Flags & ForceUnitAccess) != 0) result = disk.Flush();
        return Ended(result, isWrite: true, (uint)length);
    }

    private ScsiAnswer Verify(ReadOnlySpan<byte> cdb)
    {
        const byte CompareBytes = 6;
        if (NotReady is { } why) return why;
        if ((cdb[1] & (Protection | CompareBytes)) != 0) return Sense.InvalidField;
        bool isLong = (ScsiOperation)cdb[0] == ScsiOperation.Verify16;
        ulong first = isLong ? BinaryPrimitives.ReadUInt64BigEndian(cdb[2..]) : BinaryPrimitives.ReadUInt32BigEndian(cdb[2..]);
        uint count = isLong ? BinaryPrimitives.ReadUInt32BigEndian(cdb[10..]) : BinaryPrimitives.ReadUInt16BigEndian(cdb[7..]);
        return IsInside(first, count) ? ScsiAnswer.Good : Sense.OutOfRange;
    }

    private ScsiAnswer ReadCapacity(IScsiData data)
    {
        if (NotReady is { } why) return why;
        Span<byte> capacity = stackalloc byte[8];
        // The last block's number; one that has no room here is asked for by the longer command.
        BinaryPrimitives.WriteUInt32BigEndian(capacity, (uint)Math.Min(Math.Max(Blocks, 1) - 1, uint.MaxValue));
        BinaryPrimitives.WriteInt32BigEndian(capacity[4..], BlockSize);
        return Give(data, capacity, uint.MaxValue);
    }

    private ScsiAnswer ReadCapacityLong(ReadOnlySpan<byte> cdb, IScsiData data)
    {
        const int ExponentField = 13, ProvisioningField = 14, Provisioning = 0x80;
        if (NotReady is { } why) return why;
        Span<byte> capacity = stackalloc byte[32];
        capacity.Clear();
        BinaryPrimitives.WriteUInt64BigEndian(capacity, Math.Max(Blocks, 1) - 1);
        BinaryPrimitives.WriteInt32BigEndian(capacity[8..], BlockSize);
        capacity[ExponentField] = (byte)int.Log2(Math.Max(1, PhysicalBlock / BlockSize));
        if (CanUnmap) capacity[ProvisioningField] = Provisioning;
        return Give(data, capacity, BinaryPrimitives.ReadUInt32BigEndian(cdb[10..]));
    }
}
