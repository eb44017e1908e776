using System.CommandLine;
using Hospes.Cli.CommandLine;
using Hospes.Storage;
using Hospes.Storage.Qcow2;

namespace Hospes.Cli.Images.Disks;

/// <summary><c>hospes image convert</c>: a copy of a disk in another image.</summary>
internal static class ConvertCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Surroundings surroundings)
    {
        Argument<string> source = DiskOptions.File("source", "The image to read, with its backing files."), target = DiskOptions.File("target", "Where the new image goes; no file may be there.");
        Option<ImageFormat?> sourceFormat = DiskOptions.Format("--source-format", "-f", "The source's format; guessed when absent.");
        Option<ImageFormat?> format = DiskOptions.Format("--format", "-O", "The new image's format; as its name ends when absent (.qcow2, .raw, .img).");
        Option<bool> compress = DiskOptions.Switch("--compress", "-c", "qcow2: compress the clusters.");
        Option<int> clusterSize = DiskOptions.ClusterSize(), version = DiskOptions.Version();
        Option<CompressionType> compression = DiskOptions.Compression();
        Option<bool> share = DiskOptions.Switch("--force-share", "-U", "Read although another process writes; the copy can be inconsistent.");
        var command = new ManualCommand("convert", "copy a disk into another image", new ManualPage
        {
            Description =
            [
                "Copies a disk, with what its backing files hold, into a new image. Zeros and holes take no space there. On a terminal a bar shows how far it is.",
                "A guessed qcow2 source that names a backing file is refused: a guest with a raw disk could have written that. Name the format, or end the file's name in .qcow2.",
            ],
            ExitStatuses = [("0", "Done, and durable."), ("2", "Bad arguments, or the copy failed; no file is left."), ("130", "SIGINT came; no file is left.")],
            Examples = [("hospes image convert -c disk.raw disk.qcow2", "A compressed copy."), ("hospes image convert -f qcow2 disk.qcow2 disk.raw", "A copy that anything can read.")],
            SeeAlso = ["hospes image compare", "hospes image create"],
        })
        { source, target, sourceFormat, format, compress, clusterSize, version, compression, share };
        command.SetAction(async (result, cancellation) =>
        {
            string path = result.GetRequiredValue(target);
            if (DiskOptions.NewFormat(result.GetValue(format), path, out ImageFormat made).Failure is { } unknown) return surroundings.Fail(unknown);
            var opening = new ImageOpening { Format = result.GetValue(sourceFormat), ReadOnly = true, Shared = result.GetValue(share) };
            if (!DiskImage.TryOpen(result.GetRequiredValue(source), opening, out IBlockImage? image, out StorageFailure? failure)) return surroundings.Fail(DiskOptions.Words(failure));
            using (image)
            {
                var creation = new ImageCreation { Format = made, ClusterSize = result.GetValue(clusterSize), Version = result.GetValue(version), Compression = result.GetValue(compression) };
                bool packed = result.GetValue(compress);
                failure = await DiskProgress.ShowAsync(surroundings, path, progress => ImageConverter.TryConvert(image, path, creation, packed, progress, cancellation, out StorageFailure? found) ? null : found).ConfigureAwait(false);
                return failure is null ? ExitStatus.Done : surroundings.Fail(DiskOptions.Words(failure));
            }
        });
        return command;
    }
}
