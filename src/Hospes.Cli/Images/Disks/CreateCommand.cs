using System.CommandLine;
using Hospes.Cli.CommandLine;
using Hospes.Storage;
using Hospes.Storage.Qcow2;

namespace Hospes.Cli.Images.Disks;

/// <summary><c>hospes image create</c>: a new disk image.</summary>
internal static class CreateCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Surroundings surroundings)
    {
        Argument<string> file = DiskOptions.File("file", "Where the image goes; no file may be there.");
        var size = new Argument<string?>("size") { HelpName = "SIZE", Description = "The disk's size, such as 10G; a bare number is bytes. Absent: that of the backing file.", Arity = ArgumentArity.ZeroOrOne };
        Option<ImageFormat?> format = DiskOptions.Format("--format", "-f", "raw or qcow2; as the file's name ends when absent (.qcow2, .raw, .img).");
        Option<string?> backing = DiskOptions.Short("-b", OptionValue.Text("--backing", "FILE", "qcow2: the backing file; a relative path counts from the new image's folder."));
        Option<ImageFormat?> backingFormat = DiskOptions.Format("--backing-format", "-F", "The format of the backing file; needed with --backing.");
        Option<int> clusterSize = DiskOptions.ClusterSize(), version = DiskOptions.Version();
        Option<int> refcountBits = OptionValue.Whole("--refcount-bits", "BITS", "qcow2: the width of reference counts, 1 to 64; 16 when absent.", 1, 64, 16);
        Option<bool> lazy = OptionValue.Switch("--lazy-refcounts", "qcow2: write reference counts late, and count anew after a kill.");
        Option<CompressionType> compression = DiskOptions.Compression();
        Option<Preallocation> preallocation = DiskOptions.Preallocation();
        var command = new ManualCommand("create", "make a disk image", new ManualPage
        {
            Description = ["Makes a disk image whose content is zeros or, over a backing file, that of the backing file. A file that is there is never written over."],
            ExitStatuses = [("0", "Done."), ("2", "Bad arguments, or the image could not be made; no file is left."), ("130", "SIGINT came.")],
            Examples =
            [
                ("hospes image create disk.qcow2 20G", "A disk that takes space as it is written."),
                ("hospes image create -b base.qcow2 -F qcow2 mine.qcow2", "A disk that starts as base.qcow2 and leaves it alone."),
            ],
            SeeAlso = ["hospes image convert", "hospes image info", "hospes run"],
        })
        { file, size, format, backing, backingFormat, clusterSize, version, refcountBits, lazy, compression, preallocation };
        command.SetAction(async (result, _) =>
        {
            string path = result.GetRequiredValue(file);
            long? bytes = null;
            if (result.GetValue(size) is { } text)
            {
                if (!DiskOptions.TryParseSize(text, out long read)) return surroundings.Fail(new Failure(FailureKind.Arguments, $"SIZE '{text}' is no size", "give one like 512M, 10G or a number of bytes"));
                bytes = read;
            }

            if (DiskOptions.NewFormat(result.GetValue(format), path, out ImageFormat made).Failure is { } unknown) return surroundings.Fail(unknown);
            var creation = new ImageCreation
            {
                Format = made,
                Size = bytes,
                BackingFile = result.GetValue(backing),
                BackingFormat = result.GetValue(backingFormat),
                ClusterSize = result.GetValue(clusterSize),
                Version = result.GetValue(version),
                RefcountBits = result.GetValue(refcountBits),
                LazyRefcounts = result.GetValue(lazy),
                Compression = result.GetValue(compression),
                Preallocation = result.GetValue(preallocation),
            };
            StorageFailure? failure = await DiskProgress.ShowAsync(surroundings, path, progress => ImageCreator.TryCreate(path, creation, progress, out StorageFailure? found) ? null : found).ConfigureAwait(false);
            return failure is null ? ExitStatus.Done : surroundings.Fail(DiskOptions.Words(failure));
        });
        return command;
    }
}
