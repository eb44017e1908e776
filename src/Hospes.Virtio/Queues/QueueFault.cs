namespace Hospes.Virtio;

/// <summary>What a driver did to a queue that a device cannot go on from. A closed set; each ends in DEVICE_NEEDS_RESET (virtio 1.2, 2.1.2).</summary>
public enum QueueFault
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>The queue's size is zero, too large, or (split) no power of two.</summary>
    BadSize,

    /// <summary>A part of the queue is not aligned as 2.7 or 2.8 ask for.</summary>
    Misaligned,

    /// <summary>A part of the queue, a table or a buffer lies outside the guest's memory.</summary>
    BadAddress,

    /// <summary>The driver made more buffers available than the queue holds (2.7.6).</summary>
    IndexJump,

    /// <summary>A descriptor's number is not below the queue's size (2.7.5).</summary>
    BadDescriptor,

    /// <summary>A chain is longer than the queue, so that it may be a loop (2.7.5.2).</summary>
    ChainTooLong,

    /// <summary>A descriptor that the device writes stands before one that it reads (2.7.4.2).</summary>
    WritableBeforeReadable,

    /// <summary>A table of descriptors inside a table, one that continues, an empty one, or one without the feature (2.7.5.3).</summary>
    BadIndirect,

    /// <summary>A chain has 4 GiB or more in all (2.7.5.2).</summary>
    ChainTooLarge,

    /// <summary>A request has not the form that its device asks for, in a way that leaves no room for an answer.</summary>
    BadRequest,
}
