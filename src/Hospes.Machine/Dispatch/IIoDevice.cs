namespace Hospes.Machine;

/// <summary>
/// A device with I/O ports. Threading: called on any vCPU's thread, on several at once; a device guards its own state. It neither blocks
/// nor throws, whatever the guest does: port, width and value are the guest's.
/// </summary>
internal interface IIoDevice
{
    /// <summary>The widest access in bytes that the device takes whole: 1, 2 or 4. A wider one arrives byte by byte at consecutive ports,
    /// as the ISA bus has it.</summary>
    int MaxAccess { get; }

    /// <summary>Answers a read.</summary>
    /// <param name="port">The port's number.</param>
    /// <param name="size">1, 2 or 4, not more than <see cref="MaxAccess"/>.</param>
    /// <returns>The value; bits above <paramref name="size"/> bytes are dropped.</returns>
    uint Read(ushort port, int size);

    /// <summary>Takes a write.</summary>
    /// <param name="port">The port's number.</param>
    /// <param name="size">1, 2 or 4, not more than <see cref="MaxAccess"/>.</param>
    /// <param name="value">The value; bits above <paramref name="size"/> bytes are 0.</param>
    void Write(ushort port, int size, uint value);
}
