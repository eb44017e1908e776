using Hospes.Cli.CommandLine;
using Hospes.Cli.Images.Archive;
using Hospes.Cli.Images.Cache;
using Hospes.Cli.Images.Packages;
using Hospes.Cli.Images.Sources;

namespace Hospes.Cli.Images.Root;

/// <summary>
/// Puts Debian's packages together where mmdebstrap is not installed: finds them in the archives' indexes, fetches and checks them, unpacks what every system has into a
/// folder that becomes the disk, and has dpkg install all of them in a guest on that disk (docs/adr/0011). No step needs rights.
/// </summary>
internal sealed class RootAssembly(Surroundings surroundings, CacheFolder cache, IPullSteps steps)
{
    private const string KernelPrefix = "linux-image-";

    /// <summary>Tells the packages that /usr is merged, as <see cref="RootFolder.MergeUsr"/> makes it; Debian 11 has no such package.</summary>
    private const string MergedUsr = "usr-is-merged";

    /// <summary>A package and the archive that has it.</summary>
    private sealed record Offer(Package Package, Uri Archive);

    /// <summary>What a disk is made of.</summary>
    private sealed record Plan(IReadOnlyList<Package> Needed, IReadOnlyList<Package> All, Package Kernel, Package Busybox);

    /// <summary>Makes the disk.</summary>
    /// <param name="request">What was asked for.</param>
    /// <param name="sources">The archives with their suites, each with one.</param>
    /// <param name="wanted">The packages that are wanted beside those that every system has.</param>
    /// <param name="stage">A folder for the work.</param>
    /// <param name="uuid">The UUID of the file system.</param>
    /// <param name="image">Where the disk goes; no file may be there.</param>
    /// <param name="cancellation">Ends the work; packages that came so far are kept.</param>
    /// <returns>The kernel's version.</returns>
    public async Task<Outcome<string>> RunAsync(PullRequest request, IReadOnlyList<AptSource> sources, IEnumerable<string> wanted, string stage, Guid uuid, string image, CancellationToken cancellation)
    {
        using var client = new ArchiveClient(TimeSpan.FromSeconds(1));
        if (!(await OffersAsync(request, sources, client, cancellation).ConfigureAwait(false)).Succeeded(out Dictionary<string, Offer>? offers, out Failure? failure)) return failure;
        if (!MakePlan(offers, wanted).Succeeded(out Plan? plan, out failure)) return failure;
        Package[] fetched = [.. plan.All, plan.Busybox];
        string packages = Directory.CreateDirectory(Path.Combine(stage, "packages")).FullName;
        failure = await FetchAsync(fetched, offers, packages, client, cancellation).ConfigureAwait(false);
        if (failure is not null) return failure;
        string kernel = plan.Kernel.Name[KernelPrefix.Length..], raw = Path.Combine(stage, "root.raw"), vmlinuz = Path.Combine(stage, "vmlinuz"), initrd = Path.Combine(stage, "initrd");
        failure = await Task.Run(() => Prepare(plan, packages, vmlinuz, initrd), cancellation).ConfigureAwait(false);
        if (failure is not null) return failure;
        var root = new RootFolder(Directory.CreateDirectory(Path.Combine(stage, "root")).FullName);
        failure = await Task.Run(() => Unpack(root, plan, packages, sources, uuid, cancellation), cancellation).ConfigureAwait(false);
        if (failure is not null) return failure;
        var builder = new RootImageBuilder(surroundings, steps);
        failure = await builder.MakeFileSystemAsync(root, uuid, raw, cancellation).ConfigureAwait(false);
        if (failure is not null) return failure;
        steps.Begin("start a guest that installs the packages, which takes minutes", 0);
        failure = await Task.Run(() => new AssemblyGuest(steps).Run(vmlinuz, initrd, raw, packages, cancellation), cancellation).ConfigureAwait(false)
            ?? await builder.ConvertAsync(raw, image, cancellation).ConfigureAwait(false);
        if (failure is not null) return failure;
        // They are on the disk now; another disk of the same packages is a copy of this one.
        foreach (Package package in fetched) File.Delete(Path.Combine(cache.Downloads, package.File.Sha256));
        return kernel;
    }

