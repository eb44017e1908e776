using System.CommandLine;
using System.Text.Json;
using Hospes.Cli.CommandLine;
using Hospes.Cli.Images.Archive;
using Hospes.Cli.Images.Cache;
using Hospes.Cli.Images.Disks;
using Hospes.Cli.Images.Sources;
using Hospes.Cli.Initramfs;
using Spectre.Console;

namespace Hospes.Cli.Images;

/// <summary><c>hospes image</c>: fetch kernels, list them, make small roots for them.</summary>
internal static class ImageCommand
{
    private static readonly IReadOnlyList<(string Status, string Meaning)> Statuses =
        [("0", "Done."), ("2", "Bad arguments, or the image could not be fetched or written; standard error says why and what to do."), ("130", "SIGINT came while fetching; what came so far is kept.")];

    private static readonly (string Path, string Use) CacheFiles =
        ("~/.cache/hospes", "Fetched images and packages. All of it can be deleted; XDG_CACHE_HOME moves it.");

    /// <summary>Makes the command.</summary>
    public static Command Create(Surroundings surroundings)
    {
        var image = new ManualCommand("image", "fetch kernels, make small roots, look after disks", new ManualPage
        {
            Description = ["Images of pull, list and initramfs are kernels of a distribution with a static busybox, taken from the distribution's own packages and kept in a cache."],
            Files = [CacheFiles],
        });
        image.Add(Pull(surroundings));
        image.Add(List(surroundings));
        image.Add(InspectCommand.Create(surroundings));
        image.Add(Initramfs(surroundings));
        image.Add(Root.RootCommands.Remove(surroundings));
        image.Add(Root.RootCommands.Import(surroundings));
        image.Add(Seed.SeedCommand.Create(surroundings));
        DiskCommands.AddTo(image, surroundings);
        return image;
    }

