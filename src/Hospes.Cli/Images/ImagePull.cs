using System.Runtime.InteropServices;
using Hospes.Cli.CommandLine;
using Hospes.Cli.Images.Archive;
using Hospes.Cli.Images.Cache;
using Hospes.Cli.Images.Packages;
using Hospes.Cli.Images.Sources;

namespace Hospes.Cli.Images;

/// <summary>What to pull and from where.</summary>
/// <param name="Release">The release.</param>
internal sealed record PullRequest(DebianRelease Release)
{
    /// <summary>The archive; null to choose among the host's apt sources.</summary>
    public Uri? Mirror { get; init; }

    /// <summary>The folder or file with apt's sources.</summary>
    public string Sources { get; init; } = AptSources.StandardFolder;

    /// <summary>The keyring to check with; null for the apt source's or Debian's own.</summary>
    public string? Keyring { get; init; }

    /// <summary>Do without the signature.</summary>
    public bool AllowUnsigned { get; init; }

    /// <summary>Pull even when the image is there.</summary>
    public bool Refresh { get; init; }
}

/// <summary>Makes an image out of a Debian archive (<see cref="SuiteReader"/>): of its kernel and its static busybox.</summary>
internal sealed class ImagePull(Surroundings surroundings, ImageStore store, ArchiveClient client)
{
    private readonly SuiteReader _suites = new(surroundings, store.Cache, client);

    /// <summary>Gives the image, from the cache when it is there.</summary>
    public async Task<Outcome<Image>> RunAsync(PullRequest request, CancellationToken cancellation)
    {
        if (!request.Refresh && store.Find(request.Release.Name) is { } present) return present;
        // An interrupt ends the work in order: bars put the cursor back, staged folders go, what was fetched stays.
        using var interruption = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context =>
        {
            context.Cancel = true;
            interruption.Cancel();
        });
        try
        {
            return await FetchHoldingTheCacheAsync(request, interruption.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            return new Failure(FailureKind.Interrupted, "the fetch was interrupted", "run the command again: what came so far is kept");
        }
    }

    private async Task<Outcome<Image>> FetchHoldingTheCacheAsync(PullRequest request, CancellationToken cancellation)
    {
        if (!(await store.Cache.LockAsync(() => surroundings.Note("waiting for another hospes that uses the cache"), cancellation).ConfigureAwait(false))
            .Succeeded(out FileStream? hold, out Failure? failure)) return failure;
        await using (hold.ConfigureAwait(false))
        {
            if (!request.Refresh && store.Find(request.Release.Name) is { } meanwhile) return meanwhile;
            try
            {
                if (!(await ChooseAsync(request, cancellation).ConfigureAwait(false)).Succeeded(out ArchiveSuite? archive, out failure)) return failure;
                return await PullSteps.ShowAsync(surroundings, steps => PullAsync(request, archive, steps, cancellation)).ConfigureAwait(false);
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                return new Failure(FailureKind.File, $"the cache folder {store.Cache.Root} cannot be written ({fault.Message.TrimEnd('.')})", "make room there, or set XDG_CACHE_HOME to another folder");
            }
        }
    }

    /// <summary>Chooses the first archive whose Release file is Debian's for the release.</summary>
    private async Task<Outcome<ArchiveSuite>> ChooseAsync(PullRequest request, CancellationToken cancellation)
    {
        if (request.Mirror is { } mirror) return await TryAsync(new AptSource(mirror, [], null), request, cancellation).ConfigureAwait(false);
        // Sources that name the suite come first: they are the likeliest to have it.
        AptSource[] sources = [.. AptSources.Read(request.Sources).OrderBy(source => !source.Suites.Contains(request.Release.Codename))];
        if (sources.Length == 0)
            return new Failure(FailureKind.Host, $"{request.Sources} names no archive to fetch from", "name a Debian archive with --mirror URL");
        Failure? first = null;
        foreach (AptSource source in sources)
        {
            Outcome<ArchiveSuite> tried = await TryAsync(source, request, cancellation).ConfigureAwait(false);
            if (tried.Succeeded(out ArchiveSuite? chosen, out Failure? failure)) return chosen;
            // A bad signature is no reason to look elsewhere silently.
            if (failure.Kind == FailureKind.Integrity) return failure;
            first = first is null || (first.Kind == FailureKind.NotThere && failure.Kind == FailureKind.Network) ? failure : first;
        }

        return sources.Length == 1
            ? first!
            : new Failure(first!.Kind, $"none of the {sources.Length} archives in {request.Sources} has Debian's {request.Release.Codename} (the first: {first.Cause})", "name a Debian archive with --mirror URL");
    }

    private Task<Outcome<ArchiveSuite>> TryAsync(AptSource source, PullRequest request, CancellationToken cancellation) => _suites.OpenAsync(source, request.Release.Codename, request, cancellation);

