using System.Globalization;
using System.Runtime.InteropServices;

namespace Hospes.Cli.Native;

/// <summary>
/// The pages of program files that are mapped as code. Those of a start are not needed again, but stay resident: the kernel maps sixteen around each that is
/// used. They are the files' own and shared by all processes of a host, so that letting them go costs a fault for each that is used again, and no reading.
/// </summary>
internal static partial class CodePages
{
    private const int DontNeed = 4;

    /// <summary>Lets go of all that are as their files have them. Pages that somebody wrote, as a debugger does, keep their mapping.</summary>
    public static void Release()
    {
        try
        {
            foreach ((nint start, nint length) in Clean(File.ReadLines("/proc/self/smaps"))) _ = Advise(start, length, DontNeed);
        }
        catch (IOException)
        {
            // No /proc: everything stays where it is.
        }
        catch (UnauthorizedAccessException)
        {
        }
    }

    /// <summary>Finds private mappings of files, executable and not writable, of which no page differs from its file (proc(5), <c>/proc/pid/smaps</c>).</summary>
    internal static IEnumerable<(nint Start, nint Length)> Clean(IEnumerable<string> smaps)
    {
        (nint Start, nint Length) mapping = default;
        foreach (string line in smaps)
        {
            // Pages of its own that differ from the file's: in memory, and swapped out.
            if (line.StartsWith("Anonymous:", StringComparison.Ordinal) && !IsNone(line))
            {
                mapping = default;
            }
            else if (line.StartsWith("Swap:", StringComparison.Ordinal))
            {
                if (mapping.Length > 0 && IsNone(line)) yield return mapping;
                mapping = default;
            }
            else if (line.Length > 0 && char.IsAsciiHexDigitLower(line[0]))
            {
                mapping = Code(line);
            }
        }
    }

    private static bool IsNone(string line) => line.EndsWith(" 0 kB", StringComparison.Ordinal);

    /// <summary>Reads a mapping's first line, as in <c>start-end perms offset dev inode path</c>; of length zero unless it is code of a file.</summary>
    private static (nint Start, nint Length) Code(string line)
    {
        string[] parts = line.Split(' ', 6, StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length < 6 || parts[1] != "r-xp" || !parts[5].StartsWith('/')) return default;
        string[] ends = parts[0].Split('-');
        return ends.Length == 2
            && nint.TryParse(ends[0], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out nint start)
            && nint.TryParse(ends[1], NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out nint end) ? (start, end - start) : default;
    }

    // SAFETY: only ranges that the kernel itself listed as unchanged private mappings of files come here; their pages come back from the file.
    [LibraryImport("libc", EntryPoint = "madvise", SetLastError = true)]
    private static partial int Advise(nint start, nint length, int advice);
}
