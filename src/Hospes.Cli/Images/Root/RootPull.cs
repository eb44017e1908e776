using System.Runtime.InteropServices;
using Hospes.Cli.CommandLine;
using Hospes.Cli.Images.Archive;
using Hospes.Cli.Images.Cache;
using Hospes.Cli.Images.Sources;

namespace Hospes.Cli.Images.Root;

/// <summary>
/// Makes a bootable Debian disk of packages. mmdebstrap(1) fetches, checks and configures them — as root, in a user namespace or with
/// fakechroot, whichever this host allows — into an archive; all that follows needs no rights at all. Without it, <see cref="RootAssembly"/> does all of it.
/// </summary>
internal sealed class RootPull(Surroundings surroundings, DiskStore store, CacheFolder cache)
{
    private const string Component = "main", Bootstrap = "mmdebstrap";

    /// <summary>What a guest needs beside Debian's essential packages and apt: kernel, init, log-in over console and network.</summary>
    private static readonly string[] s_packages =
        [DebianRelease.KernelMetaPackage, "initramfs-tools", "zstd", "systemd-sysv", "udev", "dbus", "login", "passwd", "kmod", "procps", "iproute2", "iputils-ping", "openssh-server", "e2fsprogs", "ca-certificates"];

    /// <summary>Part of systemd before Debian 12, a package since.</summary>
    private const string Resolver = "systemd-resolved";

    /// <summary>Gives the disk, from the cache when it is there.</summary>
    public async Task<Outcome<CachedDisk>> RunAsync(PullRequest request, CancellationToken cancellation)
    {
        if (!request.Refresh && store.Find(request.Release.Name) is { } present) return present;
        using var interruption = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, context =>
        {
            context.Cancel = true;
            interruption.Cancel();
        });
        try
        {
            if (!(await cache.LockAsync(() => surroundings.Note("waiting for another hospes that uses the cache"), interruption.Token).ConfigureAwait(false)).Succeeded(out FileStream? hold, out Failure? failure)) return failure;
            await using (hold.ConfigureAwait(false))
            {
                if (!request.Refresh && store.Find(request.Release.Name) is { } meanwhile) return meanwhile;
                return await PullSteps.ShowAsync(surroundings, steps => MakeAsync(request, steps, interruption.Token)).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            return new Failure(FailureKind.Interrupted, "the making of the disk was interrupted", "run the command again");
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return new Failure(FailureKind.File, $"the disk cannot be made ({fault.Message.TrimEnd('.')})", "make room in the cache folder, or set XDG_CACHE_HOME to another");
        }
    }

    /// <summary>The archives, each with one suite: the release itself, and its updates and security updates where this host has them, too.</summary>
    private static IReadOnlyList<AptSource> Archives(PullRequest request)
    {
        string codename = request.Release.Codename;
        if (request.Mirror is { } mirror) return [new AptSource(mirror, [codename], request.Keyring)];
        return
        [
            .. AptSources.Read(request.Sources).SelectMany(source => source.Suites.Where(suite => suite == codename || suite == codename + "-updates" || suite == codename + "-security")
                .Select(suite => source with { Suites = [suite], SignedBy = request.Keyring ?? source.SignedBy })),
        ];
    }

    /// <summary>An archive as mmdebstrap takes it: a line of sources.list(5).</summary>
    private static string Line(PullRequest request, AptSource source)
    {
        string options = request.AllowUnsigned ? "[trusted=yes] " : source.SignedBy is { } keyring && File.Exists(keyring) ? $"[signed-by={Path.GetFullPath(keyring)}] " : "";
        return $"deb {options}{source.Uri} {source.Suites[0]} {Component}";
    }

