using System.Runtime.InteropServices;
using Hospes.Vmm.CommandLine;

namespace Hospes.Cli.Native;

/// <summary>
/// What the host's kernel enforces on a process from its first instruction on: no new privileges (prctl(2)), a filter of system calls (seccomp(2)), and files and ports that it
/// may use (landlock(7)). It is for the calling thread and what that starts, so that a program of .NET, whose threads are many before its code runs, has to be confined by whoever
/// starts it.
/// </summary>
internal static partial class Confinement
{
    /// <summary>prctl(2): PR_SET_NO_NEW_PRIVS.</summary>
    private const int SetNoNewPrivileges = 38;

    /// <summary>Confines the calling thread as far as the host can.</summary>
    /// <param name="rules">What it may use; without rules, files and ports are not restricted.</param>
    /// <returns>What applies, for people; what does not, with the reason.</returns>
    public static string Apply(ConfinementRules? rules)
    {
        if (!OperatingSystem.IsLinux()) return "nothing: this is not Linux";
        var applied = new List<string>();
        if (Control(SetNoNewPrivileges, 1, 0, 0, 0) != 0) return $"nothing: no_new_privs ({Reason()})";
        applied.Add("no_new_privs");
        // First, since the filter does not let it through any more.
        if (rules is not null) applied.Add(Landlock.Restrict(rules) is { } failure ? $"no landlock ({failure})" : $"landlock {Landlock.Version}");
        applied.Add(SystemCallFilter.Install() ? "seccomp" : $"no seccomp ({Reason()})");
        return string.Join(", ", applied);
    }

    /// <summary>What this host's kernel can do of it, and what it lacks.</summary>
    public static (IReadOnlyList<string> There, IReadOnlyList<string> Missing) Look()
    {
        List<string> there = ["no_new_privs"], missing = [];
        (SystemCallFilter.IsThere ? there : missing).Add("seccomp");
        if (Landlock.Version > 0) there.Add($"landlock {Landlock.Version}");
        else missing.Add("landlock");
        return (there, missing);
    }

    /// <summary>The words for the last call that failed.</summary>
    internal static string Reason() => Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError());

    // SAFETY: numbers only.
    [LibraryImport("libc", EntryPoint = "prctl", SetLastError = true)]
    private static partial int Control(int option, nuint first, nuint second, nuint third, nuint fourth);
}
