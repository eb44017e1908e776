using System.Globalization;

namespace Hospes.Domains.Statistics;

/// <summary>The host itself, as the kernel tells of it in <c>/proc</c>.</summary>
public static class NodeStatistics
{
    /// <summary>Nanoseconds per tick of <c>/proc/stat</c> (<c>USER_HZ</c> is 100 on x86-64).</summary>
    public const ulong TickNanoseconds = 10_000_000;

    /// <summary>How many processors this process may use.</summary>
    public static int Processors => Environment.ProcessorCount;

    /// <summary>The speed of the first processor, in MHz; 0 when not known.</summary>
    public static int Megahertz
    {
        get
        {
            foreach (string line in Lines("/proc/cpuinfo"))
            {
                if (!line.StartsWith("cpu MHz", StringComparison.Ordinal)) continue;
                return double.TryParse(line.AsSpan(line.IndexOf(':', StringComparison.Ordinal) + 1), CultureInfo.InvariantCulture, out double speed) ? (int)speed : 0;
            }
            return 0;
        }
    }

    /// <summary>One line of <c>/proc/meminfo</c>, in KiB; 0 when there is none.</summary>
    /// <param name="name">Its name, such as <c>MemTotal</c>.</param>
    public static ulong MemoryKiB(string name)
    {
        foreach (string line in Lines("/proc/meminfo"))
        {
            if (!line.StartsWith(name, StringComparison.Ordinal) || line.Length <= name.Length || line[name.Length] != ':') continue;
            string[] words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
            return words.Length > 1 && ulong.TryParse(words[1], out ulong amount) ? amount : 0;
        }
        return 0;
    }

    /// <summary>The time that a processor, or all, spent, in nanoseconds; null if there is no such processor.</summary>
    /// <param name="processor">Its number, or -1 for all.</param>
    public static (ulong Kernel, ulong User, ulong Idle, ulong IoWait)? ProcessorTime(int processor)
    {
        string name = processor < 0 ? "cpu " : string.Create(CultureInfo.InvariantCulture, $"cpu{processor} ");
        foreach (string line in Lines("/proc/stat"))
        {
            if (!line.StartsWith(name, StringComparison.Ordinal)) continue;
            // proc(5): user, nice, system, idle, iowait, irq, softirq.
            ulong[] ticks = [.. line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1).Select(static word => ulong.TryParse(word, out ulong value) ? value : 0)];
            if (ticks.Length < 7) return null;
            return ((ticks[2] + ticks[5] + ticks[6]) * TickNanoseconds, (ticks[0] + ticks[1]) * TickNanoseconds, ticks[3] * TickNanoseconds, ticks[4] * TickNanoseconds);
        }
        return null;
    }

    private static IEnumerable<string> Lines(string path)
    {
        try
        {
            return File.ReadAllLines(path);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
