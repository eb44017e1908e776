using System.Globalization;

namespace Hospes.Vmm.CommandLine;

/// <summary>
/// What the process of a domain may use (<c>-sandbox on,rules=FILE</c>): a file of lines, each a word and, behind a blank, a path or a port. Folders stand for everything below them.
/// </summary>
public sealed record ConfinementRules
{
    /// <summary>The longest file of rules, in bytes.</summary>
    private const int Longest = 1 << 20;

    /// <summary>Programs that it may start; <c>execute</c>.</summary>
    public IReadOnlyList<string> Executes { get; init; } = [];

    /// <summary>What it may read; <c>read</c>.</summary>
    public IReadOnlyList<string> Reads { get; init; } = [];

    /// <summary>What it may read and write; in folders, make and remove too; <c>write</c>.</summary>
    public IReadOnlyList<string> Writes { get; init; } = [];

    /// <summary>Folders that a guest shares: as what it may write, and links, pipes and moves between folders too; <c>share</c>.</summary>
    public IReadOnlyList<string> Shares { get; init; } = [];

    /// <summary>Folders in which it may make and remove sockets; <c>sockets</c>.</summary>
    public IReadOnlyList<string> Sockets { get; init; } = [];

    /// <summary>TCP ports at which it may listen, <c>listen</c>; null when ports are not restricted, <c>any-port</c>.</summary>
    public IReadOnlyList<int>? Listens { get; init; } = [];

    /// <summary>TCP ports to which it may connect; <c>connect</c>.</summary>
    public IReadOnlyList<int> Connects { get; init; } = [];

    /// <summary>Reads a file of rules.</summary>
    /// <param name="path">The file.</param>
    /// <param name="error">What is wrong, or null.</param>
    /// <returns>The rules, or null.</returns>
    public static ConfinementRules? TryRead(string path, out string? error)
    {
        try
        {
            if (new FileInfo(path).Length > Longest)
            {
                error = "it is too long";
                return null;
            }
            return TryParse(File.ReadAllText(path), out error);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            error = fault.Message.TrimEnd('.');
            return null;
        }
    }

    /// <summary>Reads the text of such a file.</summary>
    /// <param name="text">The text.</param>
    /// <param name="error">What is wrong, or null.</param>
    /// <returns>The rules, or null.</returns>
    public static ConfinementRules? TryParse(string text, out string? error)
    {
        error = null;
        List<string> executes = [], reads = [], writes = [], shares = [], sockets = [];
        List<int> listens = [], connects = [];
        bool anyPort = false;
        foreach (string line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            int blank = line.IndexOf(' ', StringComparison.Ordinal);
            string word = blank < 0 ? line : line[..blank], value = blank < 0 ? "" : line[(blank + 1)..];
            bool understood = word switch
            {
                "execute" => Path(executes, value),
                "read" => Path(reads, value),
                "write" => Path(writes, value),
                "share" => Path(shares, value),
                "sockets" => Path(sockets, value),
                "listen" => Port(listens, value),
                "connect" => Port(connects, value),
                "any-port" => anyPort = value.Length == 0,
                _ => false,
            };
            if (understood) continue;
            error = $"'{line}' is no rule";
            return null;
        }
        return new ConfinementRules { Executes = executes, Reads = reads, Writes = writes, Shares = shares, Sockets = sockets, Listens = anyPort ? null : listens, Connects = connects };
    }

    private static bool Path(List<string> paths, string value)
    {
        if (value.Length < 1 || value[0] != '/') return false;
        paths.Add(value);
        return true;
    }

    private static bool Port(List<int> ports, string value)
    {
        if (!ushort.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out ushort port)) return false;
        ports.Add(port);
        return true;
    }
}
