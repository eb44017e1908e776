namespace Hospes.Machine;

/// <summary>The watchdog action table (Microsoft, Hardware Watchdog Timers Design Specification 1.01, table 1 and what follows): what a guest does to
/// <see cref="ActionWatchdog"/>.</summary>
internal static class WatchdogTable
{
    private const uint HeaderLength = 32, AllBits = uint.MaxValue, OneBit = 1;

    /// <summary>There is no PCI device behind it.</summary>
    private const byte None = 0xFF;

    /// <summary>Flag: it can be used.</summary>
    private const byte Enabled = 1;

    private enum WatchdogAction : byte
    {
        Reset = 1,
        GetCurrentCountdown = 4,
        GetCountdown = 5,
        SetCountdown = 6,
        GetRunning = 8,
        SetRunning = 9,
        GetStopped = 10,
        SetStopped = 11,
    }

    private enum Instruction : byte
    {
        ReadValue = 0,
        ReadCount = 1,
        WriteValue = 2,
        WriteCount = 3,
    }

    /// <summary>Builds the table.</summary>
    public static byte[] Build()
    {
        (WatchdogAction Action, Instruction Instruction, ushort Port, uint Value, uint Mask)[] entries =
        [
            (WatchdogAction.Reset, Instruction.WriteValue, ActionWatchdog.Current, ActionWatchdog.Again, AllBits),
            (WatchdogAction.GetCurrentCountdown, Instruction.ReadCount, ActionWatchdog.Current, 0, AllBits),
            (WatchdogAction.GetCountdown, Instruction.ReadCount, ActionWatchdog.Count, 0, AllBits),
            (WatchdogAction.SetCountdown, Instruction.WriteCount, ActionWatchdog.Count, 0, AllBits),
            (WatchdogAction.GetRunning, Instruction.ReadValue, ActionWatchdog.State, 1, OneBit),
            (WatchdogAction.SetRunning, Instruction.WriteValue, ActionWatchdog.State, 1, OneBit),
            (WatchdogAction.GetStopped, Instruction.ReadValue, ActionWatchdog.State, 0, OneBit),
            (WatchdogAction.SetStopped, Instruction.WriteValue, ActionWatchdog.State, 0, OneBit),
        ];
        var table = new AcpiTable("WDAT", 1);
        table.Number(HeaderLength, 4).Number(None, 2).Bytes([None, None, None, 0, 0, 0]);
        table.Number(ActionWatchdog.Period, 4).Number(ActionWatchdog.MostCount, 4).Number(ActionWatchdog.LeastCount, 4).Bytes([Enabled, 0, 0, 0]).Number((ulong)entries.Length, 4);
        foreach (var entry in entries)
        {
            table.Bytes([(byte)entry.Action, (byte)entry.Instruction, 0, 0]);
            // A generic address (ACPI 6.5, 5.2.3.2): 32 bits at an I/O port, in one access.
            table.Bytes([1, 32, 0, 3]).Number(entry.Port, 8);
            table.Number(entry.Value, 4).Number(entry.Mask, 4);
        }
        return table.ToArray();
    }
}
