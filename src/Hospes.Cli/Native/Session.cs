using System.Globalization;
using System.Runtime.InteropServices;

namespace Hospes.Cli.Native;

/// <summary>What makes a process one of the background.</summary>
internal static partial class Session
{
    private const string Descriptors = "/proc/self/fd";

    /// <summary>open(2) on Linux: read and write.</summary>
    private const int ReadWrite = 2;

    /// <summary>fcntl(2): sets whether a descriptor is closed in programs that are started.</summary>
    private const int SetDescriptorFlags = 2, CloseOnExec = 1;

    /// <summary>Leaves the terminal and the session of whoever started the process (setsid(2)).</summary>
    public static void Leave() => _ = NewSession();

    /// <summary>Has a descriptor closed in the programs that this process starts.</summary>
    public static void Keep(int descriptor) => _ = Control(descriptor, SetDescriptorFlags, CloseOnExec);

    /// <summary>Leads the standard streams to nowhere, and the runtime's copies of them: whoever reads them sees their end.</summary>
    public static void CloseStandardStreams()
    {
        int nowhere = Open("/dev/null", ReadWrite);
        if (nowhere < 0) return;
        string?[] targets = [Target(0), Target(1), Target(2)];
        foreach (string entry in Directory.EnumerateFileSystemEntries(Descriptors))
        {
            if (int.TryParse(Path.GetFileName(entry), NumberStyles.None, CultureInfo.InvariantCulture, out int descriptor)
                && descriptor != nowhere && Target(descriptor) is { } target && targets.Contains(target)) _ = Duplicate(nowhere, descriptor);
        }
        if (nowhere > 2) _ = Close(nowhere);
    }

    /// <summary>What a descriptor leads to (proc(5)); null for one that is closed.</summary>
    private static string? Target(int descriptor) => new FileInfo(Path.Combine(Descriptors, descriptor.ToString(CultureInfo.InvariantCulture))).LinkTarget;

    // SAFETY: numbers and a string that is copied for the call; nothing is kept.
    [LibraryImport("libc", EntryPoint = "setsid")]
    private static partial int NewSession();

    [LibraryImport("libc", EntryPoint = "fcntl")]
    private static partial int Control(int descriptor, int command, int argument);

    [LibraryImport("libc", EntryPoint = "open", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Open(string path, int flags);

    [LibraryImport("libc", EntryPoint = "dup2")]
    private static partial int Duplicate(int from, int to);

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int Close(int descriptor);
}
