namespace Hospes.Storage.Volumes;

/// <summary>A file system on a disk, for reading. Not for use by several threads at once.</summary>
public interface IFileSystem
{
    /// <summary>What kind it is, as mount(8) names it, such as <c>ext4</c>.</summary>
    string Kind { get; }

    /// <summary>Its UUID as blkid(8) shows it; empty when it has none.</summary>
    string Uuid { get; }

    /// <summary>Its label; empty when it has none.</summary>
    string Label { get; }

    /// <summary>Reads a file whole.</summary>
    /// <param name="path">Its path from the root; symbolic links are followed inside the file system.</param>
    /// <param name="atMost">The most bytes that the caller takes.</param>
    /// <param name="content">The bytes; empty after a failure.</param>
    /// <returns>Any of <see cref="VolumeError"/> but <see cref="VolumeError.WrongKind"/>.</returns>
    VolumeError ReadFile(string path, long atMost, out byte[] content);

    /// <summary>Says what is at a path.</summary>
    /// <param name="path">The path from the root.</param>
    /// <param name="info">What is there.</param>
    /// <returns>As <see cref="ReadFile"/>.</returns>
    VolumeError Find(string path, out FileEntry info);

    /// <summary>Lists a folder without <c>.</c> and <c>..</c>, in the order of the disk.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="names">The names; those that are no UTF-8 are left out.</param>
    /// <returns>As <see cref="ReadFile"/>.</returns>
    VolumeError List(string path, out IReadOnlyList<string> names);
}

/// <summary>What is at a path.</summary>
/// <param name="IsDirectory">Whether it is a folder.</param>
/// <param name="IsFile">Whether it is a regular file.</param>
/// <param name="Length">The length in bytes that it claims; hostile for all that is known.</param>
public readonly record struct FileEntry(bool IsDirectory, bool IsFile, long Length);
