namespace Hospes.Machine;

/// <summary>
/// A device with registers in guest-physical memory. Threading: called on any vCPU's thread, on several at once; a device guards its own
/// state. It neither blocks nor throws, whatever the guest does.
/// </summary>
internal interface IMmioDevice
{
    /// <summary>Answers a read.</summary>
    /// <param name="offset">Bytes from the start of the device's window; the access may reach beyond the window's end.</param>
    /// <param name="size">1, 2, 4 or 8.</param>
    /// <returns>The value; bits above <paramref name="size"/> bytes are dropped.</returns>
    ulong Read(ulong offset, int size);

    /// <summary>Takes a write.</summary>
    /// <param name="offset">Bytes from the start of the device's window; the access may reach beyond the window's end.</param>
    /// <param name="size">1, 2, 4 or 8.</param>
    /// <param name="value">The value; bits above <paramref name="size"/> bytes are 0.</param>
    void Write(ulong offset, int size, ulong value);
}
