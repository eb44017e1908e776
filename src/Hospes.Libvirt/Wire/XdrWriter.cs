using System.Buffers.Binary;
using System.Text;

namespace Hospes.Libvirt.Wire;

/// <summary>Writes XDR (RFC 4506) into memory that grows as needed and is used again.</summary>
public sealed class XdrWriter
{
    private byte[] _buffer = new byte[4096];

    /// <summary>How many bytes there are.</summary>
    public int Length { get; private set; }

    /// <summary>What was written.</summary>
    public ReadOnlyMemory<byte> Written => _buffer.AsMemory(0, Length);

    /// <summary>Forgets what was written; large memory is given back.</summary>
    public void Clear()
    {
        Length = 0;
        if (_buffer.Length > 1 << 20) _buffer = new byte[4096];
    }

    /// <summary>Goes back to an earlier length.</summary>
    public void Cut(int length) => Length = length;

    /// <summary>A signed integer.</summary>
    public void Int32(int value) => BinaryPrimitives.WriteInt32BigEndian(Room(4), value);

    /// <summary>An unsigned integer.</summary>
    public void UInt32(uint value) => BinaryPrimitives.WriteUInt32BigEndian(Room(4), value);

    /// <summary>A hyper integer.</summary>
    public void Int64(long value) => BinaryPrimitives.WriteInt64BigEndian(Room(8), value);

    /// <summary>An unsigned hyper integer.</summary>
    public void UInt64(ulong value) => BinaryPrimitives.WriteUInt64BigEndian(Room(8), value);

    /// <summary>A double.</summary>
    public void Double(double value) => Int64(BitConverter.DoubleToInt64Bits(value));

    /// <summary>A boolean: 0 or 1.</summary>
    public void Bool(bool value) => Int32(value ? 1 : 0);

    /// <summary>A string.</summary>
    public void Text(string value)
    {
        int bytes = Encoding.UTF8.GetByteCount(value);
        int padded = (bytes + 3) & ~3;
        Span<byte> room = Room(4 + padded);
        BinaryPrimitives.WriteInt32BigEndian(room, bytes);
        Encoding.UTF8.GetBytes(value, room[4..]);
        room[(4 + bytes)..].Clear();
    }

    /// <summary>An optional string.</summary>
    public void OptionalText(string? value)
    {
        Bool(value is not null);
        if (value is not null) Text(value);
    }

    /// <summary>Variable-length opaque data.</summary>
    public void Opaque(ReadOnlySpan<byte> value)
    {
        Int32(value.Length);
        int padded = (value.Length + 3) & ~3;
        Span<byte> room = Room(padded);
        value.CopyTo(room);
        room[value.Length..].Clear();
    }

    /// <summary>Bytes as they are.</summary>
    public void Raw(ReadOnlySpan<byte> value) => value.CopyTo(Room(value.Length));

    /// <summary>A UUID.</summary>
    public void Uuid(Guid value) => value.TryWriteBytes(Room(16), bigEndian: true, out _);

    /// <summary>Overwrites an integer that was written before.</summary>
    public void Patch(int at, int value) => BinaryPrimitives.WriteInt32BigEndian(_buffer.AsSpan(at), value);

    private Span<byte> Room(int count)
    {
        if (Length + count > _buffer.Length) Array.Resize(ref _buffer, Math.Max(_buffer.Length * 2, Length + count));
        Span<byte> room = _buffer.AsSpan(Length, count);
        Length += count;
        return room;
    }
}
