using System.Buffers.Binary;

namespace Hospes.Store.Wire;

/// <summary>Sizes, limits and identifiers of the XenStore protocol (xenstore.txt; xs_wire.h).</summary>
public static class XsWire
{
    /// <summary>Bytes of a message header: type, request id, transaction id and payload length, 32 bits each, in the host's (little) byte order.</summary>
    public const int HeaderSize = 16;

    /// <summary>Largest payload in either direction; a peer that announces more is disconnected (XENSTORE_PAYLOAD_MAX).</summary>
    public const int PayloadMax = 4096;

    /// <summary>Longest absolute path in bytes (XENSTORE_ABS_PATH_MAX).</summary>
    public const int AbsolutePathMax = 3072;

    /// <summary>Longest path in bytes relative to a domain's own base (XENSTORE_REL_PATH_MAX).</summary>
    public const int RelativePathMax = 2048;

    /// <summary>One more than the largest message type that this server knows.</summary>
    public const int TypeCount = (int)XsMessageType.SetQuota + 1;

    /// <summary>The control domain: everything is allowed to it.</summary>
    public const ushort ControlDomain = 0;

    /// <summary>First domain id that cannot belong to an ordinary domain (DOMID_FIRST_RESERVED).</summary>
    public const ushort FirstReservedDomain = 0x7FF0;

    /// <summary>The caller itself (DOMID_SELF).</summary>
    public const ushort DomainSelf = 0x7FF0;

    /// <summary>No domain (DOMID_INVALID).</summary>
    public const ushort DomainInvalid = 0x7FF4;

    /// <summary>Any domain, in a permission (DOMID_ANY).</summary>
    public const ushort DomainAny = 0x7FF5;

    internal static void WriteHeader(Span<byte> at, XsMessageType type, uint requestId, uint transactionId, int length)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(at, (uint)type);
        BinaryPrimitives.WriteUInt32LittleEndian(at[4..], requestId);
        BinaryPrimitives.WriteUInt32LittleEndian(at[8..], transactionId);
        BinaryPrimitives.WriteUInt32LittleEndian(at[12..], (uint)length);
    }
}

/// <summary>The header of one message.</summary>
/// <param name="Type">Message type as it came; may be outside of the enumeration.</param>
/// <param name="RequestId">Chosen by the caller, echoed in the reply.</param>
/// <param name="TransactionId">Transaction that the request belongs to; 0 for none.</param>
/// <param name="Length">Bytes of payload that follow.</param>
internal readonly record struct XsHeader(uint Type, uint RequestId, uint TransactionId, uint Length)
{
    public static XsHeader Read(ReadOnlySpan<byte> at) => new(
        BinaryPrimitives.ReadUInt32LittleEndian(at),
        BinaryPrimitives.ReadUInt32LittleEndian(at[4..]),
        BinaryPrimitives.ReadUInt32LittleEndian(at[8..]),
        BinaryPrimitives.ReadUInt32LittleEndian(at[12..]));
}

/// <summary>Bits of the server feature word (xenstore-ring.txt, "Server feature bitmap").</summary>
[Flags]
public enum XsFeatures : uint
{
    /// <summary>Nothing beyond the base protocol.</summary>
    None = 0,
    /// <summary>The guest may ask for the ring to be closed and opened again.</summary>
    RingReconnect = 1,
    /// <summary>The server reports errors in the ring page.</summary>
    RingError = 2,
    /// <summary>WATCH takes a third parameter, a depth.</summary>
    WatchDepth = 4,
    /// <summary>Permissions may name DOMID_ANY.</summary>
    DomainAny = 8,
    /// <summary>Everything that this server supports.</summary>
    All = RingReconnect | RingError | WatchDepth | DomainAny,
}
