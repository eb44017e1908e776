namespace Hospes.Qmp;

/// <summary>What a peer may make this side hold. All are far above what any known client sends.</summary>
public static class QmpLimits
{
    /// <summary>Bytes of one message.</summary>
    public const int MessageSize = 4 << 20;

    /// <summary>How deep objects and arrays of one message are nested; as in QEMU.</summary>
    public const int Depth = 1024;

    /// <summary>Bytes that wait for a peer to read them. Replies wait for room, and no further command is taken meanwhile; an event for which there
    /// is no room ends the session.</summary>
    public const int Outgoing = 4 << 20;

    /// <summary>Events that wait in a client for whoever reads them; a further one takes the place of the oldest.</summary>
    public const int ClientEvents = 4096;
}