    private static ManualCommand Pull(Surroundings surroundings)
    {
        var name = new Argument<string>("image") { HelpName = "IMAGE", Description = $"One of {string.Join(", ", DebianRelease.All.Select(static release => release.Name))}." };
        Option<Uri?> mirror = OptionValue.Create("--mirror", "URL", "Fetch from this Debian archive instead of the host's.", (string text, out Uri? value) =>
            ArchiveAddress.TryParse(text, out value) ? null : "is no http or https address");
        Option<string?> sources = OptionValue.Text("--sources", "PATH", $"Read apt sources from this folder or file instead of {AptSources.StandardFolder}.");
        Option<string?> keyring = OptionValue.Text("--keyring", "FILE", "Check the archive's signature with the keys in this file (not armoured).");
        Option<bool> unsigned = OptionValue.Switch("--allow-unsigned", "Do without the archive's signature. Checksums are always compared.");
        Option<bool> refresh = OptionValue.Switch("--refresh", "Fetch again when the image is there already.");
        Option<bool> json = OptionValue.Switch("--json", "Write what was pulled as JSON.");
        Option<bool> rootfs = OptionValue.Switch("--rootfs", "Make a disk with all of Debian that a guest needs: kernel, systemd, SSH server. Takes minutes, once.");
        Option<string?> output = OptionValue.Text("--output", "FILE", "With --rootfs: also write a copy of the disk here, for a guest to write on; no file may be there.");
        var command = new ManualCommand("pull", "fetch a kernel and a static busybox, or make a bootable disk", new ManualPage
        {
            Description =
            [
                "Fetches Debian's cloud kernel and its static busybox and keeps them in the cache. When the image is there, nothing is fetched and no network is needed.",
                "Without --mirror the archive is chosen among the http and https sources of the host's apt, in both formats of sources.list(5): "
                    + "the first whose Release file is Debian's for that release.",
                "What is fetched is checked: the signature of InRelease with gpgv and Debian's keyring where the host has both (a note says when it does not), "
                    + "then the SHA-256 of the package index, then that of each package. A download that broke off goes on where it stopped.",
                "With --rootfs mmdebstrap(1) puts a Debian with systemd together, and the result is a disk in the format qcow2 that 'hospes run --disk' starts. That takes no root: mmdebstrap finds a "
                    + "way that the host allows, and the file system is made without mounting it. Where mmdebstrap is not installed, the packages are fetched here and installed by dpkg in a guest on the new disk. On the console root logs in without a password; over SSH only with a key ('hospes image seed').",
            ],
            ExitStatuses = Statuses,
            Variables = [("http_proxy, https_proxy, no_proxy", "Proxies to fetch through."), ("XDG_CACHE_HOME", "Where the cache is; ~/.cache when not set.")],
            Files = [CacheFiles, ("/etc/apt/sources.list, /etc/apt/sources.list.d/", "Where the archive's address comes from.")],
            Examples =
            [
                ("hospes image pull debian:12", "Fetch from the archive that this host's apt uses."),
                ("hospes image pull debian:12 --rootfs --output web1.qcow2", "Make a disk that boots, and a copy of it for a guest."),
                ("hospes image pull debian:13 --mirror http://mirror.example/debian", "Fetch from another archive."),
            ],
            SeeAlso = ["hospes image list", "hospes image initramfs"],
        })
        { name, mirror, sources, keyring, unsigned, refresh, json, rootfs, output };
        command.SetAction(async (result, cancellation) =>
        {
            if (!DebianRelease.Find(result.GetRequiredValue(name)).Succeeded(out DebianRelease? release, out Failure? failure)) return surroundings.Fail(failure);
            if (!Store(surroundings).Succeeded(out ImageStore? store, out failure)) return surroundings.Fail(failure);
            string from = result.GetValue(sources) ?? AptSources.StandardFolder;
            if (!File.Exists(from) && !Directory.Exists(from) && result.GetValue(sources) is not null)
                return surroundings.Fail(new Failure(FailureKind.File, $"--sources '{from}' is neither a folder nor a file", "name a folder like /etc/apt"));
            var request = new PullRequest(release)
            {
                Mirror = result.GetValue(mirror),
                Sources = from,
                Keyring = result.GetValue(keyring),
                AllowUnsigned = result.GetValue(unsigned),
                Refresh = result.GetValue(refresh),
            };
            if (result.GetValue(rootfs)) return await Root.RootCommands.PullAsync(surroundings, store.Cache, request, result.GetValue(output), result.GetValue(json), cancellation).ConfigureAwait(false);
            if (result.GetValue(output) is not null) return surroundings.Fail(new Failure(FailureKind.Arguments, "--output needs --rootfs", "name both, or neither"));
            using var client = new ArchiveClient(TimeSpan.FromSeconds(1));
            if (!(await new ImagePull(surroundings, store, client).RunAsync(request, cancellation).ConfigureAwait(false)).Succeeded(out Image? image, out failure))
                return surroundings.Fail(failure);
            if (result.GetValue(json)) surroundings.Out.WriteLine(JsonSerializer.Serialize([Listing(store, image)], ImageJson.Default.ImageListingArray));
            else Show(surroundings, store, image);
            return ExitStatus.Done;
        });
        return command;
    }

