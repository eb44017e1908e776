namespace Hospes.Machine;

/// <summary>
/// The resets of a PC beside the reset control register: the keyboard controller's pulse at port 0x64 and port 0x92. There is no keyboard
/// controller behind the first: its status reads as all ones. Thread-safe.
/// </summary>
/// <param name="reset">Ends the run with a reset.</param>
internal sealed class ResetPorts(Action reset) : IIoDevice
{
    /// <summary>The keyboard controller's command that pulses the processor's reset line (IBM PC/AT Technical Reference, "Keyboard
    /// Controller": 0xF0 to 0xFF pulse the output bits that are 0, and bit 0 is the reset).</summary>
    private const uint PulseMask = 0xF1, PulseReset = 0xF0;

    private const uint FastReset = 1, AddressLine20 = 2;

    /// <inheritdoc/>
    public int MaxAccess => 1;

    /// <inheritdoc/>
    public uint Read(ushort port, int size) => port == PortMap.SystemControlA ? AddressLine20 : 0xFF;

    /// <inheritdoc/>
    public void Write(ushort port, int size, uint value)
    {
        bool asks = port == PortMap.SystemControlA ? (value & FastReset) != 0 : (value & PulseMask) == PulseReset;
        if (asks) reset();
    }
}
