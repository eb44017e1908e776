using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Hospes.Cli.CommandLine;
using Hospes.Cli.Images.Cache;
using Hospes.Cli.Images.Disks;
using Hospes.Cli.Run;
using Hospes.Storage;
using Hospes.Storage.Boot;
using Hospes.Storage.Volumes;
using Spectre.Console;

namespace Hospes.Cli.Images.Root;

/// <summary>The commands of <c>hospes image</c> that keep disks in the cache.</summary>
internal static class RootCommands
{
    private static readonly IReadOnlyList<(string Status, string Meaning)> s_statuses = [("0", "Done."), ("2", "Bad arguments, or a file that could not be read or written.")];

    /// <summary>The second half of <c>hospes image pull --rootfs</c>.</summary>
    public static async Task<int> PullAsync(Surroundings surroundings, CacheFolder cache, PullRequest request, string? output, bool asJson, CancellationToken cancellation)
    {
        if (output is not null && File.Exists(output)) return surroundings.Fail(DiskOptions.Words(new StorageFailure(StorageError.Exists, output)));
        var store = new DiskStore(cache);
        if (!(await new RootPull(surroundings, store, cache).RunAsync(request, cancellation).ConfigureAwait(false)).Succeeded(out CachedDisk? disk, out Failure? failure)) return surroundings.Fail(failure);
        if (output is not null && Copy(store.PathOf(disk.Name), output) is { } refused) return surroundings.Fail(refused);
        if (asJson)
        {
            surroundings.Out.WriteLine(JsonSerializer.Serialize([store.Listing(disk)], DiskStoreJson.Default.DiskListingArray));
            return ExitStatus.Done;
        }

        surroundings.Out.WriteLine($"{disk.Name} (kernel {disk.Kernel})");
        surroundings.Out.WriteLine($"disk      {output ?? store.PathOf(disk.Name)}");
        return ExitStatus.Done;
    }

