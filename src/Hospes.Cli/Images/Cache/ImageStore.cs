using System.Security.Cryptography;
using System.Text.Json;

namespace Hospes.Cli.Images.Cache;

/// <summary>The pulled images of the cache. An image is there whole or not at all: its folder is renamed into place.</summary>
internal sealed class ImageStore(CacheFolder cache)
{
    /// <summary>The cache around the images.</summary>
    public CacheFolder Cache { get; } = cache;

    /// <summary>An image that is there and undamaged; null when it has to be pulled.</summary>
    public Image? Find(string name) => Read(Cache.Image(name)) is { } image && image.Name == name ? image : null;

    /// <summary>The full path of a file of an image.</summary>
    public string PathOf(Image image, ImageFile file) => Path.Combine(Cache.Image(image.Name), file.File);

    /// <summary>All images, by name.</summary>
    public IReadOnlyList<Image> List() =>
        Directory.Exists(Cache.Images)
            ? [.. Directory.GetDirectories(Cache.Images).Where(static folder => !Path.GetFileName(folder).StartsWith('.'))
                .Select(Read).OfType<Image>().OrderBy(static image => image.Name, StringComparer.Ordinal)]
            : [];

    /// <summary>An empty folder on the cache's file system to build an image in. What an earlier process left behind goes.</summary>
    public string Stage()
    {
        foreach (string left in Directory.GetDirectories(Cache.Images, ".*")) Directory.Delete(left, recursive: true);
        return Directory.CreateDirectory(Path.Combine(Cache.Images, $".stage-{Guid.NewGuid():N}")).FullName;
    }

    /// <summary>Describes a file that stands in a staged folder.</summary>
    public static ImageFile Describe(string folder, string file, string package, string version)
    {
        using FileStream input = File.OpenRead(Path.Combine(folder, file));
        return new ImageFile(file, input.Length, Convert.ToHexStringLower(SHA256.HashData(input)), package, version);
    }

    /// <summary>Puts a staged folder in the image's place.</summary>
    public void Commit(string stage, Image image)
    {
        File.WriteAllBytes(Path.Combine(stage, Image.Description), JsonSerializer.SerializeToUtf8Bytes(image, ImageJson.Default.Image));
        string place = Cache.Image(image.Name);
        if (Directory.Exists(place)) Directory.Move(place, Path.Combine(Cache.Images, $".old-{Guid.NewGuid():N}"));
        Directory.Move(stage, place);
        foreach (string left in Directory.GetDirectories(Cache.Images, ".*")) Directory.Delete(left, recursive: true);
    }

    private static Image? Read(string folder)
    {
        try
        {
            using FileStream input = File.OpenRead(Path.Combine(folder, Image.Description));
            Image? image = JsonSerializer.Deserialize(input, ImageJson.Default.Image);
            return image is not null && Sound(folder, image.Kernel) && Sound(folder, image.Busybox) ? image : null;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException or JsonException)
        {
            return null;
        }
    }

    private static bool Sound(string folder, ImageFile file)
    {
        if (Path.GetFileName(file.File) != file.File) return false;
        using FileStream input = File.OpenRead(Path.Combine(folder, file.File));
        return input.Length == file.Size && Convert.ToHexStringLower(SHA256.HashData(input)) == file.Sha256;
    }
}
