namespace Hospes.Machine;

/// <summary>The tables without AML: XSDT, FADT, MADT, MCFG.</summary>
internal static class FixedTables
{
    /// <summary>FADT flags (ACPI 6.5, table 5.10): WBINVD works; power and sleep buttons are no fixed hardware; the reset register exists;
    /// hardware-reduced.</summary>
    private const uint Wbinvd = 1 << 0, NoFixedPowerButton = 1 << 4, NoFixedSleepButton = 1 << 5, ResetRegister = 1 << 10, HardwareReduced = 1 << 20;

    /// <summary>IA-PC boot flags (table 5.11): no VGA. Unset: legacy devices, 8042; and CMOS clock absent, since that one is here.</summary>
    private const ushort NoVga = 1 << 2;

    /// <summary>What the reset register is written with: the reset control register's full reset.</summary>
    private const byte ResetValue = 0x06;

    /// <summary>Offsets in the FADT (table 5.9).</summary>
    private const int PreferredProfile = 45, CenturyOffset = 108, BootFlags = 109, Flags = 112, ResetOffset = 116, MinorVersion = 131, XDsdt = 140,
        SleepControl = 244, HypervisorId = 268, FadtSize = 276;

    /// <summary>Preferred profile: enterprise server.</summary>
    private const byte EnterpriseServer = 4;

    /// <summary>Flags of a processor (table 5.21): it is there; it may come.</summary>
    private const uint Enabled = 1, OnlineCapable = 2;

    /// <summary>The extended system description table (5.2.8).</summary>
    public static byte[] BuildXsdt(IEnumerable<ulong> tables)
    {
        var table = new AcpiTable("XSDT", 1);
        foreach (ulong address in tables) table.Number(address, 8);
        return table.ToArray();
    }

    /// <summary>The fixed ACPI description table (5.2.9), revision 6.3: no FACS, no SCI, no fixed hardware but sleep and reset.</summary>
    public static byte[] BuildFadt(ulong dsdt)
    {
        var table = new AcpiTable("FACP", 6);
        table.ZerosTo(PreferredProfile).Number(EnterpriseServer, 1);
        table.ZerosTo(CenturyOffset).Number(CmosRegisters.Century, 1);
        table.ZerosTo(BootFlags).Number(NoVga, 2);
        table.ZerosTo(Flags).Number(Wbinvd | NoFixedPowerButton | NoFixedSleepButton | ResetRegister | HardwareReduced, 4);
        table.ZerosTo(ResetOffset);
        PortRegister(table, PortMap.ResetControl).Number(ResetValue, 1);
        table.ZerosTo(MinorVersion).Number(3, 1);
        table.ZerosTo(XDsdt).Number(dsdt, 8);
        table.ZerosTo(SleepControl);
        PortRegister(table, PortMap.SleepControl);
        PortRegister(table, PortMap.SleepStatus);
        table.ZerosTo(HypervisorId).Bytes("HOSPES\0\0"u8);
        return table.ZerosTo(FadtSize).ToArray();
    }

    /// <summary>The multiple APIC description table (5.2.12): the processors' local APICs, the I/O APIC, and NMIs on LINT1.</summary>
    public static byte[] BuildMadt(MachineConfig config)
    {
        var table = new AcpiTable("APIC", 5);
        table.Number(MachineLayout.LocalApicBase, 4).Number(0, 4);
        for (int id = 0; id < config.MostVcpus; id++) table.Bytes([0, 8, (byte)id, (byte)id]).Number(id < config.Vcpus ? Enabled : OnlineCapable, 4);
        table.Bytes([1, 12, 0, 0]).Number(MachineLayout.IoApicBase, 4).Number(0, 4);
        return table.Bytes([4, 6, 0xFF, 0, 0, 1]).ToArray();
    }

    /// <summary>The memory-mapped configuration table (PCI Firmware 3.3, 4.1.2): one segment with all buses.</summary>
    public static byte[] BuildMcfg(MachineConfig config) =>
        new AcpiTable("MCFG", 1).Number(0, 8).Number(config.PciEcamBase, 8).Number(0, 2).Bytes([0, 255]).Number(0, 4).ToArray();

    /// <summary>A generic address (5.2.3.2) of an 8-bit I/O port, in byte accesses.</summary>
    private static AcpiTable PortRegister(AcpiTable table, ushort port) => table.Bytes([1, 8, 0, 1]).Number(port, 8);
}
