using System.Runtime.InteropServices;

namespace Hospes.Cli.Native;

/// <summary>SIGXFSZ, which ends a process that writes behind its file size limit (setrlimit(2), RLIMIT_FSIZE).</summary>
internal static class FileSizeSignal
{
    /// <summary>Its number on Linux (signal(7)); the runtime has no name for it.</summary>
    private const PosixSignal FileSizeExceeded = (PosixSignal)25;

    /// <summary>Passes the signal by: the write then fails with EFBIG, which is an error like a full disk, and a guest outlives it.</summary>
    public static IDisposable Ignore() => PosixSignalRegistration.Create(FileSizeExceeded, static context => context.Cancel = true);
}
