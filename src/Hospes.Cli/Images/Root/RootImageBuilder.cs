using System.Globalization;
using Hospes.Cli.CommandLine;
using Hospes.Cli.Images.Archive;
using Hospes.Cli.Images.Disks;
using Hospes.Storage;

namespace Hospes.Cli.Images.Root;

/// <summary>
/// Makes a disk of a root file system: one ext4 over the whole disk, without a partition table, so that it grows with the disk.
/// <c>mke2fs -d</c> copies the folder in, debugfs sets the owners, and the result is converted to qcow2: no step mounts anything.
/// </summary>
internal sealed class RootImageBuilder(Surroundings surroundings, IPullSteps steps)
{
    private const string Package = "e2fsprogs";

    /// <summary>The size of the disk: room for what people install, of which unused blocks take no space in the image.</summary>
    private const long DiskSize = 8L << 30;

    /// <summary>Puts into the folder what makes it a guest that Hospes starts.</summary>
    /// <param name="root">The folder with Debian's packages.</param>
    /// <param name="uuid">The UUID that the file system will have.</param>
    /// <returns>The kernels that are there, the newest last.</returns>
    public static IReadOnlyList<string> Customize(RootFolder root, Guid uuid)
    {
        Furnish(root, uuid);
        root.Remove(Directory.GetFiles(Path.Combine(root.Root, "etc/ssh"), "ssh_host_*").Select(static path => "etc/ssh/" + Path.GetFileName(path)));
        // The console belongs to whoever started the guest: root logs in there without a password, and over SSH only with a key.
        string shadow = Path.Combine(root.Root, "etc/shadow");
        File.WriteAllLines(shadow, File.ReadAllLines(shadow).Select(static line => line.StartsWith("root:", StringComparison.Ordinal) ? "root::" + line.Split(':', 3)[2] : line));
        string[] kernels = [.. Directory.GetFiles(Path.Combine(root.Root, "boot"), "vmlinuz-*").Select(static path => Path.GetFileName(path)["vmlinuz-".Length..]).Order(StringComparer.Ordinal)];
        foreach (string kernel in kernels) root.Put($"boot/loader/entries/debian-{kernel}.conf", Entry(kernel, uuid));
        return kernels;
    }

    /// <summary>Puts into the folder the files of <see cref="RootFiles"/>, which no package has.</summary>
    /// <param name="root">The folder, with Debian's packages or before they come.</param>
    /// <param name="uuid">The UUID that the file system will have.</param>
    public static void Furnish(RootFolder root, Guid uuid)
    {
        root.Put("etc/fstab", RootFiles.FileSystemTable(uuid));
        root.Put("etc/hostname", "debian\n");
        // Empty: each copy of the disk gets an identity of its own on its first start (machine-id(5)).
        root.Put("etc/machine-id", "");
        root.Put("etc/kernel/cmdline", RootFiles.CommandLine(uuid) + "\n");
        root.Put("etc/systemd/network/80-dhcp.network", RootFiles.Network);
        root.Put("etc/systemd/system/hospes-first-start.service", RootFiles.FirstStartUnit);
        root.Put("etc/systemd/system/hospes-user-data.service", RootFiles.UserDataUnit);
        root.Put("usr/lib/hospes/first-start", RootFiles.FirstStart, isProgram: true);
        root.Put("etc/kernel/postinst.d/zz-hospes", RootFiles.KernelHook, isProgram: true);
        root.Put("etc/kernel/postrm.d/zz-hospes", RootFiles.KernelHook, isProgram: true);
        root.Link("etc/systemd/system/multi-user.target.wants/hospes-first-start.service", "/etc/systemd/system/hospes-first-start.service");
        root.Link("etc/systemd/system/multi-user.target.wants/systemd-networkd.service", "/lib/systemd/system/systemd-networkd.service");
    }

