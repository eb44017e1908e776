namespace Hospes.Storage;

/// <summary>Why a disk image did not do what was asked: a closed set. <see cref="StorageErrors.Cause"/> and <see cref="StorageErrors.Remedy"/> put each into words.</summary>
public enum StorageError
{
    /// <summary>No error.</summary>
    None,

    /// <summary>The file system or device that holds the image is full, or a limit on file sizes or quotas was reached.</summary>
    NoSpace,

    /// <summary>The host could not read or write the image: a broken or vanished device.</summary>
    IoError,

    /// <summary>A write to an image that was opened for reading only.</summary>
    ReadOnly,

    /// <summary>A request that does not lie inside the disk.</summary>
    OutOfRange,

    /// <summary>The image contradicts its format, or is marked corrupt.</summary>
    Corrupt,

    /// <summary>Another process uses the image in a way that does not go together with this use.</summary>
    Locked,

    /// <summary>The image or the request needs a feature that is not there.</summary>
    Unsupported,

    /// <summary>There is no such file.</summary>
    NotFound,

    /// <summary>The host does not let this user open the file.</summary>
    AccessDenied,

    /// <summary>The file that is to be created is there already.</summary>
    Exists,

    /// <summary>The file is not in the format that was asked for.</summary>
    WrongFormat,

    /// <summary>The format was guessed from the content, which is not trusted with what the image asks for.</summary>
    FormatNotGiven,

    /// <summary>A chain of backing files that comes back to one of its images, or is too long.</summary>
    BackingLoop,

    /// <summary>A size or setting that the format cannot hold.</summary>
    BadSetting,

    /// <summary>A shared library that the image's compression needs is not installed.</summary>
    LibraryMissing,

    /// <summary>The caller cancelled the operation.</summary>
    Cancelled,
}
