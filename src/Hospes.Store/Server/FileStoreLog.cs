using System.Globalization;
using Hospes.Store.Engine;

namespace Hospes.Store.Server;

/// <summary>A log in a file, a time before each line.</summary>
public sealed class FileStoreLog : IStoreLog, IDisposable
{
    private readonly StreamWriter _writer;

    /// <summary>Opens the file to append to it.</summary>
    /// <param name="path">The file.</param>
    public FileStoreLog(string path) => _writer = new StreamWriter(path, append: true) { AutoFlush = true };

    /// <inheritdoc/>
    public void Write(string line) => _writer.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{DateTime.UtcNow:yyyy-MM-ddTHH:mm:ss.fffZ} {line}"));

    /// <inheritdoc/>
    public void Dispose() => _writer.Dispose();
}
