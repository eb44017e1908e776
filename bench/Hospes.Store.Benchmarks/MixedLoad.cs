using System.Buffers.Text;
using System.Text;
using Hospes.Store.Wire;

namespace Hospes.Store.Benchmarks;

/// <summary>Reads, and some writes, of nodes chosen at random.</summary>
internal sealed class MixedLoad(int nodes, int writePercent) : Load
{
    private readonly byte[] _payload = new byte[128];
    private uint _random = 2463534242;

    public override int Next(int connection, Span<byte> buffer)
    {
        uint node = Random() % (uint)nodes;
        bool write = Random() % 100 < writePercent;
        int at = 7;
        "/bench/"u8.CopyTo(_payload);
        Utf8Formatter.TryFormat(node / 100, _payload.AsSpan(at), out int digits);
        at += digits;
        _payload[at++] = (byte)'/';
        Utf8Formatter.TryFormat(node % 100, _payload.AsSpan(at), out digits);
        at += digits;
        _payload[at++] = 0;
        if (write)
        {
            "value 12345"u8.CopyTo(_payload.AsSpan(at));
            at += 11;
        }
        return Request(buffer, write ? XsMessageType.Write : XsMessageType.Read, 0, _payload.AsSpan(0, at));
    }

    public override bool Take(int connection, in XsHeader header, ReadOnlySpan<byte> payload) =>
        header.Type != (uint)XsMessageType.Error ? true : throw new InvalidOperationException("refused: " + Encoding.ASCII.GetString(payload));

    private uint Random()
    {
        _random ^= _random << 13;
        _random ^= _random >> 17;
        return _random ^= _random << 5;
    }
}
