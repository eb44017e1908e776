namespace Hospes.Machine;

using static CmosRegisters;

/// <summary>A moment as the clock's registers show it, and back: binary or BCD, 24 or 12 hours, as register B says.</summary>
internal static class CmosTime
{
    /// <summary>Writes a moment into the time registers; alarms stay.</summary>
    public static void Encode(DateTime time, byte registerB, Span<byte> registers)
    {
        registers[Seconds] = Number(time.Second, registerB);
        registers[Minutes] = Number(time.Minute, registerB);
        registers[Hours] = Hour(time.Hour, registerB);
        registers[WeekDay] = Number((int)time.DayOfWeek + 1, registerB);
        registers[Day] = Number(time.Day, registerB);
        registers[Month] = Number(time.Month, registerB);
        registers[Year] = Number(time.Year % 100, registerB);
        registers[Century] = Number(time.Year / 100, registerB);
    }

    /// <summary>Reads a moment out of the time registers; fails when they hold no date that exists.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> registers, byte registerB, out DateTime time)
    {
        int year = Value(registers[Century], registerB) * 100 + Value(registers[Year], registerB);
        int month = Value(registers[Month], registerB), day = Value(registers[Day], registerB);
        int hour = HourValue(registers[Hours], registerB);
        int minute = Value(registers[Minutes], registerB), second = Value(registers[Seconds], registerB);
        bool exists = year is >= 1 and <= 9999 && month is >= 1 and <= 12 && day >= 1 && day <= DateTime.DaysInMonth(year, month)
            && hour < 24 && minute < 60 && second < 60;
        time = exists ? new DateTime(year, month, day, hour, minute, second, DateTimeKind.Utc) : default;
        return exists;
    }

    /// <summary>Whether an alarm is for a moment.</summary>
    public static bool Matches(DateTime time, byte registerB, ReadOnlySpan<byte> registers) =>
        Matches(registers[SecondsAlarm], Number(time.Second, registerB))
        && Matches(registers[MinutesAlarm], Number(time.Minute, registerB))
        && Matches(registers[HoursAlarm], Hour(time.Hour, registerB));

    private static bool Matches(byte alarm, byte value) => (alarm & DontCare) == DontCare || alarm == value;

    private static byte Number(int value, byte registerB) => (byte)((registerB & Binary) != 0 ? value : value / 10 << 4 | value % 10);

    private static int Value(byte number, byte registerB) => (registerB & Binary) != 0 ? number : (number >> 4) * 10 + (number & 0xF);

    private static byte Hour(int hour, byte registerB)
    {
        if ((registerB & Hours24) != 0) return Number(hour, registerB);
        byte twelve = Number(hour % 12 == 0 ? 12 : hour % 12, registerB);
        return hour >= 12 ? (byte)(twelve | Afternoon) : twelve;
    }

    private static int HourValue(byte number, byte registerB)
    {
        if ((registerB & Hours24) != 0) return Value(number, registerB);
        int twelve = Value((byte)(number & ~Afternoon), registerB);
        if (twelve is < 1 or > 12) return 24;
        return twelve % 12 + ((number & Afternoon) != 0 ? 12 : 0);
    }
}
