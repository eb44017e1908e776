using Hospes.Storage.Native;

namespace Hospes.Storage.Files;

/// <summary>What the host's error numbers mean here.</summary>
internal static class HostErrors
{
    /// <summary>The error for an error number of the C library (errno.h).</summary>
    public static StorageError Of(int number) => number switch
    {
        // A file size limit (RLIMIT_FSIZE, or the file system's own) and a quota end an image's growth as a full disk does.
        LibC.NoSpace or LibC.Quota or LibC.FileTooBig => StorageError.NoSpace,
        LibC.NoEntry => StorageError.NotFound,
        LibC.Access or LibC.NotPermitted or LibC.ReadOnlyFiles => StorageError.AccessDenied,
        LibC.IsFolder => StorageError.Unsupported,
        LibC.FileExists => StorageError.Exists,
        _ => StorageError.IoError,
    };
}
