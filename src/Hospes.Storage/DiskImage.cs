using Hospes.Storage.Files;
using Hospes.Storage.Qcow2;
using Hospes.Storage.Raw;

namespace Hospes.Storage;

/// <summary>How an image is to be opened.</summary>
public sealed record ImageOpening
{
    /// <summary>The format, or null to guess it. A guess is trusted with less: see <see cref="DiskImage"/>.</summary>
    public ImageFormat? Format { get; init; }

    /// <summary>True to open for reading only.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>True to read although another process writes: what is read can be inconsistent. Needs <see cref="ReadOnly"/>.</summary>
    public bool Shared { get; init; }

    /// <summary>Sizes of the caches of qcow2 images.</summary>
    public Qcow2Settings Caches { get; init; } = Qcow2Settings.Default;
}

/// <summary>Opens disk images and the chains of backing files below them.</summary>
/// <remarks>
/// A guest that has a raw disk can write a qcow2 header on it that names any file of the host as its backing file; who then guesses the
/// format hands that file to the guest. So a format counts as known when the caller names it, when the overlay's header names it for
/// its backing file, or when the file's name ends in <c>.qcow2</c>: a host chooses names, a guest does not. A format that is only guessed is trusted with
/// the file itself and no other: a qcow2 image with a backing file is refused, and a raw disk takes no write that would change the next guess.
/// </remarks>
public static class DiskImage
{
    /// <summary>Images in a chain, at most.</summary>
    public const int MaxChain = 64;

    /// <summary>Opens an image.</summary>
    /// <param name="path">Its path.</param>
    /// <param name="opening">How.</param>
    /// <param name="image">The image, open until it is disposed.</param>
    /// <param name="failure">Why not.</param>
    /// <returns>True when it is open.</returns>
    public static bool TryOpen(
        string path,
        ImageOpening opening,
        [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out IBlockImage? image,
        [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out StorageFailure? failure)
    {
        image = Open(path, opening, [], out failure);
        return image is not null;
    }

    /// <summary>The path of a backing file: as it stands when it is absolute, otherwise from the folder of the overlay.</summary>
    /// <param name="overlay">The path of the overlay.</param>
    /// <param name="name">The name in its header.</param>
    /// <returns>The path, or null for a name that is no path: a protocol of QEMU's (<c>nbd:</c>, <c>json:</c>).</returns>
    public static string? BackingPath(string overlay, string name)
    {
        if (name.StartsWith("file:", StringComparison.Ordinal)) name = name[5..];
        else if (name.IndexOf(':') is var colon and > 0 && (name.IndexOf('/') < 0 || colon < name.IndexOf('/'))) return null;
        return Path.Combine(Path.GetDirectoryName(overlay) ?? "", name);
    }

    /// <summary>Finds out the format of an open file.</summary>
    /// <param name="file">The file.</param>
    /// <param name="path">Its path.</param>
    /// <param name="given">The format that the caller names, or null.</param>
    /// <param name="format">The format.</param>
    /// <param name="known">True when the format is known, false when it is only guessed.</param>
    internal static StorageError FindFormat(IImageFile file, string path, ImageFormat? given, out ImageFormat format, out bool known)
    {
        known = given is not null;
        format = given ?? ImageFormat.Raw;
        if (known) return StorageError.None;
        Span<byte> front = stackalloc byte[FormatProbe.Bytes];
        StorageError error = file.ReadPadded(0, front);
        format = FormatProbe.Guess(front);
        known = format == ImageFormat.Qcow2 && path.EndsWith(".qcow2", StringComparison.OrdinalIgnoreCase);
        return error;
    }

    private static IBlockImage? Open(string path, ImageOpening opening, List<FileIdentity> above, out StorageFailure? failure)
    {
        LockUse use = opening.Shared ? LockUse.ReadShared : opening.ReadOnly ? LockUse.Read : LockUse.Write;
        HostFile? file = HostFile.TryOpen(path, opening.ReadOnly || opening.Shared, create: false, use, out failure);
        if (file is null) return null;
        IBlockImage? image = null;
        if (above.Contains(file.Identity) || above.Count >= MaxChain) failure = new StorageFailure(StorageError.BackingLoop, path);
        else if (FindFormat(file, path, opening.Format, out ImageFormat format, out bool known) is var error and not StorageError.None) failure = new StorageFailure(error, path);
        else if (format == ImageFormat.Qcow2) image = OpenQcow2(file, path, known, opening, above, out failure);
        else failure = RawImage.TryOpen(file, guardFront: !known, out RawImage? raw) is var refused and not StorageError.None ? new StorageFailure(refused, path) : Found(raw!, out image);
        if (image is null) file.Dispose();
        return image;
    }

    private static StorageFailure? Found(RawImage raw, out IBlockImage? image)
    {
        image = raw;
        return null;
    }

    private static Qcow2Image? OpenQcow2(HostFile file, string path, bool known, ImageOpening opening, List<FileIdentity> above, out StorageFailure? failure)
    {
        StorageError error = file.Length(out long length);
        failure = error == StorageError.None ? null : new StorageFailure(error, path);
        Qcow2Header? header = failure is null ? Qcow2Header.TryRead(file, length, out failure) : null;
        IBlockImage? backing = null;
        if (header?.BackingFile is { } name)
        {
            if (!known) failure = new StorageFailure(StorageError.FormatNotGiven, $"'{path}' looks like qcow2 and names the backing file '{name}'");
            else backing = OpenBacking(path, name, header.BackingFormat, opening, [.. above, file.Identity], out failure);
        }

        Qcow2Image? image = null;
        if (header is not null && failure is null) failure = Qcow2Image.TryOpen(file, header, backing, opening.Caches, out image);
        if (image is null) backing?.Dispose();
        if (failure is not null && failure.Detail?.Contains(path, StringComparison.Ordinal) != true) failure = failure with { Detail = failure.Detail is null ? path : $"'{path}': {failure.Detail}" };
        return image;
    }

    private static IBlockImage? OpenBacking(string overlay, string name, string? formatName, ImageOpening opening, List<FileIdentity> above, out StorageFailure? failure)
    {
        ImageFormat? format = null;
        failure = null;
        if (BackingPath(overlay, name) is not { } path) failure = new StorageFailure(StorageError.Unsupported, $"the backing file '{name}' is not a file's path");
        else if (formatName is null) return Open(path, opening with { Format = null, ReadOnly = true }, above, out failure);
        else if (!ImageFormats.TryParse(formatName, out ImageFormat named)) failure = new StorageFailure(StorageError.Unsupported, $"the backing file '{name}' is in the format '{formatName}'");
        else format = named;
        return failure is null ? Open(BackingPath(overlay, name)!, opening with { Format = format, ReadOnly = true }, above, out failure) : null;
    }
}
