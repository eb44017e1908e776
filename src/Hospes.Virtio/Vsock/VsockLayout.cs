using System.Buffers.Binary;

namespace Hospes.Virtio;

/// <summary>Operations of packets (virtio 1.2, 5.10.6).</summary>
internal enum VsockOperation : ushort
{
    /// <summary>Asks for a connection.</summary>
    Request = 1,

    /// <summary>Grants it.</summary>
    Response = 2,

    /// <summary>There is no such connection any more.</summary>
    Reset = 3,

    /// <summary>One side sends, or takes, no more.</summary>
    Shutdown = 4,

    /// <summary>Data.</summary>
    Data = 5,

    /// <summary>Tells how much was taken.</summary>
    CreditUpdate = 6,

    /// <summary>Asks for that.</summary>
    CreditRequest = 7,
}

/// <summary>The header in front of every packet (virtio 1.2, 5.10.6).</summary>
/// <param name="SourceCid">Who sends.</param>
/// <param name="DestinationCid">Who is to get it.</param>
/// <param name="SourcePort">The sender's port.</param>
/// <param name="DestinationPort">The receiver's port.</param>
/// <param name="Length">Bytes behind the header.</param>
/// <param name="Type">The kind of socket.</param>
/// <param name="Operation">What it is for.</param>
/// <param name="Flags">With <see cref="VsockOperation.Shutdown"/>, what ends.</param>
/// <param name="Allocated">How many bytes the sender has room for.</param>
/// <param name="Forwarded">How many of the bytes that it ever got it is done with.</param>
internal readonly record struct VsockHeader(
    ulong SourceCid, ulong DestinationCid, uint SourcePort, uint DestinationPort, uint Length, ushort Type, VsockOperation Operation, uint Flags, uint Allocated, uint Forwarded)
{
    /// <summary>Bytes of the header.</summary>
    public const int Size = 44;

    /// <summary>The kind of socket that there is: a stream of bytes.</summary>
    public const ushort Stream = 1;

    /// <summary>Flags of <see cref="VsockOperation.Shutdown"/>: the sender takes, or sends, no more.</summary>
    public const uint TakesNoMore = 1, SendsNoMore = 2;

    /// <summary>Reads a header.</summary>
    public static VsockHeader Read(ReadOnlySpan<byte> bytes) => new(
        BinaryPrimitives.ReadUInt64LittleEndian(bytes), BinaryPrimitives.ReadUInt64LittleEndian(bytes[8..]), BinaryPrimitives.ReadUInt32LittleEndian(bytes[16..]),
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[20..]), BinaryPrimitives.ReadUInt32LittleEndian(bytes[24..]), BinaryPrimitives.ReadUInt16LittleEndian(bytes[28..]),
        (VsockOperation)BinaryPrimitives.ReadUInt16LittleEndian(bytes[30..]), BinaryPrimitives.ReadUInt32LittleEndian(bytes[32..]),
        BinaryPrimitives.ReadUInt32LittleEndian(bytes[36..]), BinaryPrimitives.ReadUInt32LittleEndian(bytes[40..]));

    /// <summary>Writes the header.</summary>
    public void Write(Span<byte> bytes)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, SourceCid);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes[8..], DestinationCid);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[16..], SourcePort);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[20..], DestinationPort);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[24..], Length);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[28..], Type);
        BinaryPrimitives.WriteUInt16LittleEndian(bytes[30..], (ushort)Operation);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[32..], Flags);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[36..], Allocated);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes[40..], Forwarded);
    }
}
