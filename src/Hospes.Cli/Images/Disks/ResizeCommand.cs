using System.CommandLine;
using Hospes.Cli.CommandLine;
using Hospes.Storage;

namespace Hospes.Cli.Images.Disks;

/// <summary><c>hospes image resize</c>: a disk of another size.</summary>
internal static class ResizeCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Surroundings surroundings)
    {
        Argument<string> file = DiskOptions.File("file", "The image."), size = DiskOptions.File("size", "The new size, such as 10G, or a change, such as +5G; a bare number is bytes.");
        Option<ImageFormat?> format = DiskOptions.Format("--format", "-f", "The image's format; guessed when absent.");
        Option<bool> shrink = OptionValue.Switch("--shrink", "Allow a smaller size. What lies behind it is lost.");
        var command = new ManualCommand("resize", "change the size of a disk", new ManualPage
        {
            Description = ["Changes the size of a disk that no guest uses. What is gained reads as zeros; the guest still has to grow its partitions and file systems, or to shrink them before."],
            ExitStatuses = [("0", "Done."), ("2", "Bad arguments, or the size could not be changed.")],
            Examples = [("hospes image resize disk.qcow2 +10G", "Ten gibibytes more."), ("hospes image resize disk.qcow2 --shrink -- -1G", "One gibibyte less.")],
            SeeAlso = ["hospes image info"],
        })
        { file, size, format, shrink };
        command.SetAction(result =>
        {
            string path = result.GetRequiredValue(file), text = result.GetRequiredValue(size);
            if (!DiskOptions.TryParseSize(text.AsSpan(text.StartsWith('+') || text.StartsWith('-') ? 1 : 0), out long bytes))
                return surroundings.Fail(new Failure(FailureKind.Arguments, $"SIZE '{text}' is no size", "give one like 10G, +512M or a number of bytes"));
            if (!DiskImage.TryOpen(path, new ImageOpening { Format = result.GetValue(format) }, out IBlockImage? image, out StorageFailure? failure)) return surroundings.Fail(DiskOptions.Words(failure));
            using (image)
            {
                if (text[0] == '+') bytes = bytes > long.MaxValue - image.Size ? long.MaxValue : image.Size + bytes;
                else if (text[0] == '-') bytes = image.Size - bytes;
                if (bytes < image.Size && !result.GetValue(shrink))
                    return surroundings.Fail(new Failure(FailureKind.Arguments, $"'{path}' has {image.Size} bytes, more than {Math.Max(bytes, 0)}", "give --shrink if what lies behind may be lost"));
                StorageError error = image.Resize(bytes);
                if (error == StorageError.None) error = image.Flush();
                return error == StorageError.None ? ExitStatus.Done : surroundings.Fail(DiskOptions.Words(new StorageFailure(error, path)));
            }
        });
        return command;
    }
}
