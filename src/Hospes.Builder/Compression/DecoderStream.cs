namespace Hospes.Builder.Compression;

/// <summary>What a decoder made of a piece of input.</summary>
internal enum DecoderOutcome
{
    /// <summary>It went on; more input or more room for output is needed.</summary>
    More,

    /// <summary>The compressed stream ended here.</summary>
    End,
}

/// <summary>A decompressor that takes input and gives output in pieces.</summary>
internal interface IDecoder : IDisposable
{
    /// <summary>Whether several compressed streams in a row are one.</summary>
    bool Concatenates { get; }

    /// <summary>Decodes as far as input and room go.</summary>
    /// <exception cref="DecompressionException">The data are damaged.</exception>
    DecoderOutcome Decode(ReadOnlySpan<byte> input, Span<byte> output, out int consumed, out int written);
}

/// <summary>Drives an <see cref="IDecoder"/> over a stream.</summary>
internal sealed class DecoderStream(Stream source, IDecoder decoder) : ForwardStream
{
    private readonly byte[] _input = new byte[1 << 16];
    private int _start, _end;
    private bool _ended, _between;

    public override int Read(Span<byte> buffer)
    {
        while (!_ended && !buffer.IsEmpty)
        {
            bool dry = false;
            if (_start == _end)
            {
                _start = 0;
                _end = source.Read(_input);
                dry = _end == 0;
            }
            if (dry && _between)
            {
                _ended = true;
                break;
            }
            DecoderOutcome outcome;
            int consumed, written;
            try
            {
                outcome = decoder.Decode(_input.AsSpan(_start, _end - _start), buffer, out consumed, out written);
            }
            catch (DecompressionException) when (_between)
            {
                // What follows the last stream is none: padding, a size written behind it.
                _ended = true;
                break;
            }
            _start += consumed;
            if (outcome == DecoderOutcome.End)
            {
                _between = decoder.Concatenates;
                _ended = !_between;
            }
            else if (written > 0)
            {
                _between = false;
            }
            if (written > 0) return written;
            if (dry && !_ended && outcome == DecoderOutcome.More) throw new DecompressionException(DecompressionError.Truncated, "the compressed data end too early");
        }
        return 0;
    }

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            decoder.Dispose();
            source.Dispose();
        }
        base.Dispose(disposing);
    }
}
