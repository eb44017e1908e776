using System.Buffers.Binary;
using Hospes.Store.Engine;
using Hospes.Store.Tree;

namespace Hospes.Store.Persistence;

/// <summary>How changes are written down: a byte that says which, then path, value and permissions as far as it has them, lengths before each.</summary>
internal static class ChangeCodec
{
    private const byte Written = 1;
    private const byte Created = 2;
    private const byte Removed = 3;
    private const byte PermissionsSet = 4;
    private const byte Forgotten = 5;

    public static void AppendWritten(ByteWriter to, ReadOnlySpan<byte> path, ReadOnlySpan<byte> value)
    {
        to.Byte(Written);
        to.Bytes(path);
        to.Bytes(value);
    }

    public static void AppendCreated(ByteWriter to, ReadOnlySpan<byte> path, ReadOnlySpan<byte> value, ReadOnlySpan<NodePermission> permissions)
    {
        to.Byte(Created);
        to.Bytes(path);
        to.Bytes(value);
        to.Permissions(permissions);
    }

    public static void AppendRemoved(ByteWriter to, ReadOnlySpan<byte> path)
    {
        to.Byte(Removed);
        to.Bytes(path);
    }

    public static void AppendPermissions(ByteWriter to, ReadOnlySpan<byte> path, ReadOnlySpan<NodePermission> permissions)
    {
        to.Byte(PermissionsSet);
        to.Bytes(path);
        to.Permissions(permissions);
    }

    public static void AppendForgotten(ByteWriter to, ushort domain)
    {
        to.Byte(Forgotten);
        to.Word(domain);
    }

    /// <summary>Carries one group of changes out; false when it is malformed, which its checksum makes a fault of the writer.</summary>
    public static bool Apply(StoreState state, ReadOnlySpan<byte> group)
    {
        var from = new ByteReader(group);
        while (!from.IsAtEnd)
        {
            byte kind = from.Byte();
            if (kind == Forgotten)
            {
                ushort domain = from.Word();
                if (from.HasFailed) return false;
                state.Tree.Permissions.Forget(domain);
                continue;
            }
            ReadOnlySpan<byte> path = from.Bytes();
            ReadOnlySpan<byte> value = kind is Written or Created ? from.Bytes() : default;
            NodePermission[] permissions = kind is Created or PermissionsSet ? from.Permissions() : [];
            if (from.HasFailed || path.IsEmpty || (kind is Created or PermissionsSet && permissions.Length == 0)) return false;
            int node = state.Tree.Locate(path).Node;
            switch (kind)
            {
                case Written when node != 0: state.Write(node, path, value, fire: false); break;
                case Created when node == 0: state.CreateMissing(path, value, state.Tree.Permissions.Intern(permissions)); break;
                case Created:
                    // The nodes that every store begins with are there before the log is read.
                    state.Write(node, path, value, fire: false);
                    state.SetPermissions(node, path, state.Tree.Permissions.Intern(permissions), fire: false);
                    break;
                case Removed when node > StoreTree.Root: state.Remove(node, path, fire: false); break;
                case PermissionsSet when node != 0: state.SetPermissions(node, path, state.Tree.Permissions.Intern(permissions), fire: false); break;
                default: return false;
            }
        }
        return true;
    }
}

/// <summary>A growing run of bytes, little-endian.</summary>
internal sealed class ByteWriter
{
    private byte[] _bytes = new byte[4096];

    public int Length { get; private set; }

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

    public void Clear() => Length = 0;

    public Span<byte> Room(int count)
    {
        if (Length + count > _bytes.Length) Array.Resize(ref _bytes, Math.Max(_bytes.Length * 2, Length + count));
        Length += count;
        return _bytes.AsSpan(Length - count, count);
    }

    public Span<byte> At(int offset, int count) => _bytes.AsSpan(offset, count);

    public void Byte(byte value) => Room(1)[0] = value;

    public void Word(ushort value) => BinaryPrimitives.WriteUInt16LittleEndian(Room(2), value);

    public void DoubleWord(uint value) => BinaryPrimitives.WriteUInt32LittleEndian(Room(4), value);

    public void Raw(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Room(bytes.Length));

    /// <summary>A length in 16 bits, then the bytes.</summary>
    public void Bytes(ReadOnlySpan<byte> bytes)
    {
        Word(checked((ushort)bytes.Length));
        Raw(bytes);
    }

    public void Permissions(ReadOnlySpan<NodePermission> permissions)
    {
        Word((ushort)permissions.Length);
        foreach (NodePermission entry in permissions)
        {
            Word(entry.Domain);
            Byte((byte)entry.Access);
            Byte(entry.Ignored ? (byte)1 : (byte)0);
        }
    }
}

/// <summary>Reads what <see cref="ByteWriter"/> writes; what is missing reads as zero and sets <see cref="HasFailed"/>.</summary>
internal ref struct ByteReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    public bool HasFailed { get; private set; }

    public readonly bool IsAtEnd => _rest.IsEmpty || HasFailed;

    public ReadOnlySpan<byte> Raw(int count)
    {
        if ((uint)count > (uint)_rest.Length)
        {
            HasFailed = true;
            return default;
        }
        ReadOnlySpan<byte> taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }

    public byte Byte() => Raw(1) is { Length: 1 } bytes ? bytes[0] : (byte)0;

    public ushort Word() => Raw(2) is { Length: 2 } bytes ? BinaryPrimitives.ReadUInt16LittleEndian(bytes) : (ushort)0;

    public uint DoubleWord() => Raw(4) is { Length: 4 } bytes ? BinaryPrimitives.ReadUInt32LittleEndian(bytes) : 0;

    public ReadOnlySpan<byte> Bytes() => Raw(Word());

    public NodePermission[] Permissions()
    {
        int count = Word();
        if (count * 4 > _rest.Length)
        {
            HasFailed = true;
            return [];
        }
        var permissions = new NodePermission[count];
        for (int i = 0; i < count; i++) permissions[i] = new NodePermission(Word(), (NodeAccess)(Byte() & (byte)NodeAccess.Both), Byte() != 0);
        return permissions;
    }
}
