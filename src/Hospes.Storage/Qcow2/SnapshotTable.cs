using System.Buffers.Binary;
using System.Text;
using Hospes.Storage.Files;

namespace Hospes.Storage.Qcow2;

/// <summary>One entry of the snapshot table.</summary>
internal sealed record SnapshotRecord(long L1Offset, int L1Size, string Id, string Name, DateTimeOffset Taken, TimeSpan GuestTime, long StateSize, long DiskSize);

/// <summary>Reads the list of internal snapshots ("Snapshots").</summary>
internal static class SnapshotTable
{
    private const int Fixed = 40;

    /// <summary>The extra data that are read; QEMU refuses entries with more than 1024 bytes of them.</summary>
    private const int MaxExtra = 1024;

    /// <summary>Reads all entries.</summary>
    /// <returns>Null, or why the table cannot be used.</returns>
    public static StorageFailure? TryRead(IImageFile file, Qcow2Header header, long fileLength, out IReadOnlyList<SnapshotRecord> snapshots, out long length)
    {
        var found = new List<SnapshotRecord>();
        snapshots = found;
        length = 0;
        long tables = 0;
        byte[] front = new byte[Fixed], rest = [];
        for (int i = 0; i < header.SnapshotCount; i++)
        {
            long at = header.SnapshotsOffset + length;
            StorageError error = file.ReadPadded(at, front);
            if (error != StorageError.None) return new StorageFailure(error, "the snapshot table");
            int idLength = BinaryPrimitives.ReadUInt16BigEndian(front.AsSpan(12)), nameLength = BinaryPrimitives.ReadUInt16BigEndian(front.AsSpan(14));
            uint extra = BinaryPrimitives.ReadUInt32BigEndian(front.AsSpan(36));
            if (extra > MaxExtra) return Damage($"snapshot {i + 1} has {extra} bytes of extra data");
            int variable = (int)extra + idLength + nameLength;
            if (rest.Length < variable) rest = new byte[variable];
            error = file.ReadPadded(at + Fixed, rest.AsSpan(0, variable));
            if (error != StorageError.None) return new StorageFailure(error, "the snapshot table");
            length += (Fixed + variable + 7) & ~7;
            if (length > Qcow2Format.MaxSnapshotTable || header.SnapshotsOffset + length > fileLength + header.ClusterSize) return Damage("the snapshot table does not lie in the file");
            SnapshotRecord snapshot = Read(front, rest, (int)extra, idLength, nameLength, header.Size);
            bool placed = snapshot.L1Size >= 0 && snapshot.L1Size <= Qcow2Format.MaxL1Bytes / 8 && (snapshot.L1Offset > 0 || snapshot.L1Size == 0)
                && (snapshot.L1Offset & (header.ClusterSize - 1)) == 0 && snapshot.L1Offset >= 0 && snapshot.L1Offset <= fileLength - (snapshot.L1Size * 8L);
            tables += placed ? snapshot.L1Size * 8L : 0;
            // Tables that do not overlap cannot be longer than the file together.
            if (!placed || tables > fileLength) return Damage($"the L1 table of snapshot {i + 1} does not lie in the file, or overlaps with another");
            found.Add(snapshot);
        }

        return null;

        static StorageFailure Damage(string detail) => new(StorageError.Corrupt, detail);
    }

    private static SnapshotRecord Read(ReadOnlySpan<byte> front, ReadOnlySpan<byte> rest, int extra, int idLength, int nameLength, long diskSize) => new(
        BinaryPrimitives.ReadInt64BigEndian(front),
        BinaryPrimitives.ReadInt32BigEndian(front[8..]),
        Encoding.UTF8.GetString(rest.Slice(extra, idLength)),
        Encoding.UTF8.GetString(rest.Slice(extra + idLength, nameLength)),
        DateTimeOffset.FromUnixTimeSeconds(BinaryPrimitives.ReadUInt32BigEndian(front[16..])).AddTicks(BinaryPrimitives.ReadUInt32BigEndian(front[20..]) % 1_000_000_000 / 100),
        TimeSpan.FromTicks((long)(BinaryPrimitives.ReadUInt64BigEndian(front[24..]) / 100)),
        extra >= 8 ? BinaryPrimitives.ReadInt64BigEndian(rest) : BinaryPrimitives.ReadUInt32BigEndian(front[32..]),
        extra >= 16 ? BinaryPrimitives.ReadInt64BigEndian(rest[8..]) : diskSize);
}
