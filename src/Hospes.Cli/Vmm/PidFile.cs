using System.Globalization;
using Hospes.Cli.Native;

namespace Hospes.Cli.Vmm;

/// <summary>A file with the process's number in it, locked as long as the process lives and removed at its end (<c>-pidfile</c>).</summary>
internal sealed class PidFile : IDisposable
{
    private readonly FileStream _file;

    private PidFile(FileStream file) => _file = file;

    /// <summary>Writes the file.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="error">Why not, or null.</param>
    public static PidFile? TryCreate(string path, out string? error)
    {
        error = null;
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.ReadWrite | FileShare.Delete, BufferSize = 0 };
            if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            var file = new FileStream(path, options);
            if (!FileLock.TryLock(file.SafeFileHandle, out string? refusal))
            {
                file.Dispose();
                error = $"cannot create PID file: Cannot lock pid file: {refusal}";
                return null;
            }
            file.SetLength(0);
            file.Write(System.Text.Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{Environment.ProcessId}\n")));
            return new PidFile(file);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or ArgumentException)
        {
            error = fault switch
            {
                DirectoryNotFoundException => $"cannot create PID file: Could not create '{path}': No such file or directory",
                UnauthorizedAccessException => $"cannot create PID file: Could not create '{path}': Permission denied",
                _ => $"cannot create PID file: {fault.Message.TrimEnd('.')}",
            };
            return null;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        File.Delete(_file.Name);
        _file.Dispose();
    }
}
