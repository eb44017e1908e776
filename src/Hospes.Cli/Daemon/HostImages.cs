using Hospes.Domains;
using Hospes.Domains.Storage;
using Hospes.Storage;

namespace Hospes.Cli.Daemon;

/// <summary>Disk images for who manages domains.</summary>
internal sealed class HostImages : IDiskImages
{
    public global::Hospes.Domains.Outcome<DiskImageInfo> Inspect(string path, string? format)
    {
        if (!ImageInspector.TryRead(path, FormatOf(format), shared: true, out ImageInfo? info, out StorageFailure? failure)) return Words(path, failure);
        ulong physical = File.Exists(path) ? (ulong)new FileInfo(path).Length : (ulong)info.Size;
        return new DiskImageInfo(info.Format.Name(), (ulong)info.Size, (ulong)info.SpaceUsed, physical, info.BackingPath, info.Qcow2?.BackingFormat);
    }

    public DomainFailure? Create(string path, NewDiskImage image)
        => ImageCreator.TryCreate(path, Creation(image), null, out StorageFailure? failure) ? null : Words(path, failure);

    public DomainFailure? Copy(string source, string? sourceFormat, string path, NewDiskImage image)
    {
        // Not shared: what somebody writes meanwhile would be neither the old nor the new.
        if (!DiskImage.TryOpen(source, new ImageOpening { Format = FormatOf(sourceFormat), ReadOnly = true }, out IBlockImage? opened, out StorageFailure? failure)) return Words(source, failure);
        using IBlockImage closing = opened;
        if (!ImageConverter.TryConvert(opened, path, Creation(image), compress: false, null, CancellationToken.None, out failure)) return Words(path, failure);
        return image.Capacity > (ulong)opened.Size ? Resize(path, image.Format, image.Capacity) : null;
    }

    public DomainFailure? Resize(string path, string format, ulong capacity)
    {
        if (!DiskImage.TryOpen(path, new ImageOpening { Format = FormatOf(format) }, out IBlockImage? image, out StorageFailure? failure)) return Words(path, failure);
        using IBlockImage closing = image;
        StorageError error = image.Resize((long)capacity);
        if (error == StorageError.None) error = image.Flush();
        return error == StorageError.None ? null : Words(path, new StorageFailure(error));
    }

    private static ImageCreation Creation(NewDiskImage image) => new()
    {
        Format = FormatOf(image.Format) ?? ImageFormat.Raw,
        Size = (long)image.Capacity,
        Preallocation = image.IsReserved ? Preallocation.Falloc : Preallocation.Off,
        BackingFile = image.BackingPath,
        BackingFormat = image.BackingPath is null ? null : FormatOf(image.BackingFormat) ?? ImageFormat.Raw,
    };

    private static ImageFormat? FormatOf(string? name) => name is not null && ImageFormats.TryParse(name, out ImageFormat format) ? format : null;

    private static DomainFailure Words(string path, StorageFailure failure) => new(DomainError.System, failure.Cause.Contains(path, StringComparison.Ordinal) ? failure.Cause : $"'{path}': {failure.Cause}");
}
