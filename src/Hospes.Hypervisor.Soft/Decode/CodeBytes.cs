using Iced.Intel;

namespace Hospes.Hypervisor.Soft.Decode;

/// <summary>The bytes of one page (and the first of the next) as Iced's decoder reads them. Reused, so that decoding allocates nothing.</summary>
internal sealed class CodeBytes : CodeReader
{
    /// <summary>How many bytes fit.</summary>
    public const int Capacity = 4096 + 16;

    private readonly byte[] _bytes = new byte[Capacity];
    private int _length;

    /// <summary>Where the next byte is read.</summary>
    public int Position { get; set; }

    /// <summary>Takes the bytes of a page from an offset on. A copy: the guest may change them meanwhile.</summary>
    public void Load(ReadOnlySpan<byte> code)
    {
        code.CopyTo(_bytes);
        _length = code.Length;
        Position = 0;
    }

    /// <summary>Adds bytes of the following page.</summary>
    public void Append(ReadOnlySpan<byte> code)
    {
        code.CopyTo(_bytes.AsSpan(_length));
        _length += code.Length;
    }

    /// <summary>The loaded bytes.</summary>
    public ReadOnlySpan<byte> Bytes => _bytes.AsSpan(0, _length);

    /// <inheritdoc/>
    public override int ReadByte() => Position < _length ? _bytes[Position++] : -1;
}
