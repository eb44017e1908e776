using Hospes.Virtio.FileSystem.Native;

namespace Hospes.Virtio.FileSystem;

/// <summary>A folder of the host that a guest may use: it is opened once, and stays that folder over renames and over the lives of a domain.</summary>
public sealed class SharedFolder : IDisposable
{
    /// <summary>The error of a host whose kernel has no openat2(2) (ENOSYS).</summary>
    public const int NoSystemCall = Errno.NotThere;

    private SharedFolder(FuseServer server) => Server = server;

    internal FuseServer Server { get; }

    /// <summary>Opens a folder.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="isReadOnly">Whether the guest can't change anything in it.</param>
    /// <param name="error">Why not: an error number of Linux.</param>
    public static SharedFolder? TryOpen(string path, bool isReadOnly, out int error) =>
        FuseServer.TryOpen(path, isReadOnly, out error) is { } server ? new SharedFolder(server) : null;

    /// <summary>Closes it. The devices were disposed before.</summary>
    public void Dispose() => Server.Dispose();
}
