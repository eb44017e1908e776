using System.Runtime.InteropServices;
using Hospes.Cli.CommandLine;
using Hospes.Cli.Images.Archive;
using Hospes.Cli.Images.Cache;
using Hospes.Cli.Images.Sources;

namespace Hospes.Cli.Images.Root;

/// <summary>
/// Makes a bootable Debian disk of packages. mmdebstrap(1) fetches, checks and configures them — as root, in a user namespace or with
/// fakechroot, whichever this host allows — into an archive; all that follows needs no rights at all.
/// </summary>
internal sealed class RootPull(Surroundings surroundings, DiskStore store, CacheFolder cache)
{
    private const string Component = "main";

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

    /// <summary>The archives as mmdebstrap takes them: lines of sources.list(5).</summary>
    internal static IReadOnlyList<string> Archives(PullRequest request)
    {
        string codename = request.Release.Codename;
        if (request.Mirror is { } mirror) return [Line(mirror, codename, request.Keyring)];
        // The release itself, and its updates and security updates where this host has them, too.
        return
        [
            .. AptSources.Read(request.Sources).SelectMany(source => source.Suites.Where(suite => suite == codename || suite == codename + "-updates" || suite == codename + "-security")
                .Select(suite => Line(source.Uri, suite, request.Keyring ?? source.SignedBy))),
        ];

        string Line(Uri uri, string suite, string? keyring)
        {
            string options = request.AllowUnsigned ? "[trusted=yes] " : keyring is not null && File.Exists(keyring) ? $"[signed-by={Path.GetFullPath(keyring)}] " : "";
            return $"deb {options}{uri} {suite} {Component}";
        }
    }

    private async Task<Outcome<CachedDisk>> MakeAsync(PullRequest request, IPullSteps steps, CancellationToken cancellation)
    {
        IReadOnlyList<string> archives = Archives(request);
        if (archives.Count == 0)
            return new Failure(FailureKind.Host, $"{request.Sources} names no archive of Debian's {request.Release.Codename}", "name a Debian archive with --mirror URL");
        string stage = store.Stage(), archive = Path.Combine(stage, "root.tar"), folder = Path.Combine(stage, "root");
        try
        {
            if (await BootstrapAsync(request, archives, archive, steps, cancellation).ConfigureAwait(false) is { } refused) return refused;
            var root = new RootFolder(Directory.CreateDirectory(folder).FullName);
            Action<long> done = steps.Begin("unpack", new FileInfo(archive).Length);
            using (FileStream input = File.OpenRead(archive)) await Task.Run(() => root.Unpack(input, done), cancellation).ConfigureAwait(false);
            File.Delete(archive);
            Guid uuid = Guid.NewGuid();
            IReadOnlyList<string> kernels = RootImageBuilder.Customize(root, uuid);
            if (kernels.Count == 0) return new Failure(FailureKind.Format, "the packages brought no kernel", "choose another archive with --mirror URL");
            string raw = Path.Combine(stage, "root.raw"), image = Path.Combine(stage, CachedDisk.File);
            if (await new RootImageBuilder(surroundings, steps).BuildAsync(root, uuid, raw, image, cancellation).ConfigureAwait(false) is { } failure) return failure;
            foreach (string file in Directory.GetFiles(stage).Where(file => file != image)) File.Delete(file);
            Directory.Delete(folder, recursive: true);
            var disk = new CachedDisk(request.Release.Name, new FileInfo(image).Length, string.Join("; ", archives), kernels[^1], surroundings.Clock.GetUtcNow());
            store.Commit(stage, disk);
            return disk;
        }
        finally
        {
            if (Directory.Exists(stage)) Directory.Delete(stage, recursive: true);
        }
    }

    private async Task<Failure?> BootstrapAsync(PullRequest request, IReadOnlyList<string> archives, string target, IPullSteps steps, CancellationToken cancellation)
    {
        if (HostTool.Find(surroundings, "mmdebstrap") is null)
            return new Failure(FailureKind.Host, "mmdebstrap, which puts Debian's packages together, is not installed", "install the package mmdebstrap");
        steps.Begin($"packages of Debian's {request.Release.Codename}", 0);
        List<string> packages = [.. s_packages];
        if (request.Release.Codename != "bullseye") packages.Add(Resolver);
        // Before the kernel is installed it has to be known what its initial RAM disk holds.
        string modules = Path.Combine(Path.GetDirectoryName(target)!, "modules"), settings = Path.Combine(Path.GetDirectoryName(target)!, "settings");
        await File.WriteAllTextAsync(modules, RootFiles.InitramfsModules, cancellation).ConfigureAwait(false);
        await File.WriteAllTextAsync(settings, "MODULES=list\n", cancellation).ConfigureAwait(false);
        string[] arguments =
        [
            "--variant=minbase", "--architectures=amd64", "--format=tar", $"--include={string.Join(',', packages)}", "--aptopt=APT::Install-Recommends \"false\"",
            "--essential-hook=mkdir -p \"$1/etc/initramfs-tools/conf.d\" \"$1/usr/share/initramfs-tools/modules.d\"",
            $"--essential-hook=copy-in {Quoted(settings)} /etc/initramfs-tools/conf.d", $"--essential-hook=copy-in {Quoted(modules)} /usr/share/initramfs-tools/modules.d",
            request.Release.Codename, target, .. archives,
        ];
        return await HostTool.RunAsync(surroundings, "mmdebstrap", "mmdebstrap", arguments, line => Tell(steps, line), cancellation).ConfigureAwait(false);
    }

    private static string Quoted(string path) => $"'{path.Replace("'", "'\\''", StringComparison.Ordinal)}'";

    /// <summary>Passes on what mmdebstrap says it does, of which it has a line for each part of the work.</summary>
    private static void Tell(IPullSteps steps, string line)
    {
        if (line.StartsWith("I: ", StringComparison.Ordinal) && (line.Contains("download", StringComparison.Ordinal) || line.Contains("install", StringComparison.Ordinal))) steps.Begin(line[3..].TrimEnd('.'), 0);
    }
}