    /// <summary>Lists the disks.</summary>
    public static int List(Surroundings surroundings, DiskStore store, bool asJson)
    {
        IReadOnlyList<CachedDisk> disks = store.List();
        if (asJson)
        {
            surroundings.Out.WriteLine(JsonSerializer.Serialize([.. disks.Select(store.Listing)], DiskStoreJson.Default.DiskListingArray));
            return ExitStatus.Done;
        }

        var table = new Table().Border(TableBorder.None).AddColumns("DISK", "KERNEL", "SIZE", "MADE");
        foreach (CachedDisk disk in disks)
            table.AddRow(new Text(disk.Name), new Text(disk.Kernel), new Text(ByteSize.Format(disk.Size)), new Text(disk.Made.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)));
        if (disks.Count > 0) surroundings.Rich(onError: false).Write(table);
        else surroundings.Note("no disks here yet; make one with 'hospes image pull debian:12 --rootfs'");
        return ExitStatus.Done;
    }

    /// <summary><c>hospes image import</c>.</summary>
    public static Command Import(Surroundings surroundings)
    {
        Argument<string> file = DiskOptions.File("file", "The disk's image; with its backing files, if it has any.");
        var name = new Argument<string>("name") { HelpName = "NAME", Description = "What it is called here, such as debian:mine." };
        Option<ImageFormat?> format = DiskOptions.Format("--format", "-f", "The image's format; guessed when absent.");
        var command = new ManualCommand("import", "keep a disk in the cache", new ManualPage
        {
            Description = ["Copies a disk into the cache as an image of the format qcow2 without backing files. A disk that has the name already is replaced."],
            ExitStatuses = s_statuses,
            Examples = [("hospes image import ubuntu.img ubuntu:24.04", "Keep a cloud image that was downloaded elsewhere.")],
            SeeAlso = ["hospes image list", "hospes image rm"],
        })
        { file, name, format };
        command.SetAction(async (result, cancellation) =>
        {
            string path = result.GetRequiredValue(file), called = result.GetRequiredValue(name);
            if (!DiskStore.IsName(called)) return surroundings.Fail(new Failure(FailureKind.Arguments, $"'{called}' is no name for an image", "use letters, digits, '.', '_' and '-', with one ':' between them"));
            if (!CacheFolder.Of(surroundings.Variable).Succeeded(out CacheFolder? cache, out Failure? failure)) return surroundings.Fail(failure);
            if (!DiskBoot.Open(path, result.GetValue(format)?.Name()).Succeeded(out IBlockImage? disk, out failure)) return surroundings.Fail(failure);
            using IBlockImage closing = disk;
            if (!(await cache.LockAsync(() => surroundings.Note("waiting for another hospes that uses the cache"), cancellation).ConfigureAwait(false)).Succeeded(out FileStream? hold, out failure)) return surroundings.Fail(failure);
            await using (hold.ConfigureAwait(false))
            {
                failure = await ImportAsync(surroundings, new DiskStore(cache), disk, path, called, cancellation).ConfigureAwait(false);
            }

            return failure is null ? ExitStatus.Done : surroundings.Fail(failure);
        });
        return command;
    }

    /// <summary><c>hospes image rm</c>.</summary>
    public static Command Remove(Surroundings surroundings)
    {
        var name = new Argument<string>("name") { HelpName = "NAME", Description = "The disk, as 'hospes image list --disks' calls it." };
        var command = new ManualCommand("rm", "take a disk out of the cache", new ManualPage
        {
            Description = ["Takes a disk out of the cache. Copies that were made of it stay; images that have it as their backing file can no longer be read."],
            ExitStatuses = s_statuses,
            SeeAlso = ["hospes image list", "hospes image import"],
        })
        { name };
        command.SetAction(async (result, cancellation) =>
        {
            string called = result.GetRequiredValue(name);
            if (!CacheFolder.Of(surroundings.Variable).Succeeded(out CacheFolder? cache, out Failure? failure)) return surroundings.Fail(failure);
            if (!(await cache.LockAsync(() => surroundings.Note("waiting for another hospes that uses the cache"), cancellation).ConfigureAwait(false)).Succeeded(out FileStream? hold, out failure)) return surroundings.Fail(failure);
            await using (hold.ConfigureAwait(false))
            {
                var store = new DiskStore(cache);
                if (!DiskStore.IsName(called) || store.Find(called) is null) return surroundings.Fail(new Failure(FailureKind.File, $"there is no disk '{called}' in the cache", "see 'hospes image list --disks'"));
                try
                {
                    store.Remove(called);
                }
                catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
                {
                    return surroundings.Fail(new Failure(FailureKind.File, $"the disk '{called}' cannot be taken away ({fault.Message.TrimEnd('.')})", "check the permissions of the cache folder"));
                }
            }

            return ExitStatus.Done;
        });
        return command;
    }

    private static async Task<Failure?> ImportAsync(Surroundings surroundings, DiskStore store, IBlockImage disk, string path, string name, CancellationToken cancellation)
    {
        string? stage = null;
        try
        {
            stage = store.Stage();
            string target = Path.Combine(stage, CachedDisk.File);
            StorageFailure? refused = await DiskProgress.ShowAsync(
                surroundings, name, progress => ImageConverter.TryConvert(disk, target, new ImageCreation { Format = ImageFormat.Qcow2 }, compress: false, progress, cancellation, out StorageFailure? why) ? null : why).ConfigureAwait(false);
            if (refused is not null) return DiskOptions.Words(refused);
            BootMenu menu = BootFinder.Find(disk, ReadBudget.ForBoot());
            string kernel = menu.Entries.Count == 0 ? "" : Path.GetFileName(menu.Entries[menu.Default].Kernel.Path).Replace("vmlinuz-", "", StringComparison.Ordinal);
            store.Commit(stage, new CachedDisk(name, new FileInfo(target).Length, Path.GetFullPath(path), kernel, surroundings.Clock.GetUtcNow()));
            return null;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return new Failure(FailureKind.File, $"the disk cannot be kept ({fault.Message.TrimEnd('.')})", "make room in the cache folder, or set XDG_CACHE_HOME to another");
        }
        finally
        {
            if (stage is not null && Directory.Exists(stage)) Directory.Delete(stage, recursive: true);
        }
    }

    private static Failure? Copy(string from, string to)
    {
        try
        {
            File.Copy(from, to);
            return null;
        }
        catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
        {
            return new Failure(FailureKind.File, $"'{to}' cannot be written ({fault.Message.TrimEnd('.')})", "name another file with --output");
        }
    }
}
