namespace Hospes.Domains.Drivers.ControlGroups;

/// <summary>The files through which the kernel speaks of control groups.</summary>
public interface IControlFiles
{
    /// <summary>What a file says; null if it is not there or says nothing to this process.</summary>
    string? Read(string path);

    /// <summary>Writes to a file that is there, in one piece.</summary>
    /// <returns>What the kernel says against it, or null.</returns>
    string? Write(string path, string text);

    /// <summary>Makes a group; no harm if it is there.</summary>
    /// <returns>What the kernel says against it, or null.</returns>
    string? Make(string folder);

    /// <summary>Removes a group; no harm if it is not there.</summary>
    /// <returns>What the kernel says against it, or null.</returns>
    string? Remove(string folder);
}

/// <summary>The kernel's own.</summary>
public sealed class ControlFiles : IControlFiles
{
    /// <inheritdoc/>
    public string? Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public string? Write(string path, string text) => Guard(() =>
    {
        // Not buffered: what the kernel says is to be heard here.
        using var file = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
        file.Write(System.Text.Encoding.ASCII.GetBytes(text));
    });

    /// <inheritdoc/>
    public string? Make(string folder) => Guard(() => Directory.CreateDirectory(folder));

    /// <inheritdoc/>
    public string? Remove(string folder) => Guard(() =>
    {
        if (Directory.Exists(folder)) Directory.Delete(folder);
    });

    private static string? Guard(Action act)
    {
        try
        {
            act();
            return null;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return fault.Message.TrimEnd('.');
        }
    }
}
