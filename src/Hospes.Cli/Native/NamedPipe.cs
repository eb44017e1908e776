using System.Runtime.InteropServices;

namespace Hospes.Cli.Native;

/// <summary>Makes named pipes (mkfifo(3)).</summary>
internal static partial class NamedPipe
{
    /// <summary>The mode: read and write, for the owner.</summary>
    private const uint OwnerOnly = 0x180;

    /// <summary>Makes one that only this user can open.</summary>
    /// <returns>Why not, or null.</returns>
    public static string? Make(string path) => MakeFifo(path, OwnerOnly) == 0 ? null : Confinement.Reason();

    // SAFETY: a string that is copied for the call, and a number.
    [LibraryImport("libc", EntryPoint = "mkfifo", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int MakeFifo(string path, uint mode);
}