    /// <summary>Makes the disk.</summary>
    /// <param name="root">The folder.</param>
    /// <param name="uuid">The file system's UUID.</param>
    /// <param name="raw">A file for the disk while it is made; no file may be there.</param>
    /// <param name="target">Where the image goes; no file may be there.</param>
    /// <param name="cancellation">Ends the work.</param>
    public async Task<Failure?> BuildAsync(RootFolder root, Guid uuid, string raw, string target, CancellationToken cancellation) =>
        await MakeFileSystemAsync(root, uuid, raw, cancellation).ConfigureAwait(false) ?? await ConvertAsync(raw, target, cancellation).ConfigureAwait(false);

    /// <summary>Makes the file system, which is the whole disk.</summary>
    /// <param name="root">The folder.</param>
    /// <param name="uuid">The file system's UUID.</param>
    /// <param name="raw">Where it goes; no file may be there.</param>
    /// <param name="cancellation">Ends the work.</param>
    public async Task<Failure?> MakeFileSystemAsync(RootFolder root, Guid uuid, string raw, CancellationToken cancellation)
    {
        steps.Begin("file system", root.Size);
        string size = string.Create(CultureInfo.InvariantCulture, $"{DiskSize >> 10}k");
        // What would be written later, in the guest's time, is written now: to a file of holes it costs nothing.
        Failure? failure = await HostTool.RunAsync(
            surroundings, "mke2fs", Package,
            ["-q", "-F", "-t", "ext4", "-L", "root", "-U", uuid.ToString(), "-E", "lazy_itable_init=0,lazy_journal_init=0,root_owner=0:0", "-d", root.Root, raw, size], null, cancellation).ConfigureAwait(false);
        return failure ?? await SetOwnersAsync(root, raw, cancellation).ConfigureAwait(false);
    }

    private async Task<Failure?> SetOwnersAsync(RootFolder root, string raw, CancellationToken cancellation)
    {
        string commands = root.OwnerCommands(Hospes.Cli.Native.UserId.OfProcess());
        if (commands.Length == 0) return null;
        string script = raw + ".owners";
        await File.WriteAllTextAsync(script, commands, cancellation).ConfigureAwait(false);
        // debugfs goes on after a command that fails, and says so on its standard error.
        string? complaint = null;
        Failure? failure = await HostTool.RunAsync(surroundings, "debugfs", Package, ["-w", "-f", script, raw], Take, cancellation).ConfigureAwait(false);
        return failure ?? (complaint is null ? null : new Failure(FailureKind.Host, $"debugfs could not set the owner of a file ({complaint})", "report this, with the file's name"));

        void Take(string line)
        {
            if (!line.StartsWith("debugfs", StringComparison.Ordinal)) complaint ??= line;
        }
    }

    /// <summary>Makes the image of a finished file system.</summary>
    /// <param name="raw">The file system.</param>
    /// <param name="target">Where the image goes; no file may be there.</param>
    /// <param name="cancellation">Ends the work.</param>
    public async Task<Failure?> ConvertAsync(string raw, string target, CancellationToken cancellation)
    {
        Action<long> done = steps.Begin("disk image", DiskSize);
        return await Task.Run(
            () =>
            {
                if (!DiskImage.TryOpen(raw, new ImageOpening { Format = ImageFormat.Raw, ReadOnly = true }, out IBlockImage? disk, out StorageFailure? refused)) return DiskOptions.Words(refused);
                using IBlockImage closing = disk;
                var progress = new Progress(part => done((long)(part * DiskSize)));
                return ImageConverter.TryConvert(disk, target, new ImageCreation { Format = ImageFormat.Qcow2 }, compress: false, progress, cancellation, out refused) ? null : DiskOptions.Words(refused);
            },
            cancellation).ConfigureAwait(false);
    }

    private static string Entry(string kernel, Guid uuid) =>
        $"title Debian GNU/Linux\nversion {kernel}\nsort-key debian\nlinux /boot/vmlinuz-{kernel}\ninitrd /boot/initrd.img-{kernel}\noptions {RootFiles.CommandLine(uuid)}\n";

    private sealed class Progress(Action<double> report) : IProgress<double>
    {
        public void Report(double value) => report(value);
    }
}
