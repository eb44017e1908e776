using Hospes.Cli.CommandLine;

namespace Hospes.Cli.Images;

/// <summary>A release of Debian that images are made of.</summary>
/// <param name="Name">The image's name.</param>
/// <param name="Codename">The archive's suite.</param>
internal sealed record DebianRelease(string Name, string Codename)
{
    /// <summary>The packages that an image is made of.</summary>
    public const string KernelMetaPackage = "linux-image-cloud-amd64";

    /// <summary>The package with the static busybox.</summary>
    public const string BusyboxPackage = "busybox-static";

    /// <summary>The releases, by the numbers of Debian's.</summary>
    public static IReadOnlyList<DebianRelease> All { get; } =
        [new("debian:11", "bullseye"), new("debian:12", "bookworm"), new("debian:13", "trixie")];

    /// <summary>Finds a release by its name, or by <c>debian:</c> and its code name.</summary>
    public static Outcome<DebianRelease> Find(string name)
    {
        DebianRelease? release = All.FirstOrDefault(release => release.Name == name || $"debian:{release.Codename}" == name);
        return release is not null
            ? release
            : new Failure(FailureKind.Arguments, $"there is no image '{name}'", $"choose one of {string.Join(", ", All.Select(static release => release.Name))}");
    }
}
