namespace Hospes.Machine;

/// <summary>The registers of the CMOS clock (Motorola MC146818A data sheet; the century is where PCs and this machine's FADT have it).</summary>
internal static class CmosRegisters
{
    /// <summary>Time and calendar, each alarm behind its counterpart.</summary>
    public const int Seconds = 0, SecondsAlarm = 1, Minutes = 2, MinutesAlarm = 3, Hours = 4, HoursAlarm = 5, WeekDay = 6, Day = 7, Month = 8, Year = 9;

    /// <summary>The control and status registers.</summary>
    public const int A = 10, B = 11, C = 12, D = 13;

    /// <summary>The century; the FADT names it.</summary>
    public const int Century = 0x32;

    /// <summary>Register A: an update is in progress or close; the divider that runs, with the periodic rate that PCs use.</summary>
    public const byte UpdateInProgress = 0x80, UsualRate = 0x26;

    /// <summary>Register B: updates are held, alarm and update interrupts, binary numbers, 24 hours.</summary>
    public const byte Hold = 0x80, AlarmInterrupt = 0x20, UpdateInterrupt = 0x10, Binary = 4, Hours24 = 2;

    /// <summary>Register C: some enabled interrupt is pending; an alarm; an update.</summary>
    public const byte Pending = 0x80, Alarm = 0x20, Updated = 0x10;

    /// <summary>Register D: the battery is good.</summary>
    public const byte Valid = 0x80;

    /// <summary>An alarm byte with both top bits set matches every value.</summary>
    public const byte DontCare = 0xC0;

    /// <summary>Hours of the twelve-hour clock: afternoon.</summary>
    public const byte Afternoon = 0x80;
}
