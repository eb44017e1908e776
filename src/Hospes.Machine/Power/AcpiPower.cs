namespace Hospes.Machine;

/// <summary>The sleep control and sleep status registers of hardware-reduced ACPI (ACPI 6.5, 4.8.3.7). Only S5, soft off, exists.</summary>
/// <param name="powerOff">Ends the run.</param>
internal sealed class AcpiPower(Action powerOff) : IIoDevice
{
    /// <summary>The value of SLP_TYPx that the DSDT's \_S5 names.</summary>
    public const int SoftOff = 5;

    private const uint SleepEnable = 1 << 5;

    /// <inheritdoc/>
    public int MaxAccess => 1;

    /// <inheritdoc/>
    public uint Read(ushort port, int size) => 0;

    /// <inheritdoc/>
    public void Write(ushort port, int size, uint value)
    {
        if (port == PortMap.SleepControl && (value & SleepEnable) != 0 && (value >> 2 & 7) == SoftOff) powerOff();
    }
}
