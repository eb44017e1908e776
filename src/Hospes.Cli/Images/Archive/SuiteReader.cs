using Hospes.Builder.Compression;
using Hospes.Cli.CommandLine;
using Hospes.Cli.Host;
using Hospes.Cli.Images.Cache;
using Hospes.Cli.Images.Packages;
using Hospes.Cli.Images.Sources;

namespace Hospes.Cli.Images.Archive;

/// <summary>A suite of an archive of Debian's that qualified.</summary>
/// <param name="Uri">The archive.</param>
/// <param name="Name">The suite, such as <c>bookworm-updates</c>.</param>
/// <param name="Release">Its Release file.</param>
/// <param name="Signed">What is known of the signature.</param>
internal sealed record ArchiveSuite(Uri Uri, string Name, ReleaseFile Release, SignedText Signed);

/// <summary>
/// Reads suites of archives. Each step vouches for the next: the signature for the Release file, the Release file for the package index, the index for the
/// packages; every arrow but the first is a SHA-256 checksum.
/// </summary>
internal sealed class SuiteReader(Surroundings surroundings, CacheFolder cache, ArchiveClient client)
{
    private const string Component = "main", Architecture = "amd64";

    /// <summary>The indexes that are read, best first.</summary>
    private static readonly string[] s_indexes =
        [$"{Component}/binary-{Architecture}/Packages.xz", $"{Component}/binary-{Architecture}/Packages.gz", $"{Component}/binary-{Architecture}/Packages"];

    /// <summary>Fetches a suite's Release file and checks that it is Debian's.</summary>
    /// <param name="source">The archive.</param>
    /// <param name="suite">The suite, named by its code name.</param>
    /// <param name="request">How to check it.</param>
    /// <param name="cancellation">Ends the work.</param>
    public async Task<Outcome<ArchiveSuite>> OpenAsync(AptSource source, string suite, PullRequest request, CancellationToken cancellation)
    {
        Uri address = ArchiveAddress.Below(source.Uri, $"dists/{suite}/InRelease");
        if (!(await client.GetAsync(address, cancellation).ConfigureAwait(false)).Succeeded(out byte[]? document, out Failure? failure)) return failure;
        Outcome<SignedText> check = request.AllowUnsigned
            ? Signature.Unchecked(document, address, "--allow-unsigned was given")
            : await Signature.CheckAsync(
                document, address, Signature.Keyring(request.Keyring, source.SignedBy), HostPrograms.Find("gpgv", surroundings.Variable), cache.Root, cancellation).ConfigureAwait(false);
        if (!check.Succeeded(out SignedText? signed, out failure)) return failure;
        if (!ReleaseFile.Parse(signed.Text).Succeeded(out ReleaseFile? release, out failure)) return failure;
        if (release.Origin != "Debian" || release.Codename != suite || !release.Components.Any(static name => name is Component || name.EndsWith($"/{Component}", StringComparison.Ordinal))
            || !release.Architectures.Contains(Architecture))
        {
            return new Failure(
                FailureKind.NotThere,
                $"{source.Uri} is not Debian's {suite} for {Architecture}: its Release file says origin '{release.Origin}', code name '{release.Codename}'",
                "name a Debian archive with --mirror URL");
        }

        return new ArchiveSuite(source.Uri, suite, release, signed);
    }

    /// <summary>Fetches a suite's package index, checks it, and gives the packages that are wanted.</summary>
    /// <param name="suite">The suite.</param>
    /// <param name="wanted">Says whether a name is wanted.</param>
    /// <param name="steps">Told how far it is.</param>
    /// <param name="cancellation">Ends the work.</param>
    public async Task<Outcome<Dictionary<string, Package>>> IndexAsync(ArchiveSuite suite, Func<string, bool> wanted, IPullSteps steps, CancellationToken cancellation)
    {
        if (s_indexes.Select(suite.Release.Find).OfType<DescribedFile>().FirstOrDefault() is not { } index)
            return new Failure(FailureKind.NotThere, $"{suite.Uri} has no package index for {Architecture}", "choose another archive with --mirror URL");
        string folder = index.Path[..index.Path.LastIndexOf('/')], below = $"dists/{suite.Name}";
        string target = Path.Combine(cache.Downloads, index.Sha256);
        Action<long> done = steps.Begin($"Debian {suite.Release.Version} package index", index.Size);
        // Under its checksum the index cannot change between the two requests; a mirror that is a plain copy may lack that folder.
        Failure? failure = suite.Release.ByHash
            ? await client.DownloadAsync(ArchiveAddress.Below(suite.Uri, $"{below}/{folder}/by-hash/SHA256/{index.Sha256}"), index, target, done, cancellation).ConfigureAwait(false)
            : null;
        if (!suite.Release.ByHash || failure?.Kind == FailureKind.NotThere)
            failure = await client.DownloadAsync(ArchiveAddress.Below(suite.Uri, $"{below}/{index.Path}"), index, target, done, cancellation).ConfigureAwait(false);
        if (failure is not null) return failure;
        try
        {
            await using FileStream compressed = File.OpenRead(target);
            await using Stream? plain = Decompressors.Open(index.Path, compressed);
            if (plain is null) return new Failure(FailureKind.Format, $"the package index {index.Path} is compressed in a way that is not known", "choose another archive with --mirror URL");
            using var reader = new StreamReader(plain);
            return PackageIndex.Select(reader, wanted);
        }
        catch (DecompressionException fault)
        {
            return new Failure(FailureKind.Format, $"the package index of {suite.Uri} does not unpack ({fault.Message.TrimEnd('.')})", Decompressors.Remedy(fault));
        }
        finally
        {
            File.Delete(target);
        }
    }
}
