namespace Hospes.Cli.Host;

/// <summary>Finds programs of the host.</summary>
internal static class HostPrograms
{
    /// <summary>The full path of a program; null when it is nowhere on PATH.</summary>
    public static string? Find(string name, Func<string, string?> variable) =>
        (variable("PATH") ?? "/usr/bin:/bin").Split(':', StringSplitOptions.RemoveEmptyEntries)
            .Select(folder => Path.Combine(folder, name)).FirstOrDefault(IsProgram);

    private static bool IsProgram(string path) =>
        File.Exists(path) && (OperatingSystem.IsWindows()
            || (File.GetUnixFileMode(path) & (UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute)) != 0);
}
