using System.Buffers.Binary;
using System.Text;

namespace Hospes.Machine;

/// <summary>
/// Writes ACPI Machine Language (ACPI 6.5, chapter 20): each method appends one term. Nested terms are written by the action that is passed
/// in, so that their length is known before their package length is written. Names must be well formed: only this assembly writes AML.
/// </summary>
internal sealed class AmlWriter
{
    private const byte ExtendedPrefix = 0x5B;

    private readonly List<byte> _bytes = [];

    /// <summary>The bytes written so far.</summary>
    public byte[] ToArray() => [.. _bytes];

    /// <summary>An integer in its shortest form (20.2.3).</summary>
    public AmlWriter Integer(ulong value)
    {
        switch (value)
        {
            case 0 or 1:
                _bytes.Add((byte)value);
                break;
            case <= byte.MaxValue:
                Add(0x0A, (byte)value);
                break;
            case <= ushort.MaxValue:
                _bytes.Add(0x0B);
                Number(value, 2);
                break;
            case <= uint.MaxValue:
                _bytes.Add(0x0C);
                Number(value, 4);
                break;
            default:
                _bytes.Add(0x0E);
                Number(value, 8);
                break;
        }
        return this;
    }

    /// <summary>A string (20.2.3).</summary>
    public AmlWriter Text(string value)
    {
        _bytes.Add(0x0D);
        _bytes.AddRange(Encoding.ASCII.GetBytes(value));
        _bytes.Add(0);
        return this;
    }

    /// <summary>A compressed EISA id such as PNP0501: the integer that <c>EisaId</c> compiles to (19.6.36).</summary>
    public AmlWriter EisaId(string id)
    {
        uint letters = (uint)((id[0] - 0x40) << 10 | (id[1] - 0x40) << 5 | (id[2] - 0x40));
        uint product = Convert.ToUInt32(id[3..], 16);
        return Integer(BinaryPrimitives.ReverseEndianness(letters << 16 | product));
    }

    /// <summary>A named object; its value is the term that <paramref name="value"/> writes (20.2.5.1).</summary>
    public AmlWriter Name(string path, Action<AmlWriter> value)
    {
        _bytes.Add(0x08);
        Path(path);
        value(this);
        return this;
    }

    /// <summary>Terms inside an existing name (20.2.5.1).</summary>
    public AmlWriter Scope(string path, Action<AmlWriter> body) => Block([0x10], inner => inner.Path(path).Then(body));

    /// <summary>A device (20.2.5.2).</summary>
    public AmlWriter Device(string name, Action<AmlWriter> body) => Block([ExtendedPrefix, 0x82], inner => inner.Path(name).Then(body));

    /// <summary>A method (20.2.5.2).</summary>
    /// <param name="name">Its name.</param>
    /// <param name="arguments">How many arguments it takes: 0 to 7.</param>
    /// <param name="serialized">Whether one thread at a time may be inside.</param>
    /// <param name="body">Writes its terms.</param>
    public AmlWriter Method(string name, int arguments, bool serialized, Action<AmlWriter> body) =>
        Block([0x14], inner => inner.Path(name).Raw((byte)(arguments | (serialized ? 8 : 0))).Then(body));

    /// <summary>A package of terms (20.2.5.4).</summary>
    public AmlWriter Package(int count, Action<AmlWriter> elements) => Block([0x12], inner => inner.Raw((byte)count).Then(elements));

    /// <summary>A buffer (20.2.5.4).</summary>
    public AmlWriter Buffer(ReadOnlySpan<byte> content)
    {
        byte[] copy = content.ToArray();
        return Block([0x11], inner => inner.Integer((ulong)copy.Length).Raw(copy));
    }

    /// <summary>A condition (20.2.5.3); the predicate is the first term that <paramref name="body"/> writes.</summary>
    public AmlWriter If(Action<AmlWriter> body) => Block([0xA0], body);

    /// <summary>The other branch of the condition before (20.2.5.3).</summary>
    public AmlWriter Else(Action<AmlWriter> body) => Block([0xA1], body);

    /// <summary>Ends the method with the value of the term that follows (20.2.5.3).</summary>
    public AmlWriter Return() => Raw(0xA4);

    /// <summary>Sends a notification (20.2.5.3).</summary>
    public AmlWriter Notify(string path, byte value) => Raw(0x86).Path(path).Integer(value);