    private async Task<Outcome<Image>> PullAsync(PullRequest request, ArchiveSuite archive, IPullSteps steps, CancellationToken cancellation)
    {
        if (archive.Signed.NotChecked is { } why) surroundings.Note($"the archive's signature was not checked: {why}");
        if (!(await _suites.IndexAsync(archive, IsCandidate, steps, cancellation).ConfigureAwait(false)).Succeeded(out Dictionary<string, Package>? packages, out Failure? failure)) return failure;
        if (!Wanted(packages).Succeeded(out (Package Kernel, Package Busybox) wanted, out failure)) return failure;
        string stage = store.Stage();
        try
        {
            if (!(await FetchAsync(archive, wanted.Kernel, "boot/vmlinuz-", Path.Combine(stage, "vmlinuz"), steps, cancellation).ConfigureAwait(false))
                .Succeeded(out string? kernelPackage, out failure)) return failure;
            if (!(await FetchAsync(archive, wanted.Busybox, "bin/busybox", Path.Combine(stage, "busybox"), steps, cancellation).ConfigureAwait(false))
                .Succeeded(out string? busyboxPackage, out failure)) return failure;
            var image = new Image(
                request.Release.Name,
                ImageStore.Describe(stage, "vmlinuz", wanted.Kernel.Name, wanted.Kernel.Version),
                ImageStore.Describe(stage, "busybox", wanted.Busybox.Name, wanted.Busybox.Version),
                wanted.Kernel.File.Sha256,
                archive.Uri.ToString(),
                archive.Release.Version,
                archive.Signed.Signer ?? archive.Signed.NotChecked ?? "",
                archive.Signed.Signer is not null,
                surroundings.Clock.GetUtcNow());
            store.Commit(stage, image);
            // The kernel's package stays: its modules are in it. Busybox is wholly in the image.
            File.Delete(busyboxPackage);
            return image;
        }
        finally
        {
            if (Directory.Exists(stage)) Directory.Delete(stage, recursive: true);
        }
    }

    private static bool IsCandidate(string name) =>
        name == DebianRelease.BusyboxPackage || (name.StartsWith("linux-image-", StringComparison.Ordinal) && name.EndsWith("cloud-amd64", StringComparison.Ordinal));

    /// <summary>The kernel that the meta package depends on, and busybox.</summary>
    private static Outcome<(Package Kernel, Package Busybox)> Wanted(Dictionary<string, Package> packages)
    {
        if (!packages.TryGetValue(DebianRelease.KernelMetaPackage, out Package? meta)) return Lacks(DebianRelease.KernelMetaPackage);
        if (!packages.TryGetValue(DebianRelease.BusyboxPackage, out Package? busybox)) return Lacks(DebianRelease.BusyboxPackage);
        string[] dependencies = [.. meta.DependencyNames().Where(static name => name.StartsWith("linux-image-", StringComparison.Ordinal))];
        Package? kernel = dependencies.Select(packages.GetValueOrDefault).OfType<Package>().FirstOrDefault();
        return kernel is null ? Lacks(dependencies.FirstOrDefault() ?? $"a kernel behind {DebianRelease.KernelMetaPackage}") : (kernel, busybox);

        static Failure Lacks(string package) =>
            new(FailureKind.NotThere, $"the archive has no package {package}", "choose another archive with --mirror URL");
    }

    /// <summary>Fetches a package and copies the one file that is wanted out of it. Gives the path of the package.</summary>
    private async Task<Outcome<string>> FetchAsync(ArchiveSuite archive, Package package, string wanted, string target, IPullSteps steps, CancellationToken cancellation)
    {
        string file = Path.Combine(store.Cache.Downloads, package.File.Sha256);
        Action<long> done = steps.Begin($"{package.Name} {package.Version}", package.File.Size);
        Failure? failure = await client.DownloadAsync(ArchiveAddress.Below(archive.Uri, package.File.Path), package.File, file, done, cancellation).ConfigureAwait(false);
        if (failure is not null) return failure;
        await using FileStream input = File.OpenRead(file);
        // Since Debian 13 the programs are packed below usr/.
        if (!DebPackage.Extract(input, package.Name, Decompressors.Open, path => IsWanted(path) ? target : null).Succeeded(out IReadOnlyList<string>? copied, out failure)) return failure;
        return copied.Count > 0
            ? file
            : new Failure(FailureKind.Format, $"the package {package.Name} {package.Version} has no {wanted}", "choose another archive with --mirror URL");

        bool IsWanted(string path) => wanted.EndsWith('-')
            ? path.StartsWith(wanted, StringComparison.Ordinal)
            : path == wanted || path == $"usr/{wanted}";
    }
}
