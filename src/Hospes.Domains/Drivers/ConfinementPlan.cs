using System.Globalization;
using System.Text;
using Hospes.Domains.Configuration;
using Hospes.Domains.Storage;

namespace Hospes.Domains.Drivers;

/// <summary>
/// What the process of a domain may use, as <c>hospes vmm -sandbox on,rules=FILE</c> reads it: the domain's own files, its folder, and the folders in which disks are that
/// may come while it runs. What every such process needs is not named here.
/// </summary>
internal static class ConfinementPlan
{
    /// <summary>The file with the rules in a domain's folder.</summary>
    public const string RulesName = "rules";

    /// <summary>The file in a domain's folder that says what applies.</summary>
    public const string AppliedName = "confined";

    /// <summary>The longest chain of images below a disk that is followed.</summary>
    private const int LongestChain = 64;

    /// <summary>The lines.</summary>
    /// <param name="config">The domain, with what is booted.</param>
    /// <param name="folder">Its folder.</param>
    /// <param name="images">Says what is below an image.</param>
    /// <param name="shared">The folders of disks that may come.</param>
    public static string For(DomainConfig config, string folder, IDiskImages images, IEnumerable<string> shared)
    {
        var rules = new StringBuilder();
        // A path with the end of a line in it gets no rule, so that it cannot become another one.
        void Add(string word, string? path)
        {
            if (path is not null && !path.Contains('\n', StringComparison.Ordinal)) rules.Append(word).Append(' ').Append(path).Append('\n');
        }

        Add("write", folder);
        Add("read", config.Os.Kernel);
        Add("read", config.Os.Initrd);
        foreach (string place in shared) Add("write", place);
        foreach (DiskConfig disk in config.Devices.Disks)
        {
            Add(disk.ReadOnly ? "read" : "write", disk.Source);
            foreach (string below in Chain(disk, images)) Add("read", below);
        }
        foreach (RngConfig rng in config.Devices.Rngs) Add("read", rng.Source);
        foreach (CharacterConfig port in (IEnumerable<CharacterConfig>)[.. config.Devices.Serials, .. config.Devices.Consoles, .. config.Devices.Channels])
        {
            if (port.Type == "file") Add("write", port.Path);
            else if (port is { Type: "unix", Listens: true, Path: { } socket }) Add("sockets", Path.GetDirectoryName(socket));
            else if (port.Type == "tcp") rules.Append(Port(port));
        }
        foreach (FilesystemConfig share in config.Devices.Filesystems) Add(share.ReadOnly ? "read" : "share", share.Source);
        foreach (GraphicsConfig graphics in config.Devices.Graphics)
        {
            if (graphics.IsSocket) Add("sockets", Path.GetDirectoryName(graphics.Socket));
            else rules.Append(CultureInfo.InvariantCulture, $"listen {graphics.Port}\n");
        }
        return rules.ToString();
    }

    /// <summary>A port that has a name rather than a number is one that only the resolver knows.</summary>
    private static string Port(CharacterConfig port) => ushort.TryParse(port.Service, NumberStyles.None, CultureInfo.InvariantCulture, out ushort number)
        ? $"{(port.Listens ? "listen" : "connect")} {number.ToString(CultureInfo.InvariantCulture)}\n"
        : "any-port\n";

    private static IEnumerable<string> Chain(DiskConfig disk, IDiskImages images)
    {
        string? path = disk.Source, format = disk.Format;
        for (int depth = 0; depth < LongestChain && path is not null; depth++)
        {
            Outcome<DiskImageInfo> image = images.Inspect(path, format);
            if (!image.Succeeded || image.Value.BackingPath is not { } below) yield break;
            path = Path.GetFullPath(below, Path.GetDirectoryName(path) ?? "/");
            format = image.Value.BackingFormat;
            yield return path;
        }
    }
}
