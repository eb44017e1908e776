namespace Hospes.Storage;

/// <summary>The words for <see cref="StorageError"/>: the one place where they stand.</summary>
public static class StorageErrors
{
    /// <summary>What is wrong, as a clause without a full stop.</summary>
    /// <param name="error">The error.</param>
    public static string Cause(StorageError error) => Words(error).Cause;

    /// <summary>What the person can do about it, as a clause without a full stop.</summary>
    /// <param name="error">The error.</param>
    public static string Remedy(StorageError error) => Words(error).Remedy;

    private static (string Cause, string Remedy) Words(StorageError error) => error switch
    {
        StorageError.None => ("nothing is wrong", "go on"),
        StorageError.NoSpace => ("no space is left for the image", "free space on the file system that holds it, or raise the quota or file size limit"),
        StorageError.IoError => ("the host could not read or write the image", "look into the host's kernel log for the device that holds it"),
        StorageError.ReadOnly => ("the image is open for reading only", "open it for writing"),
        StorageError.OutOfRange => ("the request does not lie inside the disk", "ask for a range below the disk's size"),
        StorageError.Corrupt => ("the image is corrupt", "look at it with 'hospes image check', save what can be read, then repair it with '--repair all'"),
        StorageError.Locked => ("another process uses the image", "end that process, or give each guest an image of its own"),
        StorageError.Unsupported => ("the image needs a feature that is not supported", "convert it with the program that made it"),
        StorageError.NotFound => ("there is no such file", "check the path; that of a backing file counts from the folder of its overlay"),
        StorageError.AccessDenied => ("the host does not allow to open the file", "check the permissions of the file and its folders"),
        StorageError.Exists => ("the file is there already", "name another file, or remove this one first"),
        StorageError.WrongFormat => ("the file is not in the format that was named", "name its real format"),
        StorageError.FormatNotGiven => ("the format was guessed, and a guess is not trusted with other files", "name the format if you know who wrote the first bytes: a guest can write any"),
        StorageError.BackingLoop => ("the chain of backing files does not end", "give the overlay another backing file"),
        StorageError.BadSetting => ("the format cannot hold this size or setting", "choose another one"),
        StorageError.LibraryMissing => ("a library that the image's compression needs is not installed", "install the package that is named here"),
        StorageError.Cancelled => ("the operation was cancelled", "start it again"),
        _ => throw new ArgumentOutOfRangeException(nameof(error)),
    };
}
