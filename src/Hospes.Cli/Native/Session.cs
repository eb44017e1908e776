using System.Runtime.InteropServices;

namespace Hospes.Cli.Native;

/// <summary>What makes a process one of the background.</summary>
internal static partial class Session
{
    /// <summary>open(2) on Linux: read and write.</summary>
    private const int ReadWrite = 2;

    /// <summary>fcntl(2): sets whether a descriptor is closed in programs that are started.</summary>
    private const int SetDescriptorFlags = 2, CloseOnExec = 1;

    /// <summary>Leaves the terminal and the session of whoever started the process (setsid(2)).</summary>
    public static void Leave() => _ = NewSession();

    /// <summary>Has a descriptor closed in the programs that this process starts.</summary>
    public static void Keep(int descriptor) => _ = Control(descriptor, SetDescriptorFlags, CloseOnExec);

    /// <summary>Leads the standard streams to nowhere.</summary>
    public static void CloseStandardStreams()
    {
        int nowhere = Open("/dev/null", ReadWrite);
        for (int stream = 0; nowhere >= 0 && stream <= 2; stream++) _ = Duplicate(nowhere, stream);
        if (nowhere > 2) _ = Close(nowhere);
    }

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
