using System.Runtime.InteropServices;

namespace Hospes.Cli.Native;

/// <summary>Who this process is: what files that it makes belong to.</summary>
internal static partial class UserId
{
    /// <summary>The user and the group (geteuid(2), getegid(2)).</summary>
    public static (int User, int Group) OfProcess() => ((int)User(), (int)Group());

    // SAFETY: takes nothing, gives a number, never fails.
    [LibraryImport("libc", EntryPoint = "geteuid")]
    private static partial uint User();

    // SAFETY: as above.
    [LibraryImport("libc", EntryPoint = "getegid")]
    private static partial uint Group();
}
