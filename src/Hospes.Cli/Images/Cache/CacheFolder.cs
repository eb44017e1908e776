using Hospes.Cli.CommandLine;

namespace Hospes.Cli.Images.Cache;

/// <summary>Where Hospes keeps what it fetched (XDG Base Directory Specification 0.8): all of it can be deleted and fetched again.</summary>
/// <param name="Root">The folder.</param>
internal sealed record CacheFolder(string Root)
{
    /// <summary>Whole and checked package files under their SHA-256 checksums, and broken downloads beside them.</summary>
    public string Downloads => Path.Combine(Root, "downloads");

    /// <summary>One folder per image.</summary>
    public string Images => Path.Combine(Root, "images");

    /// <summary>The folder of one image, such as <c>images/debian-12</c>.</summary>
    public string Image(string name) => Path.Combine(Images, name.Replace(':', '-'));

    /// <summary>The cache folder of the person who runs this.</summary>
    public static Outcome<CacheFolder> Of(Func<string, string?> variable)
    {
        // "All paths set in these environment variables must be absolute. … If relative, it should be ignored."
        if (variable("XDG_CACHE_HOME") is { } cache && Path.IsPathRooted(cache)) return new CacheFolder(Path.Combine(cache, "hospes"));
        if (variable("HOME") is { } home && Path.IsPathRooted(home)) return new CacheFolder(Path.Combine(home, ".cache", "hospes"));
        return new Failure(FailureKind.Host, "there is no folder for fetched images: neither XDG_CACHE_HOME nor HOME is set", "set HOME");
    }

    /// <summary>
    /// Keeps other processes of this person from changing the cache until the result is disposed. The lock is the kernel's on an
    /// open file: it ends with the process, however that ends.
    /// </summary>
    public async Task<Outcome<FileStream>> LockAsync(Action onWait, CancellationToken cancellation)
    {
        try
        {
            Directory.CreateDirectory(Downloads);
            Directory.CreateDirectory(Images);
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return new Failure(FailureKind.File, $"the cache folder {Root} cannot be made ({fault.Message.TrimEnd('.')})", "set XDG_CACHE_HOME to a folder that can be written");
        }

        bool waited = false;
        while (true)
        {
            try
            {
                return new FileStream(Path.Combine(Root, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
            }
            catch (UnauthorizedAccessException fault)
            {
                return new Failure(FailureKind.File, $"the cache folder {Root} cannot be written ({fault.Message.TrimEnd('.')})", "set XDG_CACHE_HOME to a folder that can be written");
            }
            catch (IOException)
            {
                if (!waited) onWait();
                waited = true;
                await Task.Delay(TimeSpan.FromMilliseconds(200), cancellation).ConfigureAwait(false);
            }
        }
    }
}
