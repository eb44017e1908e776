namespace Hospes.Storage.Volumes;

/// <summary>Why a partition table or a file system on a disk could not be read: a closed set. <see cref="VolumeErrors.Cause"/> puts each into words.</summary>
public enum VolumeError
{
    /// <summary>No error.</summary>
    None,

    /// <summary>There is no such file.</summary>
    NotFound,

    /// <summary>A part of the path is no folder.</summary>
    NotADirectory,

    /// <summary>The path leads to something that has no content: a folder, a device.</summary>
    NotAFile,

    /// <summary>More symbolic links than a path may have: most often links in a circle.</summary>
    TooManyLinks,

    /// <summary>The file is larger than the caller takes.</summary>
    TooLarge,

    /// <summary>What was read contradicts the format.</summary>
    Corrupt,

    /// <summary>The volume or the file needs a feature that is not there.</summary>
    Unsupported,

    /// <summary>Not this file system.</summary>
    WrongKind,

    /// <summary>The disk could not be read.</summary>
    ReadFailed,

    /// <summary>Reading took more work or memory than was allowed.</summary>
    OverBudget,
}

/// <summary>The words for <see cref="VolumeError"/>: the one place where they stand.</summary>
public static class VolumeErrors
{
    /// <summary>What is wrong, as a clause without a full stop.</summary>
    /// <param name="error">The error.</param>
    public static string Cause(VolumeError error) => error switch
    {
        VolumeError.None => "nothing is wrong",
        VolumeError.NotFound => "there is no such file on the disk",
        VolumeError.NotADirectory => "a part of the path is no folder",
        VolumeError.NotAFile => "the path does not lead to a file with content",
        VolumeError.TooManyLinks => "the path goes through too many symbolic links",
        VolumeError.TooLarge => "the file is larger than what is read",
        VolumeError.Corrupt => "the file system contradicts its format",
        VolumeError.Unsupported => "the file system needs a feature that is not supported",
        VolumeError.WrongKind => "it is not a file system that is read here",
        VolumeError.ReadFailed => "the disk could not be read",
        VolumeError.OverBudget => "reading it takes more work or memory than is allowed",
        _ => throw new ArgumentOutOfRangeException(nameof(error)),
    };
}
