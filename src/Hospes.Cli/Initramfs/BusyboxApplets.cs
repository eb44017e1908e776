using System.Text;

namespace Hospes.Cli.Initramfs;

/// <summary>
/// Reads the names that a busybox answers to out of the program itself, without running it: it holds them as one list of
/// strings in ascending order, each ended by a zero byte, <c>[</c> and <c>[[</c> first.
/// </summary>
internal static class BusyboxApplets
{
    private const int LongestName = 32;
    private const int Fewest = 16;

    /// <summary>What every busybox of a distribution has.</summary>
    private static readonly string[] Common =
        ["ash", "cat", "chmod", "cp", "cut", "date", "dd", "df", "dmesg", "echo", "env", "false", "free", "grep", "head", "hostname", "id", "kill",
         "ln", "ls", "mkdir", "mount", "mv", "nproc", "poweroff", "ps", "reboot", "rm", "sed", "sh", "sleep", "sync", "tail", "test", "top", "true",
         "umount", "uname", "uptime", "wc"];

    /// <summary>The names; the common ones when the list is not found.</summary>
    public static IReadOnlyList<string> Find(ReadOnlySpan<byte> busybox)
    {
        ReadOnlySpan<byte> start = "\0[\0[[\0"u8;
        for (int at = busybox.IndexOf(start); at >= 0;)
        {
            List<string> names = ReadFrom(busybox[(at + 1)..]);
            if (names.Count >= Fewest && names.Contains("sh")) return names;
            int next = busybox[(at + 1)..].IndexOf(start);
            at = next < 0 ? -1 : at + 1 + next;
        }

        return Common;
    }

    private static List<string> ReadFrom(ReadOnlySpan<byte> list)
    {
        var names = new List<string>();
        while (true)
        {
            int end = list[..Math.Min(list.Length, LongestName)].IndexOf((byte)0);
            if (end <= 0) return names;
            string name = Encoding.Latin1.GetString(list[..end]);
            bool plausible = name.All(static letter => char.IsAsciiLetterOrDigit(letter) || letter is '[' or '_' or '-' or '.')
                && (names.Count == 0 || string.CompareOrdinal(names[^1], name) < 0);
            if (!plausible) return names;
            names.Add(name);
            list = list[(end + 1)..];
        }
    }
}
