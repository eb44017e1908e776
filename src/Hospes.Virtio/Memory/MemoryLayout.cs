namespace Hospes.Virtio;

/// <summary>Numbers of the memory device (virtio 1.2, 5.15).</summary>
public static class MemoryLayout
{
    /// <summary>Feature bit (5.15.3): the driver must not touch memory that is not plugged.</summary>
    public const ulong UnpluggedInaccessible = 1 << 1;

    /// <summary>Fields of the configuration (5.15.4), each of 8 bytes but for the node: bytes of a block; where the region is and how long; how much of it
    /// the driver may plug in; how much is plugged in; how much is to be.</summary>
    public const int BlockSize = 0, Address = 16, RegionSize = 24, UsableSize = 32, PluggedSize = 40, RequestedSize = 48, ConfigBytes = 56;

    /// <summary>Bytes of a request, and where its parts are (5.15.6): type, first address, number of blocks.</summary>
    public const int RequestBytes = 24, RequestAddress = 8, RequestBlocks = 16;

    /// <summary>Bytes of an answer, and where a state is in it.</summary>
    public const int AnswerBytes = 10, AnswerState = 8;
}

/// <summary>What a driver asks for (virtio 1.2, 5.15.6).</summary>
public enum MemoryRequest
{
    /// <summary>Plug blocks in.</summary>
    Plug = 0,

    /// <summary>Take blocks out.</summary>
    Unplug = 1,

    /// <summary>Take all blocks out.</summary>
    UnplugAll = 2,

    /// <summary>Whether blocks are plugged in.</summary>
    State = 3,
}

/// <summary>What the device answers (virtio 1.2, 5.15.6).</summary>
public enum MemoryAnswer
{
    /// <summary>It is done.</summary>
    Ack = 0,

    /// <summary>Not more than is requested.</summary>
    Nack = 1,

    /// <summary>Not now; later perhaps.</summary>
    Busy = 2,

    /// <summary>The request makes no sense.</summary>
    Error = 3,
}

/// <summary>The state of blocks (virtio 1.2, 5.15.6).</summary>
public enum MemoryState
{
    /// <summary>All are plugged in.</summary>
    Plugged = 0,

    /// <summary>None is.</summary>
    Unplugged = 1,

    /// <summary>Some are.</summary>
    Mixed = 2,
}
