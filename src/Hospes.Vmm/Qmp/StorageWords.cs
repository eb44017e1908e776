using Hospes.Storage;

namespace Hospes.Vmm.Qmp;

/// <summary>Storage's errors in the words of QEMU, which are mostly the C library's.</summary>
internal static class StorageWords
{
    /// <summary>Why a request failed.</summary>
    public static string Reason(StorageError error) => error switch
    {
        StorageError.NoSpace => "No space left on device",
        StorageError.IoError or StorageError.Corrupt => "Input/output error",
        StorageError.ReadOnly => "Block node is read-only",
        StorageError.AccessDenied => "Permission denied",
        StorageError.NotFound => "No such file or directory",
        StorageError.Unsupported => "Operation not supported",
        StorageError.Locked => "Failed to get \"write\" lock",
        _ => StorageErrors.Cause(error),
    };

    /// <summary>Why an image can't be opened.</summary>
    /// <param name="path">The image's path.</param>
    /// <param name="failure">What is wrong.</param>
    /// <param name="format">The format that was asked for.</param>
    public static string CannotOpen(string path, StorageFailure failure, string format) => failure.Error switch
    {
        StorageError.NotFound or StorageError.AccessDenied => $"Could not open '{path}': {Reason(failure.Error)}",
        StorageError.WrongFormat => $"Image is not in {format} format",
        StorageError.Locked => Reason(failure.Error),
        _ => $"Could not open '{path}': {failure.Cause}",
    };
}
