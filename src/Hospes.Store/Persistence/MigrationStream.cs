using System.Buffers.Binary;
using System.Text;
using Hospes.Store.Tree;

namespace Hospes.Store.Persistence;

/// <summary>One node of a migration stream.</summary>
/// <param name="Path">Absolute path, or a special node's name.</param>
/// <param name="Value">The value.</param>
/// <param name="Permissions">The permissions, owner first.</param>
public sealed record MigrationNode(string Path, byte[] Value, IReadOnlyList<NodePermission> Permissions);

/// <summary>Record types of Xen's migration stream (xenstore-migration.md, "Records").</summary>
internal enum MigrationRecord : uint
{
    End = 0,
    GlobalData = 1,
    ConnectionData = 2,
    WatchData = 3,
    TransactionData = 4,
    NodeData = 5,
    GlobalQuotaData = 6,
    DomainData = 7,
    WatchDataExtended = 8,
}

/// <summary>Xen's stream of a store's state (xenstore-migration.md), version 1: header in big-endian, records in the byte order that the header names.</summary>
public static class MigrationStream
{
    /// <summary>"xenstore" in ASCII.</summary>
    private const ulong Ident = 0x78656e73746f7265;
    private const uint Version = 1;
    private const uint NewestVersion = 2;
    private const uint BigEndian = 1;
    private const int HeaderSize = 16;
    private const int RecordHead = 8;
    private const int NodeHead = 16;
    private const byte StaleFlag = 1;

    /// <summary>No record of a store can be longer: the longest is a node with the most permissions, path and value.</summary>
    private const int RecordMax = 1 << 20;

