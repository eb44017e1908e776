using System.Text.Json;
using System.Text.Json.Serialization;

namespace Hospes.Cli.Images.Cache;

/// <summary>A disk of the cache, as <c>disk.json</c> describes it.</summary>
/// <param name="Name">Such as <c>debian:12</c>.</param>
/// <param name="Size">The file's size in bytes.</param>
/// <param name="Source">Where it is from: the archives, or the file that was imported.</param>
/// <param name="Kernel">The release of its kernel; empty when that is not known.</param>
/// <param name="Made">When it was made.</param>
internal sealed record CachedDisk(string Name, long Size, string Source, string Kernel, DateTimeOffset Made)
{
    public const string Description = "disk.json", File = "disk.qcow2";
}

/// <summary>A line of <c>hospes image list --json</c> for a disk.</summary>
/// <param name="Name">Its name.</param>
/// <param name="DiskFile">The full path of the image, in the format qcow2.</param>
/// <param name="Size">The file's size in bytes.</param>
/// <param name="Source">Where it is from.</param>
/// <param name="Kernel">The release of its kernel.</param>
/// <param name="Made">When it was made.</param>
internal sealed record DiskListing(string Name, string DiskFile, long Size, string Source, string Kernel, DateTimeOffset Made);

/// <summary>The descriptions' serializer.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(CachedDisk))]
[JsonSerializable(typeof(DiskListing[]))]
internal sealed partial class DiskStoreJson : JsonSerializerContext;

/// <summary>The disks of the cache: made from an archive, or imported. A disk is there whole or not at all.</summary>
internal sealed class DiskStore(CacheFolder cache)
{
    private string Root => Path.Combine(cache.Root, "disks");

    /// <summary>A disk that is there.</summary>
    public CachedDisk? Find(string name) => Read(FolderOf(name)) is { } disk && disk.Name == name ? disk : null;

    /// <summary>The full path of a disk's image.</summary>
    public string PathOf(string name) => Path.Combine(FolderOf(name), CachedDisk.File);

    /// <summary>All disks, by name.</summary>
    public IReadOnlyList<CachedDisk> List() => Directory.Exists(Root)
        ? [.. Directory.GetDirectories(Root).Where(static folder => !Path.GetFileName(folder).StartsWith('.')).Select(Read).OfType<CachedDisk>().OrderBy(static disk => disk.Name, StringComparer.Ordinal)]
        : [];

    /// <summary>Whether a name can be one: letters, digits, <c>.</c>, <c>_</c>, <c>-</c>, and one colon between them.</summary>
    public static bool IsName(string name) => name.Length is > 0 and <= 64 && char.IsAsciiLetterOrDigit(name[0]) && char.IsAsciiLetterOrDigit(name[^1])
        && name.All(static letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '_' or '-' or ':') && name.Count(static letter => letter == ':') <= 1;

    /// <summary>An empty folder on the cache's file system.</summary>
    public string Stage()
    {
        Directory.CreateDirectory(Root);
        return Directory.CreateDirectory(Path.Combine(Root, $".stage-{Guid.NewGuid():N}")).FullName;
    }

    /// <summary>Puts a staged folder, with the image in it, in the disk's place.</summary>
    public void Commit(string stage, CachedDisk disk)
    {
        File.WriteAllBytes(Path.Combine(stage, CachedDisk.Description), JsonSerializer.SerializeToUtf8Bytes(disk, DiskStoreJson.Default.CachedDisk));
        string place = FolderOf(disk.Name);
        if (Directory.Exists(place)) Remove(disk.Name);
        Directory.Move(stage, place);
    }

    /// <summary>Takes a disk away; an image that a guest has open stays readable for it.</summary>
    public void Remove(string name)
    {
        // Renamed first, so that it is never there in part.
        string gone = Path.Combine(Root, $".old-{Guid.NewGuid():N}");
        Directory.Move(FolderOf(name), gone);
        Directory.Delete(gone, recursive: true);
    }

    /// <summary>How a disk is listed.</summary>
    public DiskListing Listing(CachedDisk disk) => new(disk.Name, PathOf(disk.Name), disk.Size, disk.Source, disk.Kernel, disk.Made);

    private string FolderOf(string name) => Path.Combine(Root, name.Replace(':', '@'));

    private static CachedDisk? Read(string folder)
    {
        try
        {
            CachedDisk? disk = JsonSerializer.Deserialize(File.ReadAllBytes(Path.Combine(folder, CachedDisk.Description)), DiskStoreJson.Default.CachedDisk);
            return disk is not null && new FileInfo(Path.Combine(folder, CachedDisk.File)) is { Exists: true } file && file.Length > 0 ? disk with { Size = file.Length } : null;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }
}
