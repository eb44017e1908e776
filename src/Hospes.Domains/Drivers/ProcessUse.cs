using System.Globalization;
using System.Text.Json;
using Hospes.Domains.Configuration;
using Hospes.Domains.Statistics;

namespace Hospes.Domains.Drivers;

/// <summary>What a process used, as <c>/proc</c> tells (proc(5)).</summary>
internal readonly record struct ProcessUse(ulong User, ulong System, ulong ResidentKiB, ValueList<(string Name, ulong Time, int Host)>? Threads)
{
    /// <summary>The threads of processors are called so, with their numbers behind.</summary>
    private const string VcpuThread = "vcpu";

    private const ulong PageKiB = 4;

    /// <summary>Looks at a process; zeros if it is gone.</summary>
    public static ProcessUse Of(int pid)
    {
        string folder = string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}");
        if (Line($"{folder}/stat") is not { } all) return default;
        var threads = new List<(string, ulong, int)>();
        try
        {
            foreach (string thread in Directory.EnumerateDirectories($"{folder}/task"))
            {
                if (Line($"{thread}/stat") is { } line && line.Name.Contains(VcpuThread, StringComparison.OrdinalIgnoreCase)) threads.Add((line.Name, line.User + line.System, line.Processor));
            }
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            // It ended meanwhile.
        }
        return new ProcessUse(all.User, all.System, all.Pages * PageKiB, [.. threads.OrderBy(static thread => thread.Item1.Length).ThenBy(static thread => thread.Item1, StringComparer.Ordinal)]);
    }

    public ulong VcpuTime(int index) => index < Threads?.Count ? Threads[index].Time : 0;

    public int VcpuHost(int index) => index < Threads?.Count ? Threads[index].Host : -1;

    private static (string Name, ulong User, ulong System, ulong Pages, int Processor)? Line(string path)
    {
        try
        {
            string text = File.ReadAllText(path);
            // The name stands in parentheses and may hold anything.
            int open = text.IndexOf('(', StringComparison.Ordinal), close = text.LastIndexOf(')');
            string[] words = text[(close + 2)..].Split(' ');
            return (text[(open + 1)..close], Ticks(words[11]), Ticks(words[12]), ulong.Parse(words[21], CultureInfo.InvariantCulture), int.Parse(words[36], CultureInfo.InvariantCulture));
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException or FormatException or ArgumentOutOfRangeException or IndexOutOfRangeException)
        {
            return null;
        }
    }

    private static ulong Ticks(string word) => ulong.Parse(word, CultureInfo.InvariantCulture) * NodeStatistics.TickNanoseconds;
}

/// <summary>Reads the answer to <c>query-blockstats</c>.</summary>
internal static class BlockReport
{
    /// <summary>The counts of a block node; zeros where nothing is told.</summary>
    public static BlockStatistics Of(JsonElement? answer, string node)
    {
        if (answer is { ValueKind: JsonValueKind.Array } list)
        {
            foreach (JsonElement item in list.EnumerateArray())
            {
                if (item.TryGetProperty("node-name", out JsonElement name) && name.GetString() == node && item.TryGetProperty("stats", out JsonElement stats))
                    return new BlockStatistics(Count(stats, "rd_operations"), Count(stats, "rd_bytes"), Count(stats, "wr_operations"), Count(stats, "wr_bytes"), Count(stats, "flush_operations"),
                        Count(stats, "rd_total_time_ns"), Count(stats, "wr_total_time_ns"), Count(stats, "flush_total_time_ns"));
            }
        }
        return new BlockStatistics(0, 0, 0, 0, 0, 0, 0, 0);
    }

    private static ulong Count(JsonElement stats, string name) => stats.TryGetProperty(name, out JsonElement value) && value.TryGetUInt64(out ulong count) ? count : 0;
}
