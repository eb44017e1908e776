namespace Hospes.EndToEnd;

/// <summary>Debian's generic kernel, which has drivers that the cloud kernel lacks; <c>tests/install-needs</c> downloads it through apt.</summary>
internal static class GenericKernel
{
    /// <summary>The modules of the graphics adapter, in the order in which they can be loaded.</summary>
    public static readonly string[] GraphicsModules = ["drm", "drm_kms_helper", "drm_shmem_helper", "virtio_dma_buf", "virtio-gpu"];

    /// <summary>Unpacks the kernel.</summary>
    /// <param name="folder">Where it goes.</param>
    /// <returns>The kernel, and the package with its modules.</returns>
    public static async Task<(string Kernel, string Package)> ImageAsync(string folder)
    {
        string cache = Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } set ? set : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".cache");
        string packages = Path.Combine(cache, "hospes", "tests", "generic");
        Directory.Exists(packages).ShouldBeTrue($"there is no '{packages}'; run tests/install-needs");
        string package = Directory.GetFiles(packages, "linux-image-*.deb").Max(StringComparer.Ordinal).ShouldNotBeNull();
        await DebianGuest.RunAsync("sh", "-c", $"dpkg-deb --fsys-tarfile '{package}' | tar -x -C '{folder}' --wildcards './boot/vmlinuz*'");
        return (Directory.GetFiles(Path.Combine(folder, "boot")).Single(), package);
    }
}
