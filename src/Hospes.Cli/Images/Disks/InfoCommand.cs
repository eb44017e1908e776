using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Hospes.Cli.CommandLine;
using Hospes.Storage;
using Hospes.Storage.Qcow2;

namespace Hospes.Cli.Images.Disks;

/// <summary><c>hospes image info</c>: what an image says of itself.</summary>
internal static class InfoCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Surroundings surroundings)
    {
        Argument<string> file = DiskOptions.File("file", "The image.");
        Option<ImageFormat?> format = DiskOptions.Format("--format", "-f", "The image's format; guessed when absent.");
        Option<bool> share = DiskOptions.Switch("--force-share", "-U", "Read although another process writes.");
        Option<bool> json = OptionValue.Switch("--json", "Write it as JSON, with the names that qemu-img uses.");
        var command = new ManualCommand("info", "say what a disk image is", new ManualPage
        {
            Description = ["Says an image's format, sizes, backing file and snapshots. The backing file is named and not opened."],
            ExitStatuses = [("0", "Done."), ("2", "Bad arguments, or the image could not be read.")],
            Examples = [("hospes image info --json disk.qcow2 | jq '.\"virtual-size\"'", "The size of the disk in bytes.")],
            SeeAlso = ["hospes image check"],
        })
        { file, format, share, json };
        command.SetAction(result =>
        {
            if (!ImageInspector.TryRead(result.GetRequiredValue(file), result.GetValue(format), result.GetValue(share), out ImageInfo? info, out StorageFailure? failure)) return surroundings.Fail(DiskOptions.Words(failure));
            if (result.GetValue(json)) surroundings.Out.WriteLine(JsonSerializer.Serialize(DiskJsonShape.Of(info), DiskJson.Default.DiskInfo));
            else Show(surroundings.Out, info);
            return ExitStatus.Done;
        });
        return command;
    }

    private static void Show(TextWriter output, ImageInfo info)
    {
        Line("image", info.Path);
        Line("format", info.Format.Name() + (info.FormatKnown ? "" : " (guessed)"));
        Line("disk size", $"{ByteSize.Format(info.Size)} ({info.Size} bytes)");
        Line("space used", ByteSize.Format(info.SpaceUsed));
        if (info.Qcow2 is not { } qcow2) return;
        Line("version", qcow2.Version.ToString(CultureInfo.InvariantCulture));
        Line("cluster size", ByteSize.Format(qcow2.ClusterSize));
        Line("refcounts", $"{qcow2.RefcountBits} bits{(qcow2.LazyRefcounts ? ", lazy" : "")}");
        Line("compression", qcow2.Compression == CompressionType.Zstd ? "zstd" : "zlib");
        if (qcow2.BackingFile is { } backing) Line("backing file", $"{backing} ({qcow2.BackingFormat ?? "format not given"})");
        if (qcow2.Dirty) Line("state", "not closed; the next writer counts its clusters anew");
        if (qcow2.Corrupt) Line("state", "marked corrupt; it opens for reading only until it is repaired");
        foreach (SnapshotInfo snapshot in qcow2.Snapshots)
            Line("snapshot", $"{snapshot.Id} '{snapshot.Name}' of {snapshot.Taken.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture)}, disk {ByteSize.Format(snapshot.DiskSize)}, state {ByteSize.Format(snapshot.StateSize)}");

        // Names in an image are foreign text: a control character must not reach the terminal.
        void Line(string name, string value) => output.WriteLine($"{name,-13} {new string([.. value.Select(static letter => char.IsControl(letter) ? '?' : letter)])}");
    }
}
