namespace Hospes.Libvirt.Wire;

/// <summary>Numbers of libvirt's RPC (src/rpc/virnetprotocol.x, src/remote/remote_protocol.x, src/rpc/virkeepaliveprotocol.x).</summary>
public static class WireLimits
{
    /// <summary>The longest message, its length field not counted (<c>VIR_NET_MESSAGE_MAX</c>).</summary>
    public const int Message = 16 * 1024 * 1024;

    /// <summary>The header (<c>VIR_NET_MESSAGE_HEADER_MAX</c>).</summary>
    public const int Header = 24;

    /// <summary>The length field (<c>VIR_NET_MESSAGE_LEN_MAX</c>).</summary>
    public const int Length = 4;

    /// <summary>The longest string (<c>REMOTE_STRING_MAX</c>).</summary>
    public const int Text = 4 * 1024 * 1024;

    /// <summary>The longest list of domains (<c>REMOTE_DOMAIN_LIST_MAX</c>).</summary>
    public const int Domains = 16384;

    /// <summary>The longest security label, with its end (<c>REMOTE_SECURITY_LABEL_MAX</c>).</summary>
    public const int SecurityLabel = 4097;

    /// <summary>The longest list of scheduler parameters (<c>REMOTE_DOMAIN_SCHEDULER_PARAMETERS_MAX</c>).</summary>
    public const int SchedulerParameters = 16;

    /// <summary>The longest list of limits of a network card (<c>REMOTE_DOMAIN_INTERFACE_PARAMETERS_MAX</c>).</summary>
    public const int InterfaceParameters = 16;

    /// <summary>The longest list of limits of a disk (<c>REMOTE_DOMAIN_BLOCK_IO_TUNE_PARAMETERS_MAX</c>).</summary>
    public const int IoTuneParameters = 32;

    /// <summary>What a stream's message carries at most (<c>VIR_NET_MESSAGE_LEGACY_PAYLOAD_MAX</c>).</summary>
    public const int StreamData = 262144 - Header;

    /// <summary>The program that serves connections (<c>REMOTE_PROGRAM</c>).</summary>
    public const uint RemoteProgram = 0x20008086;

    /// <summary>The program that tells the living from the dead (<c>KEEPALIVE_PROGRAM</c>).</summary>
    public const uint KeepAliveProgram = 0x6B656570;

    /// <summary>The version of both.</summary>
    public const uint Version = 1;

    /// <summary>The last procedure that libvirt 9.0 has.</summary>
    public const int LastProcedure = 443;
}

/// <summary><c>virNetMessageType</c>.</summary>
public enum MessageType
{
    /// <summary>A call.</summary>
    Call = 0,

    /// <summary>The answer to a call.</summary>
    Reply = 1,

    /// <summary>Something that happened.</summary>
    Message = 2,

    /// <summary>A piece of a stream.</summary>
    Stream = 3,

    /// <summary>A call with file descriptors.</summary>
    CallWithFiles = 4,

    /// <summary>An answer with file descriptors.</summary>
    ReplyWithFiles = 5,
}

/// <summary><c>virNetMessageStatus</c>.</summary>
public enum MessageStatus
{
    /// <summary>All is well; a stream is complete.</summary>
    Ok = 0,

    /// <summary>An error follows.</summary>
    Error = 1,

    /// <summary>A stream goes on.</summary>
    Continue = 2,
}

/// <summary>The header of a message (<c>virNetMessageHeader</c>).</summary>
public readonly record struct MessageHeader(uint Program, uint Version, int Procedure, MessageType Type, uint Serial, MessageStatus Status)
{
    internal static MessageHeader Read(ref XdrReader reader)
        => new(reader.UInt32(), reader.UInt32(), reader.Int32(), (MessageType)reader.Int32(), reader.UInt32(), (MessageStatus)reader.Int32());

    internal void Write(XdrWriter writer)
    {
        writer.UInt32(Program);
        writer.UInt32(Version);
        writer.Int32(Procedure);
        writer.Int32((int)Type);
        writer.UInt32(Serial);
        writer.Int32((int)Status);
    }
}