    /// <summary>Writes committed nodes; each after its parent.</summary>
    /// <param name="to">Where to.</param>
    /// <param name="nodes">The nodes.</param>
    /// <param name="cancellation">Gives up.</param>
    public static async Task WriteAsync(Stream to, IAsyncEnumerable<MigrationNode> nodes, CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(to);
        ArgumentNullException.ThrowIfNull(nodes);
        var header = new byte[HeaderSize];
        BinaryPrimitives.WriteUInt64BigEndian(header, Ident);
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(8), Version);
        await to.WriteAsync(header, cancellation).ConfigureAwait(false);
        await foreach (MigrationNode node in nodes.WithCancellation(cancellation).ConfigureAwait(false)) await to.WriteAsync(Record(MigrationRecord.NodeData, Body(node)), cancellation).ConfigureAwait(false);
        await to.WriteAsync(Record(MigrationRecord.End, []), cancellation).ConfigureAwait(false);
    }

    private static byte[] Record(MigrationRecord type, byte[] body)
    {
        var record = new byte[RecordHead + Padded(body.Length)];
        BinaryPrimitives.WriteUInt32LittleEndian(record, (uint)type);
        BinaryPrimitives.WriteUInt32LittleEndian(record.AsSpan(4), (uint)body.Length);
        body.CopyTo(record, RecordHead);
        return record;
    }

    private static byte[] Body(MigrationNode node)
    {
        byte[] path = Encoding.ASCII.GetBytes(node.Path + "\0");
        var body = new byte[NodeHead + 4 * node.Permissions.Count + path.Length + node.Value.Length];
        // conn-id, tx-id and access stay zero: the node is committed.
        BinaryPrimitives.WriteUInt16LittleEndian(body.AsSpan(8), (ushort)path.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(body.AsSpan(10), (ushort)node.Value.Length);
        BinaryPrimitives.WriteUInt16LittleEndian(body.AsSpan(14), (ushort)node.Permissions.Count);
        int at = NodeHead;
        foreach (NodePermission entry in node.Permissions)
        {
            body[at] = (byte)entry.Letter;
            body[at + 1] = entry.Ignored ? StaleFlag : (byte)0;
            BinaryPrimitives.WriteUInt16LittleEndian(body.AsSpan(at + 2), entry.Domain);
            at += 4;
        }
        path.CopyTo(body, at);
        node.Value.CopyTo(body, at + path.Length);
        return body;
    }

    private static int Padded(int length) => (length + 7) & ~7;

    /// <summary>
    /// Reads the committed nodes of a stream of version 1 or 2 in either byte order. Records about connections, watches, transactions, domains and quotas
    /// have a meaning only within a live update and are passed over.
    /// </summary>
    /// <param name="from">The stream.</param>
    /// <param name="cancellation">Gives up.</param>
    /// <exception cref="InvalidDataException">It is not a migration stream, or it is cut off or malformed; the message says where.</exception>
    public static async IAsyncEnumerable<MigrationNode> ReadAsync(Stream from, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation = default)
    {
        ArgumentNullException.ThrowIfNull(from);
        long at = 0;
        byte[] header = await TakeAsync(from, HeaderSize, at, cancellation).ConfigureAwait(false);
        if (BinaryPrimitives.ReadUInt64BigEndian(header) != Ident) throw new InvalidDataException("This is not a XenStore migration stream.");
        uint version = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(8));
        if (version is 0 or > NewestVersion) throw new InvalidDataException($"The stream has version {version}; 1 and 2 are known.");
        uint flags = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(12));
        if ((flags & ~BigEndian) != 0) throw new InvalidDataException($"The stream has unknown flags {flags:x}.");
        bool big = (flags & BigEndian) != 0;
        at += HeaderSize;
        while (true)
        {
            byte[] head = await TakeAsync(from, RecordHead, at, cancellation).ConfigureAwait(false);
            uint type = Number(head, 0, big);
            uint length = Number(head, 4, big);
            if (length > RecordMax) throw new InvalidDataException($"The record at byte {at} has {length} bytes; that is more than any can have.");
            byte[] body = await TakeAsync(from, Padded((int)length), at, cancellation).ConfigureAwait(false);
            switch ((MigrationRecord)type)
            {
                case MigrationRecord.End: yield break;
                case MigrationRecord.NodeData:
                    if (Number(body, 0, big, (int)length) == 0) yield return Node(body.AsSpan(0, (int)length), at, big);
                    break;
                case > MigrationRecord.WatchDataExtended: throw new InvalidDataException($"The record at byte {at} has the unknown type {type}.");
            }
            at += RecordHead + body.Length;
        }
    }

    private static MigrationNode Node(ReadOnlySpan<byte> body, long at, bool big)
    {
        InvalidDataException Malformed() => new($"The node at byte {at} is malformed.");
        if (body.Length < NodeHead) throw Malformed();
        int pathLength = Short(body, 8, big), valueLength = Short(body, 10, big), count = Short(body, 14, big);
        int paths = NodeHead + 4 * count;
        if (count == 0 || pathLength < 2 || body.Length < paths + pathLength + valueLength || body[paths + pathLength - 1] != 0) throw Malformed();
        ReadOnlySpan<byte> path = body.Slice(paths, pathLength - 1);
        if (!Wire.StorePath.IsWellFormed(path) || path[0] is not ((byte)'/' or (byte)'@') || path.Length > Wire.XsWire.AbsolutePathMax) throw Malformed();
        var permissions = new NodePermission[count];
        for (int i = 0; i < count; i++)
        {
            ReadOnlySpan<byte> entry = body.Slice(NodeHead + 4 * i, 4);
            if (!NodePermission.TryParseLetter(entry[0], out NodeAccess access)) throw Malformed();
            permissions[i] = new NodePermission((ushort)Short(entry, 2, big), access, (entry[1] & StaleFlag) != 0);
        }
        return new MigrationNode(Encoding.ASCII.GetString(path), body.Slice(paths + pathLength, valueLength).ToArray(), permissions);
    }

    private static async Task<byte[]> TakeAsync(Stream from, int count, long at, CancellationToken cancellation)
    {
        var bytes = new byte[count];
        int read = await from.ReadAtLeastAsync(bytes, count, throwOnEndOfStream: false, cancellation).ConfigureAwait(false);
        return read == count ? bytes : throw new InvalidDataException($"The stream ends within what begins at byte {at}.");
    }

    private static uint Number(ReadOnlySpan<byte> bytes, int at, bool big, int length = int.MaxValue)
    {
        if (at + 4 > Math.Min(length, bytes.Length)) return 0;
        return big ? BinaryPrimitives.ReadUInt32BigEndian(bytes[at..]) : BinaryPrimitives.ReadUInt32LittleEndian(bytes[at..]);
    }

    private static int Short(ReadOnlySpan<byte> bytes, int at, bool big) =>
        big ? BinaryPrimitives.ReadUInt16BigEndian(bytes[at..]) : BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);
}
