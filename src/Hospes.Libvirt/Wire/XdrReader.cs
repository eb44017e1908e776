using System.Buffers.Binary;
using System.Text;

namespace Hospes.Libvirt.Wire;

/// <summary>
/// Reads XDR (RFC 4506) of a stranger. What does not fit sets <see cref="Failed"/> and reads as nothing from then on; every length is bounded before anything is
/// allocated.
/// </summary>
public ref struct XdrReader(ReadOnlySpan<byte> input)
{
    private static readonly UTF8Encoding Strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: false);
    private ReadOnlySpan<byte> _rest = input;

    /// <summary>Whether something was not as it must be.</summary>
    public bool Failed { get; private set; }

    /// <summary>Whether all was read, and well.</summary>
    public readonly bool Complete => !Failed && _rest.IsEmpty;

    /// <summary>A signed integer (RFC 4506, 4.1).</summary>
    public int Int32() => Take(4) is { IsEmpty: false } bytes ? BinaryPrimitives.ReadInt32BigEndian(bytes) : 0;

    /// <summary>An unsigned integer (4.2).</summary>
    public uint UInt32() => Take(4) is { IsEmpty: false } bytes ? BinaryPrimitives.ReadUInt32BigEndian(bytes) : 0;

    /// <summary>A hyper integer (4.5).</summary>
    public long Int64() => Take(8) is { IsEmpty: false } bytes ? BinaryPrimitives.ReadInt64BigEndian(bytes) : 0;

    /// <summary>An unsigned hyper integer (4.5).</summary>
    public ulong UInt64() => (ulong)Int64();

    /// <summary>A double (4.7).</summary>
    public double Double() => BitConverter.Int64BitsToDouble(Int64());

    /// <summary>Whether optional data follows (4.19).</summary>
    public bool Present()
    {
        uint word = UInt32();
        if (word > 1) Failed = true;
        return word == 1;
    }

    /// <summary>A string (4.11).</summary>
    /// <param name="maximum">The most bytes.</param>
    public string Text(int maximum = WireLimits.Text)
    {
        ReadOnlySpan<byte> bytes = Opaque(maximum);
        if (bytes.Contains((byte)0)) Failed = true;
        return bytes.IsEmpty ? "" : Strict.GetString(bytes);
    }

    /// <summary>An optional string.</summary>
    public string? OptionalText(int maximum = WireLimits.Text) => Present() ? Text(maximum) : null;

    /// <summary>Variable-length opaque data (4.10).</summary>
    public ReadOnlySpan<byte> Opaque(int maximum)
    {
        uint length = UInt32();
        if (Failed || length > (uint)maximum)
        {
            Failed = true;
            return default;
        }
        ReadOnlySpan<byte> bytes = Take((int)length);
        Take((4 - ((int)length & 3)) & 3);
        return bytes;
    }

    /// <summary>A UUID: fixed-length opaque data (4.9).</summary>
    public Guid Uuid() => Take(16) is { IsEmpty: false } bytes ? new Guid(bytes, bigEndian: true) : Guid.Empty;

    /// <summary>The number of items of an array (4.13).</summary>
    /// <param name="maximum">The most.</param>
    public int Count(int maximum)
    {
        uint count = UInt32();
        // An item takes four bytes at least: a count that cannot be true costs nothing.
        if (count <= (uint)maximum && count <= (uint)_rest.Length / 4) return (int)count;
        Failed = true;
        return 0;
    }

    /// <summary>Says that what was read makes no sense.</summary>
    public void Fail() => Failed = true;

    private ReadOnlySpan<byte> Take(int count)
    {
        if (Failed || count > _rest.Length)
        {
            Failed = true;
            return default;
        }
        ReadOnlySpan<byte> bytes = _rest[..count];
        _rest = _rest[count..];
        return bytes;
    }
}