    private async Task<Outcome<CachedDisk>> MakeAsync(PullRequest request, IPullSteps steps, CancellationToken cancellation)
    {
        IReadOnlyList<AptSource> archives = Archives(request);
        if (archives.Count == 0)
            return new Failure(FailureKind.Host, $"{request.Sources} names no archive of Debian's {request.Release.Codename}", "name a Debian archive with --mirror URL");
        string stage = store.Stage(), image = Path.Combine(stage, CachedDisk.File);
        string[] packages = request.Release.Codename == "bullseye" ? s_packages : [.. s_packages, Resolver];
        try
        {
            Guid uuid = Guid.NewGuid();
            Outcome<string> made = HostTool.Find(surroundings, Bootstrap) is not null
                ? await BootstrapAsync(request, archives, packages, stage, uuid, image, steps, cancellation).ConfigureAwait(false)
                : await new RootAssembly(surroundings, cache, steps).RunAsync(request, archives, packages, stage, uuid, image, cancellation).ConfigureAwait(false);
            if (!made.Succeeded(out string? kernel, out Failure? failure)) return failure;
            foreach (string file in Directory.GetFiles(stage).Where(file => file != image)) File.Delete(file);
            foreach (string folder in Directory.GetDirectories(stage)) Directory.Delete(folder, recursive: true);
            var disk = new CachedDisk(request.Release.Name, new FileInfo(image).Length, string.Join("; ", archives.Select(source => Line(request, source))), kernel, surroundings.Clock.GetUtcNow());
            store.Commit(stage, disk);
            return disk;
        }
        finally
        {
            if (Directory.Exists(stage)) Directory.Delete(stage, recursive: true);
        }
    }

    private async Task<Outcome<string>> BootstrapAsync(
        PullRequest request, IReadOnlyList<AptSource> archives, IReadOnlyList<string> packages, string stage, Guid uuid, string image, IPullSteps steps, CancellationToken cancellation)
    {
        string archive = Path.Combine(stage, "root.tar"), raw = Path.Combine(stage, "root.raw");
        if (await FillAsync(request, archives, packages, archive, steps, cancellation).ConfigureAwait(false) is { } refused) return refused;
        var root = new RootFolder(Directory.CreateDirectory(Path.Combine(stage, "root")).FullName);
        Action<long> done = steps.Begin("unpack", new FileInfo(archive).Length);
        using (FileStream input = File.OpenRead(archive)) await Task.Run(() => root.Unpack(input, done), cancellation).ConfigureAwait(false);
        File.Delete(archive);
        IReadOnlyList<string> kernels = RootImageBuilder.Customize(root, uuid);
        if (kernels.Count == 0) return new Failure(FailureKind.Format, "the packages brought no kernel", "choose another archive with --mirror URL");
        Failure? failure = await new RootImageBuilder(surroundings, steps).BuildAsync(root, uuid, raw, image, cancellation).ConfigureAwait(false);
        return failure is null ? kernels[^1] : failure;
    }

    private async Task<Failure?> FillAsync(PullRequest request, IReadOnlyList<AptSource> archives, IReadOnlyList<string> packages, string target, IPullSteps steps, CancellationToken cancellation)
    {
        steps.Begin($"packages of Debian's {request.Release.Codename}", 0);
        // Before the kernel is installed it has to be known what its initial RAM disk holds.
        string modules = Path.Combine(Path.GetDirectoryName(target)!, "modules"), settings = Path.Combine(Path.GetDirectoryName(target)!, "settings");
        await File.WriteAllTextAsync(modules, RootFiles.InitramfsModules, cancellation).ConfigureAwait(false);
        await File.WriteAllTextAsync(settings, RootFiles.InitramfsSettings, cancellation).ConfigureAwait(false);
        string[] arguments =
        [
            "--variant=minbase", "--architectures=amd64", "--format=tar", $"--include={string.Join(',', packages)}", "--aptopt=APT::Install-Recommends \"false\"",
            "--essential-hook=mkdir -p \"$1/etc/initramfs-tools/conf.d\" \"$1/usr/share/initramfs-tools/modules.d\"",
            $"--essential-hook=copy-in {Quoted(settings)} /etc/initramfs-tools/conf.d", $"--essential-hook=copy-in {Quoted(modules)} /usr/share/initramfs-tools/modules.d",
            request.Release.Codename, target, .. archives.Select(source => Line(request, source)),
        ];
        return await HostTool.RunAsync(surroundings, Bootstrap, Bootstrap, arguments, line => Tell(steps, line), cancellation).ConfigureAwait(false);
    }

    private static string Quoted(string path) => $"'{path.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    /// <summary>Passes on what mmdebstrap says it does, of which it has a line for each part of the work.</summary>
    private static void Tell(IPullSteps steps, string line)
    {
        if (line.StartsWith("I: ", StringComparison.Ordinal) && (line.Contains("download", StringComparison.Ordinal) || line.Contains("install", StringComparison.Ordinal))) steps.Begin(line[3..].TrimEnd('.'), 0);
    }
}
