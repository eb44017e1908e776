using System.Globalization;
using Hospes.Domains.Statistics;

namespace Hospes.Domains.Drivers;

/// <summary>What a process used, as <c>/proc</c> tells (proc(5)).</summary>
internal readonly record struct ProcessUse(ulong User, ulong System, ulong ResidentKiB, IReadOnlyList<VcpuThread>? Threads)
{
    /// <summary>The threads of processors are called so, with their numbers behind.</summary>
    private const string VcpuName = "vcpu ";

    private const ulong PageKiB = 4;

    /// <summary>Looks at a process; zeros if it is gone.</summary>
    /// <param name="pid">Its number.</param>
    /// <param name="vcpus">Whether the threads of its processors are looked for.</param>
    public static ProcessUse Of(int pid, bool vcpus)
    {
        string folder = string.Create(CultureInfo.InvariantCulture, $"/proc/{pid}");
        return Line($"{folder}/stat") is { } all ? new ProcessUse(all.User, all.System, all.Pages * PageKiB, vcpus ? VcpuThreads(folder) : null) : default;
    }

    /// <summary>The threads of a process's processors, in their order.</summary>
    public static IReadOnlyList<VcpuThread> VcpuThreads(string folder)
    {
        var threads = new List<VcpuThread>();
        try
        {
            foreach (string thread in Directory.EnumerateDirectories($"{folder}/task"))
            {
                // The name alone first: there are many others.
                if (!File.ReadAllText($"{thread}/comm").StartsWith(VcpuName, StringComparison.Ordinal)) continue;
                if (Line($"{thread}/stat") is not { } line || !int.TryParse(line.Name.AsSpan(VcpuName.Length), NumberStyles.None, CultureInfo.InvariantCulture, out int index)) continue;
                (ulong time, ulong delay) = Scheduled($"{thread}/schedstat") ?? (line.User + line.System, 0);
                threads.Add(new VcpuThread(index, int.Parse(Path.GetFileName(thread), CultureInfo.InvariantCulture), time, delay, line.Processor));
            }
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            // It ended meanwhile.
        }
        threads.Sort(static (a, b) => a.Index.CompareTo(b.Index));
        return threads;
    }

    /// <summary>What a processor used; nothing if it has no thread.</summary>
    public VcpuStatistics Vcpu(int index, bool running) => index < Threads?.Count
        ? new VcpuStatistics(running, Threads[index].Time, Threads[index].Host, Threads[index].Delay)
        : new VcpuStatistics(running, 0, -1, 0);

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

/// <summary>The thread of a processor.</summary>
/// <param name="Index">The processor's number.</param>
/// <param name="Id">The thread's number on the host.</param>
/// <param name="Time">How long it ran, in nanoseconds.</param>
/// <param name="Delay">How long it waited to, in nanoseconds.</param>
/// <param name="Host">The host's processor that it ran on last.</param>
internal readonly record struct VcpuThread(int Index, int Id, ulong Time, ulong Delay, int Host);