    /// <summary>An argument of the method: 0 to 6 (20.2.6.1).</summary>
    public AmlWriter Argument(int index) => Raw((byte)(0x68 + index));

    /// <summary>A local of the method: 0 to 7 (20.2.6.2).</summary>
    public AmlWriter Local(int index) => Raw((byte)(0x60 + index));

    /// <summary>Stores the first term that follows into the second (20.2.5.4).</summary>
    public AmlWriter Store() => Raw(0x70);

    /// <summary>Whether the two terms that follow are equal (20.2.5.4).</summary>
    public AmlWriter Equal() => Raw(0x93);

    /// <summary>Whether the term that follows is zero (20.2.5.4).</summary>
    public AmlWriter Not() => Raw(0x92);

    /// <summary>The bitwise and of the two terms that follow, stored into the third (20.2.5.4).</summary>
    public AmlWriter And() => Raw(0x7B);

    /// <summary>The bitwise or of the two terms that follow, stored into the third (20.2.5.4).</summary>
    public AmlWriter Or() => Raw(0x7D);

    /// <summary>No target for a result (20.2.2).</summary>
    public AmlWriter NoTarget() => Raw(0);

    /// <summary>A 32-bit field of a buffer: the terms that follow are the buffer and the byte's index, then the field's name (20.2.5.2).</summary>
    public AmlWriter CreateDWordField(Action<AmlWriter> source, int index, string name)
    {
        Raw(0x8A).Then(source).Integer((ulong)index);
        return Path(name);
    }

    /// <summary>A region of memory (20.2.5.2).</summary>
    public AmlWriter OperationRegion(string name, ulong address, ulong size) => Raw(ExtendedPrefix, 0x80).Path(name).Raw(0).Integer(address).Integer(size);

    /// <summary>The first byte of a region as a field, read and written by bytes (20.2.5.2).</summary>
    public AmlWriter ByteField(string region, string name) => Block([ExtendedPrefix, 0x81], inner => inner.Path(region).Raw(0x01).Path(name).Raw(8));

    /// <summary>A name: up to four characters a segment, padded with underscores; a leading backslash starts at the root (20.2.2).</summary>
    public AmlWriter Path(string path)
    {
        ReadOnlySpan<char> rest = path;
        if (rest[0] == '\\')
        {
            _bytes.Add((byte)'\\');
            rest = rest[1..];
        }
        string[] segments = rest.ToString().Split('.', StringSplitOptions.RemoveEmptyEntries);
        if (segments.Length == 0) _bytes.Add(0);
        else if (segments.Length == 2) _bytes.Add(0x2E);
        else if (segments.Length > 2) Add(0x2F, (byte)segments.Length);
        foreach (string segment in segments) _bytes.AddRange(Encoding.ASCII.GetBytes(segment.PadRight(4, '_')));
        return this;
    }

    private AmlWriter Raw(params ReadOnlySpan<byte> bytes)
    {
        _bytes.AddRange(bytes);
        return this;
    }

    private AmlWriter Then(Action<AmlWriter> body)
    {
        body(this);
        return this;
    }

    private AmlWriter Block(ReadOnlySpan<byte> opcode, Action<AmlWriter> body)
    {
        _bytes.AddRange(opcode);
        var inner = new AmlWriter();
        body(inner);
        PackageLength(inner._bytes.Count);
        _bytes.AddRange(inner._bytes);
        return this;
    }

    /// <summary>The length of a block, its own bytes included (20.2.4).</summary>
    private void PackageLength(int content)
    {
        if (content + 1 < 1 << 6)
        {
            _bytes.Add((byte)(content + 1));
            return;
        }
        int extra = content + 2 < 1 << 12 ? 1 : content + 3 < 1 << 20 ? 2 : 3;
        int length = content + 1 + extra;
        _bytes.Add((byte)(extra << 6 | length & 0xF));
        for (int i = 0; i < extra; i++) _bytes.Add((byte)(length >> (4 + 8 * i)));
    }

    private void Number(ulong value, int size)
    {
        for (int i = 0; i < size; i++) _bytes.Add((byte)(value >> (8 * i)));
    }

    private void Add(byte first, byte second)
    {
        _bytes.Add(first);
        _bytes.Add(second);
    }
}
