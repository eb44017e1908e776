namespace Hospes.Machine;

/// <summary>Every I/O port of the machine: the one home of their numbers.</summary>
internal static class PortMap
{
    /// <summary>The master and the slave 8259: command and data.</summary>
    public const ushort PicMaster = 0x20, PicSlave = 0xA0;

    /// <summary>The edge/level control registers of the pair.</summary>
    public const ushort PicEdgeLevel = 0x4D0;

    /// <summary>The 8254's counters and its control word.</summary>
    public const ushort Timer = 0x40;

    /// <summary>The NMI status and speaker port.</summary>
    public const ushort SystemControlB = 0x61;

    /// <summary>The keyboard controller's command port; only its reset pulse exists here.</summary>
    public const ushort KeyboardCommand = 0x64;

    /// <summary>The clock's index and data.</summary>
    public const ushort Clock = 0x70;

    /// <summary>The fast A20 and reset port.</summary>
    public const ushort SystemControlA = 0x92;

    /// <summary>The first serial port.</summary>
    public const ushort Serial = 0x3F8;

    /// <summary>The panic notice.</summary>
    public const ushort PanicNotice = 0x505;

    /// <summary>The watchdog that ACPI describes: four registers of 32 bits.</summary>
    public const ushort Watchdog = 0x520;

    /// <summary>The firmware configuration's selector and data.</summary>
    public const ushort FirmwareConfig = 0x510;

    /// <summary>The ACPI sleep control and sleep status registers.</summary>
    public const ushort SleepControl = 0x600, SleepStatus = 0x601;

    /// <summary>PCI configuration address and data (PCI 3.0, 3.2.2.3.2); byte 1 of the address is the reset control register.</summary>
    public const ushort PciAddress = 0xCF8, ResetControl = 0xCF9, PciData = 0xCFC;

    /// <summary>The test device's storage and its interrupt lines.</summary>
    public const ushort TestStorage = 0xE0, TestLines = 0x2000;

    private static readonly (ushort First, int Count)[] s_taken =
    [
        (PicMaster, 2), (PicSlave, 2), (PicEdgeLevel, 2), (Timer, 4), (SystemControlB, 1), (KeyboardCommand, 1), (Clock, 2), (SystemControlA, 1),
        (Serial, 8), (PanicNotice, 1), (FirmwareConfig, 2), (Watchdog, 16), (SleepControl, 2), (PciAddress, 8), (TestStorage, 12), (TestLines, 24),
    ];

    /// <summary>Whether a device of the machine has, or may have, one of the ports.</summary>
    public static bool IsTaken(ushort first, int count)
    {
        foreach ((ushort start, int length) in s_taken)
        {
            if (first < start + length && start < first + count) return true;
        }
        return false;
    }
}