    /// <summary>Reads the indexes of all suites; of each package the highest version counts.</summary>
    private async Task<Outcome<Dictionary<string, Offer>>> OffersAsync(PullRequest request, IReadOnlyList<AptSource> sources, ArchiveClient client, CancellationToken cancellation)
    {
        var reader = new SuiteReader(surroundings, cache, client);
        var offers = new Dictionary<string, Offer>(StringComparer.Ordinal);
        foreach (AptSource source in sources)
        {
            if (!(await reader.OpenAsync(source, source.Suites[0], request, cancellation).ConfigureAwait(false)).Succeeded(out ArchiveSuite? suite, out Failure? failure)) return failure;
            if (suite.Signed.NotChecked is { } why) surroundings.Note($"the signature of {suite.Name} was not checked: {why}");
            if (!(await reader.IndexAsync(suite, static _ => true, steps, cancellation).ConfigureAwait(false)).Succeeded(out Dictionary<string, Package>? packages, out failure)) return failure;
            foreach (Package package in packages.Values)
            {
                if (!offers.TryGetValue(package.Name, out Offer? other) || DebianVersion.Compare(package.Version, other.Package.Version) > 0) offers[package.Name] = new Offer(package, source.Uri);
            }
        }
        return offers;
    }

    private static Outcome<Plan> MakePlan(Dictionary<string, Offer> offers, IEnumerable<string> wanted)
    {
        var choice = new PackageChoice(offers.ToDictionary(static at => at.Key, static at => at.Value.Package, StringComparer.Ordinal));
        string[] merged = offers.ContainsKey(MergedUsr) ? [MergedUsr] : [];
        if (!choice.Close([.. AssemblyScripts.Core, .. choice.Essential.Except(AssemblyScripts.Core), .. merged]).Succeeded(out IReadOnlyList<Package>? needed, out Failure? failure)) return failure;
        if (!choice.Close([.. needed.Select(static package => package.Name), "apt", .. wanted]).Succeeded(out IReadOnlyList<Package>? all, out failure)) return failure;
        Package? kernel = all.FirstOrDefault(static package => package.Name.StartsWith(KernelPrefix, StringComparison.Ordinal) && package.Name.Length > KernelPrefix.Length && char.IsAsciiDigit(package.Name[KernelPrefix.Length]));
        if (kernel is null || !offers.TryGetValue(DebianRelease.BusyboxPackage, out Offer? busybox))
            return new Failure(FailureKind.NotThere, $"the archive has no {(kernel is null ? "kernel" : DebianRelease.BusyboxPackage)}", "choose another archive with --mirror URL");
        return new Plan(needed, all, kernel, busybox.Package);
    }

    /// <summary>Fetches packages into the cache, and puts them under their names into a folder.</summary>
    private async Task<Failure?> FetchAsync(IReadOnlyList<Package> packages, Dictionary<string, Offer> offers, string folder, ArchiveClient client, CancellationToken cancellation)
    {
        Action<long> done = steps.Begin($"{packages.Count} packages", packages.Sum(static package => package.File.Size));
        long before = 0;
        foreach (Package package in packages)
        {
            string file = Path.Combine(cache.Downloads, package.File.Sha256);
            long start = before;
            Failure? failure = await client.DownloadAsync(ArchiveAddress.Below(offers[package.Name].Archive, package.File.Path), package.File, file, bytes => done(start + bytes), cancellation).ConfigureAwait(false);
            if (failure is not null) return failure;
            File.Copy(file, PackageFile(folder, package));
            before += package.File.Size;
        }
        return null;
    }

