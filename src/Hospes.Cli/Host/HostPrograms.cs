namespace Hospes.Cli.Host;

/// <summary>Finds programs of the host.</summary>
internal static class HostPrograms
{
    /// <summary>Folders of system programs, which are not on every person's PATH.</summary>
    private static readonly string[] SystemFolders = ["/usr/sbin", "/sbin"];

    /// <summary>The full path of a program; null when it is nowhere on PATH or in the system folders.</summary>
    public static string? Find(string name, Func<string, string?> variable) =>
        (variable("PATH") ?? "/usr/bin:/bin").Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Concat(SystemFolders).Select(folder => Path.Combine(folder, name)).FirstOrDefault(IsProgram);

    private static bool IsProgram(string path) =>
        File.Exists(path) && (OperatingSystem.IsWindows()
            || (File.GetUnixFileMode(path) & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) != 0);
}
