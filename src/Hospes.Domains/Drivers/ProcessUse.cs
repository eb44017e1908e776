using System.Globalization;
using Hospes.Domains.Configuration;
using Hospes.Domains.Statistics;

namespace Hospes.Domains.Drivers;

/// <summary>What a process used, as <c>/proc</c> tells (proc(5)).</summary>
internal readonly record struct ProcessUse(ulong User, ulong System, ulong ResidentKiB, IReadOnlyList<VcpuThread>? Threads)
{
    private const ulong PageKiB = 4;

    /// <summary>Looks at a process; zeros if it is gone.</summary>
    /// <param name="pid">Its number.</param>
    /// <param name="vcpus">The threads of its processors, in their order.</param>
    public static ProcessUse Of(int pid, IEnumerable<int> vcpus)
    {
        string folder = string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}");
        return Line($"{folder}/stat") is { } all ? new ProcessUse(all.User, all.System, all.Pages * PageKiB, [.. vcpus.Select(thread => Thread(folder, thread))]) : default;
    }

    /// <summary>What a processor used; nothing if it has no thread.</summary>
    public VcpuStatistics Vcpu(int index, bool running) => index < Threads?.Count
        ? new VcpuStatistics(running, Threads[index].Time, Threads[index].Host, Threads[index].Delay)
        : new VcpuStatistics(running, 0, -1, 0);

    /// <summary>The threads of a process.</summary>
    public static IReadOnlyList<int> ThreadsOf(int pid)
    {
        try
        {
            return [.. Directory.EnumerateDirectories(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/task")).Select(static path => int.Parse(Path.GetFileName(path), CultureInfo.InvariantCulture))];
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>Where the kernel runs a thread; null if it is gone.</summary>
    public static ProcessorSet? PlaceOf(int pid, int thread)
    {
        const string word = "Cpus_allowed_list:";
        try
        {
            string? line = File.ReadLines(string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}/task/{thread}/status")).FirstOrDefault(static line => line.StartsWith(word, StringComparison.Ordinal));
            return line is null ? null : ProcessorSet.Parse(line[word.Length..].Trim());
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static VcpuThread Thread(string folder, int id)
    {
        string thread = string.Create(CultureInfo.InvariantCulture, $"{folder}/task/{id}");
        if (Line($"{thread}/stat") is not { } line) return new VcpuThread(0, 0, -1);
        (ulong time, ulong delay) = Scheduled($"{thread}/schedstat") ?? (line.User + line.System, 0);
        return new VcpuThread(time, delay, line.Processor);
    }

    /// <summary>How long a thread ran, and waited to, in nanoseconds (Linux, Documentation/scheduler/sched-stats.rst); null where the kernel does not count.</summary>
    private static (ulong Time, ulong Delay)? Scheduled(string path)
    {
        try
        {
            string[] words = File.ReadAllText(path).Split(' ');
            return words.Length > 1 && ulong.TryParse(words[0], out ulong time) && ulong.TryParse(words[1], out ulong delay) ? (time, delay) : null;
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static (ulong User, ulong System, ulong Pages, int Processor)? Line(string path)
    {
        try
        {
            string text = File.ReadAllText(path);
            // The name stands in parentheses and may hold anything.
            string[] words = text[(text.LastIndexOf(')') + 2)..].Split(' ');
            return (Ticks(words[11]), Ticks(words[12]), ulong.Parse(words[21], CultureInfo.InvariantCulture), int.Parse(words[36], CultureInfo.InvariantCulture));
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException or FormatException or ArgumentOutOfRangeException or IndexOutOfRangeException)
        {
            return null;
        }
    }

    private static ulong Ticks(string word) => ulong.Parse(word, CultureInfo.InvariantCulture) * NodeStatistics.TickNanoseconds;
}

/// <summary>The thread of a processor.</summary>
/// <param name="Time">How long it ran, in nanoseconds.</param>
/// <param name="Delay">How long it waited to, in nanoseconds.</param>
/// <param name="Host">The host's processor that it ran on last, or -1.</param>
internal readonly record struct VcpuThread(ulong Time, ulong Delay, int Host);