    /// <summary>Takes kernel, modules and busybox for the guest out of their packages, and writes its small root and its script.</summary>
    private static Failure? Prepare(Plan plan, string packages, string vmlinuz, string initrd)
    {
        string scratch = initrd + ".modules", busybox = initrd + ".busybox";
        Directory.CreateDirectory(scratch);
        using (FileStream package = File.OpenRead(PackageFile(packages, plan.Kernel)))
        {
            if (!DebPackage.Extract(package, plan.Kernel.Name, Decompressors.Open, path => KernelFile(path, vmlinuz, scratch)).Succeeded(out _, out Failure? failure)) return failure;
        }
        using (FileStream package = File.OpenRead(PackageFile(packages, plan.Busybox)))
        {
            if (!DebPackage.Extract(package, plan.Busybox.Name, Decompressors.Open, path => path is "bin/busybox" or "usr/bin/busybox" ? busybox : null).Succeeded(out _, out Failure? failure)) return failure;
        }
        if (!File.Exists(vmlinuz) || !File.Exists(busybox))
            return new Failure(FailureKind.Format, $"the packages {plan.Kernel.Name} and {plan.Busybox.Name} have no kernel or no busybox", "choose another archive with --mirror URL");
        var modules = new Dictionary<string, byte[]>(StringComparer.Ordinal);
        foreach (string file in Directory.GetFiles(scratch))
        {
            // Since Debian 13 they are compressed.
            using FileStream compressed = File.OpenRead(file);
            using Stream plain = file.EndsWith(".ko", StringComparison.Ordinal) ? compressed : Decompressors.Open(file, compressed)!;
            using var content = new MemoryStream();
            plain.CopyTo(content);
            modules[Path.GetFileName(file).Split('.')[0]] = content.ToArray();
        }
        using (FileStream output = File.Create(initrd)) AssemblyGuest.WriteRoot(output, File.ReadAllBytes(busybox), modules);
        IEnumerable<string> needed = plan.Needed.Select(static package => package.Name);
        File.WriteAllText(Path.Combine(packages, AssemblyScripts.Script), AssemblyScripts.Install(needed, plan.All.Select(static package => package.Name).Except(needed)));
        return null;
    }

    private static string? KernelFile(string path, string vmlinuz, string scratch)
    {
        if (path.StartsWith("boot/vmlinuz-", StringComparison.Ordinal)) return vmlinuz;
        string name = Path.GetFileName(path);
        string[] parts = name.Split('.');
        bool isModule = parts is [_, "ko"] or [_, "ko", "xz" or "zst" or "gz"];
        return isModule && AssemblyScripts.Modules.Contains(parts[0]) ? Path.Combine(scratch, name) : null;
    }

    /// <summary>Unpacks what every system has, so that dpkg runs, and puts into place what has to be there before the packages' scripts run.</summary>
    private Failure? Unpack(RootFolder root, Plan plan, string packages, IReadOnlyList<AptSource> sources, Guid uuid, CancellationToken cancellation)
    {
        root.MergeUsr();
        Action<long> done = steps.Begin($"unpack {plan.Needed.Count} packages that every system has", plan.Needed.Sum(static package => package.File.Size));
        long before = 0;
        for (int i = 0; i < plan.Needed.Count; i++)
        {
            cancellation.ThrowIfCancellationRequested();
            using FileStream package = File.OpenRead(PackageFile(packages, plan.Needed[i]));
            if (!DebPackage.Open(package, plan.Needed[i].Name, Decompressors.Open, data => root.Unpack(data)).Succeeded(out _, out Failure? failure)) return failure;
            before += plan.Needed[i].File.Size;
            done(before);
        }
        Package dpkg = plan.Needed.First(static package => package.Name == "dpkg");
        root.Put("var/lib/dpkg/status", AssemblyScripts.Feigned(dpkg.Version));
        root.Put("var/lib/dpkg/available", "");
        root.Put("var/lib/dpkg/info/dpkg.list", "");
        root.Put("usr/sbin/policy-rc.d", AssemblyScripts.NoServices, isProgram: true);
        root.Put("etc/apt/sources.list", string.Concat(sources.Select(static source => $"deb {source.Uri} {source.Suites[0]} main\n")));
        root.Put("etc/initramfs-tools/conf.d/settings", RootFiles.InitramfsSettings);
        root.Put("usr/share/initramfs-tools/modules.d/modules", RootFiles.InitramfsModules);
        RootImageBuilder.Furnish(root, uuid);
        foreach (string folder in (string[])["mnt", "proc", "sys", "dev", "run", "tmp"]) root.MakeFolder(folder);
        return null;
    }

    private static string PackageFile(string folder, Package package) => Path.Combine(folder, package.Name + ".deb");
}