    private static ManualCommand List(Surroundings surroundings)
    {
        Option<bool> json = OptionValue.Switch("--json", "Write the list as JSON.");
        Option<bool> disksOnly = OptionValue.Switch("--disks", "List the disks alone: those that --rootfs made, and those that were imported.");
        var command = new ManualCommand("list", "list the fetched images", new ManualPage
        {
            Description = ["Lists the images of the cache that are whole; every file is compared with its checksum. Below them stand the disks."],
            ExitStatuses = Statuses,
            Files = [CacheFiles],
            SeeAlso = ["hospes image pull", "hospes image import", "hospes image rm"],
        })
        { json, disksOnly };
        command.SetAction(result =>
        {
            if (!Store(surroundings).Succeeded(out ImageStore? store, out Failure? failure)) return surroundings.Fail(failure);
            IReadOnlyList<Image> images = store.List();
            var disks = new DiskStore(store.Cache);
            if (result.GetValue(disksOnly)) return Root.RootCommands.List(surroundings, disks, result.GetValue(json));
            if (result.GetValue(json))
            {
                surroundings.Out.WriteLine(JsonSerializer.Serialize([.. images.Select(image => Listing(store, image))], ImageJson.Default.ImageListingArray));
                return ExitStatus.Done;
            }

            if (images.Count == 0 && disks.List().Count > 0) return Root.RootCommands.List(surroundings, disks, asJson: false);
            if (images.Count == 0)
            {
                surroundings.Note("no images here yet; fetch one with 'hospes image pull debian:12'");
                return ExitStatus.Done;
            }

            var table = new Table().Border(TableBorder.None).AddColumns("IMAGE", "KERNEL", "RELEASE", "SIGNATURE", "PULLED");
            foreach (Image image in images)
            {
                table.AddRow(
                    new Text(image.Name), new Text(image.KernelRelease), new Text(image.Release), new Text(image.SignatureChecked ? "checked" : "not checked"),
                    new Text(image.Pulled.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture)));
            }

            surroundings.Rich(onError: false).Write(table);
            if (disks.List().Count > 0) Root.RootCommands.List(surroundings, disks, asJson: false);
            return ExitStatus.Done;
        });
        return command;
    }

    private static ManualCommand Initramfs(Surroundings surroundings)
    {
        Option<string?> output = OptionValue.Text("--output", "FILE", "Where to write the archive.");
        output.Required = true;
        Option<string?> run = OptionValue.Text("--run", "COMMANDS", "Run these shell commands and power off, instead of a shell on the console.");
        Option<string?> from = OptionValue.Text("--image", "IMAGE", "Take busybox from this image (debian:12 when absent). It must be pulled.");
        var command = new ManualCommand("initramfs", "make a small root to boot into", new ManualPage
        {
            Description =
            [
                "Writes an initial RAM file system in the format that Linux unpacks (cpio, newc): busybox, a link for each of its programs, device nodes, "
                    + "and an init script that mounts /proc, /sys, /dev and /run. The same input makes the same bytes.",
            ],
            ExitStatuses = Statuses,
            Examples =
            [
                ("hospes image initramfs --output shell.cpio", "A root with a shell on the console."),
                ("hospes image initramfs --output once.cpio --run 'uname -a'", "A root that says who it is and powers off."),
            ],
            SeeAlso = ["hospes image pull"],
        })
        { output, run, from };
        command.SetAction(result =>
        {
            if (!Store(surroundings).Succeeded(out ImageStore? store, out Failure? failure)) return surroundings.Fail(failure);
            if (!DebianRelease.Find(result.GetValue(from) ?? "debian:12").Succeeded(out DebianRelease? release, out failure)) return surroundings.Fail(failure);
            if (store.Find(release.Name) is not { } image)
                return surroundings.Fail(new Failure(FailureKind.File, $"the image {release.Name} is not here", $"fetch it with 'hospes image pull {release.Name}'"));
            string file = result.GetRequiredValue(output)!;
            string init = result.GetValue(run) is { } commands ? InitScript.Run(commands) : InitScript.Shell;
            try
            {
                byte[] busybox = File.ReadAllBytes(store.PathOf(image, image.Busybox));
                using FileStream stream = File.Create(file);
                InitramfsBuilder.Write(stream, busybox, init);
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                return surroundings.Fail(new Failure(FailureKind.File, $"'{file}' cannot be written ({fault.Message.TrimEnd('.')})", "name another file with --output"));
            }

            return ExitStatus.Done;
        });
        return command;
    }

    /// <summary>The images of the person who runs this.</summary>
    public static Outcome<ImageStore> Store(Surroundings surroundings) =>
        CacheFolder.Of(surroundings.Variable).Succeeded(out CacheFolder? cache, out Failure? failure) ? new ImageStore(cache) : failure;

    private static void Show(Surroundings surroundings, ImageStore store, Image image)
    {
        surroundings.Out.WriteLine($"{image.Name} (Debian {image.Release}, kernel {image.KernelRelease})");
        surroundings.Out.WriteLine($"kernel    {store.PathOf(image, image.Kernel)}");
        surroundings.Out.WriteLine($"busybox   {store.PathOf(image, image.Busybox)}");
        surroundings.Out.WriteLine($"archive   {image.Archive}");
        surroundings.Out.WriteLine($"signature {(image.SignatureChecked ? $"checked, by {image.Signature}" : $"not checked: {image.Signature}")}");
    }

    private static ImageListing Listing(ImageStore store, Image image) =>
        new(image.Name, image.KernelRelease, store.PathOf(image, image.Kernel), store.PathOf(image, image.Busybox), image.Archive, image.SignatureChecked, image.Pulled);
}
