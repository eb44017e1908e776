using System.CommandLine;
using Hospes.Cli.CommandLine;
using Hospes.Storage;

namespace Hospes.Cli.Images.Disks;

/// <summary><c>hospes image compare</c>: whether two disks hold the same.</summary>
internal static class CompareCommand
{
    /// <summary>Bytes could not be read; the other statuses are those of every command.</summary>
    private const int Unreadable = 4;

    /// <summary>Makes the command.</summary>
    public static Command Create(Surroundings surroundings)
    {
        Argument<string> first = DiskOptions.File("first", "An image."), second = DiskOptions.File("second", "Another.");
        Option<ImageFormat?> firstFormat = DiskOptions.Format("--first-format", "-f", "The first image's format; guessed when absent.");
        Option<ImageFormat?> secondFormat = DiskOptions.Format("--second-format", "-F", "The second image's format; guessed when absent.");
        Option<bool> strict = DiskOptions.Switch("--strict", "-s", "Disks of different sizes are different, even when the rest is zeros.");
        Option<bool> share = DiskOptions.Switch("--force-share", "-U", "Read although another process writes.");
        var command = new ManualCommand("compare", "say whether two disks hold the same", new ManualPage
        {
            Description = ["Compares what guests would read from two disks; their formats and how their space is laid out do not matter."],
            ExitStatuses = [("0", "They hold the same."), ("1", "They differ; the first byte that does is named."), ("2", "Bad arguments, or an image could not be opened."), ("4", "An image could not be read."), ("130", "SIGINT came.")],
            Examples = [("hospes image compare disk.raw disk.qcow2", "After a conversion.")],
            SeeAlso = ["hospes image convert", "hospes image check"],
        })
        { first, second, firstFormat, secondFormat, strict, share };
        command.SetAction(async (result, cancellation) =>
        {
            var opening = new ImageOpening { ReadOnly = true, Shared = result.GetValue(share) };
            if (!DiskImage.TryOpen(result.GetRequiredValue(first), opening with { Format = result.GetValue(firstFormat) }, out IBlockImage? one, out StorageFailure? failure)) return surroundings.Fail(DiskOptions.Words(failure));
            using (one)
            {
                if (!DiskImage.TryOpen(result.GetRequiredValue(second), opening with { Format = result.GetValue(secondFormat) }, out IBlockImage? other, out failure)) return surroundings.Fail(DiskOptions.Words(failure));
                using (other)
                {
                    bool exactly = result.GetValue(strict);
                    ImageComparison comparison = default;
                    StorageError error = await DiskProgress.ShowAsync(surroundings, "compare", progress => ImageComparer.Compare(one, other, exactly, progress, cancellation, out comparison)).ConfigureAwait(false);
                    if (error == StorageError.None) return Say(surroundings, comparison);
                    int status = surroundings.Fail(DiskOptions.Words(new StorageFailure(error)));
                    return error == StorageError.Cancelled ? status : Unreadable;
                }
            }
        });
        return command;
    }

    private static int Say(Surroundings surroundings, ImageComparison comparison)
    {
        if (comparison.SizesDiffer) surroundings.Note("the disks have different sizes");
        if (comparison.FirstDifference is { } at) surroundings.Out.WriteLine($"The disks differ from byte {at} on.");
        else surroundings.Out.WriteLine(comparison.Same ? "The disks hold the same." : "The disks have different sizes.");
        return comparison.Same ? ExitStatus.Done : ExitStatus.No;
    }
}
