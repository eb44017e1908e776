using System.ComponentModel;
using System.Diagnostics;

namespace Hospes.Network;

/// <summary>
/// A passt process in the background, for a machine in another process that may not start one itself. It serves the first that connects, and ends with that connection,
/// whoever started it.
/// </summary>
public sealed class PasstServer : IDisposable
{
    private const string SocketName = "socket";

    private readonly string _folder;

    private PasstServer(string folder) => _folder = folder;

    /// <summary>The path of the socket; gone when this is disposed of. Connections stay.</summary>
    public string Socket => Path.Combine(_folder, SocketName);

    /// <summary>Starts one and waits until it listens.</summary>
    /// <param name="label">A part of the folder's name, by which the process is found.</param>
    /// <param name="server">The server, or null.</param>
    /// <returns>Null, or why not.</returns>
    public static NetworkFailure? TryStart(string label, out PasstServer? server)
    {
        server = null;
        // The folder's name is not to be guessed, and only this user may look into it.
        string folder = Directory.CreateTempSubdirectory(Prefix(label)).FullName;
        var start = new ProcessStartInfo(PasstProgram.Name, PasstProgram.Arguments(Path.Combine(folder, SocketName), []))
        {
            RedirectStandardError = true, RedirectStandardOutput = true, RedirectStandardInput = true,
        };
        NetworkFailure? failure;
        try
        {
            // Without --foreground it leaves this session once it listens.
            using Process process = Process.Start(start)!;
            process.StandardInput.Close();
            string words = process.StandardError.ReadToEnd().Trim().ReplaceLineEndings(", ");
            process.WaitForExit();
            if (process.ExitCode == 0)
            {
                server = new PasstServer(folder);
                return null;
            }
            failure = PasstProgram.Ended(words);
        }
        catch (Win32Exception fault)
        {
            failure = PasstProgram.Absent(fault);
        }
        Directory.Delete(folder, recursive: true);
        return failure;
    }

    /// <summary>Ends the processes of a label to which nobody connected: the others end by themselves. No harm if there are none.</summary>
    public static void EndAll(string label)
    {
        string part = $"/{Prefix(label)}";
        foreach (Process process in Process.GetProcesses())
        {
            using (process)
            {
                try
                {
                    // On processors that have AVX2, the program becomes another one with a longer name.
                    if (process.ProcessName.StartsWith(PasstProgram.Name, StringComparison.Ordinal) && File.ReadAllText($"/proc/{process.Id}/cmdline").Contains(part, StringComparison.Ordinal)) process.Kill();
                }
                catch (Exception gone) when (gone is IOException or UnauthorizedAccessException or InvalidOperationException or Win32Exception)
                {
                    // It ended by itself.
                }
            }
        }
        foreach (string folder in Directory.EnumerateDirectories(Path.GetTempPath(), $"{Prefix(label)}*"))
        {
            try
            {
                Directory.Delete(folder, recursive: true);
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                // Whose it is will remove it.
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Directory.Exists(_folder)) Directory.Delete(_folder, recursive: true);
    }

    private static string Prefix(string label) => $"hospes-net-{label}-";
}
