using System.CommandLine;
using System.Text.Json;
using Hospes.Cli.CommandLine;
using Hospes.Storage;
using Hospes.Storage.Qcow2;

namespace Hospes.Cli.Images.Disks;

/// <summary><c>hospes image check</c>: whether an image is consistent. Statuses are those of <c>qemu-img check</c>.</summary>
internal static class CheckCommand
{
    private const int NotDone = 1, Corrupt = 2, Leaks = 3, NothingToCheck = 63;

    /// <summary>Makes the command.</summary>
    public static Command Create(Surroundings surroundings)
    {
        Argument<string> file = DiskOptions.File("file", "The image.");
        Option<ImageFormat?> format = DiskOptions.Format("--format", "-f", "The image's format; guessed when absent.");
        Option<RepairMode> repair = DiskOptions.Short("-r", OptionValue.Create("--repair", "WHAT", "Repair: leaks (clusters that nothing uses; loses nothing) or all.", static (string text, out RepairMode value) =>
        {
            value = text == "all" ? RepairMode.All : RepairMode.Leaks;
            return text is "all" or "leaks" ? null : "is neither leaks nor all";
        }));
        Option<bool> json = OptionValue.Switch("--json", "Write the result as JSON, with the names that qemu-img uses.");
        var command = new ManualCommand("check", "say whether a disk image is consistent", new ManualPage
        {
            Description =
            [
                "Counts every reference to every cluster of a qcow2 image and compares with the counts it keeps. A leak is a cluster that counts as used and that nothing "
                    + "uses: a kill leaves some, and they cost space only. A corruption can destroy data when the image is written. Backing files are not looked at.",
            ],
            ExitStatuses =
            [
                ("0", "Consistent, or repaired."), ("1", "The check could not be made or did not come to its end."), ("2", "Corruptions are left; also bad arguments."),
                ("3", "Leaks are left, and no corruptions."), ("63", "The format has nothing to check."), ("130", "SIGINT came."),
            ],
            Examples = [("hospes image check -r leaks disk.qcow2", "Give lost space back.")],
            SeeAlso = ["hospes image info", "hospes image compare"],
        })
        { file, format, repair, json };
        command.SetAction(async (result, cancellation) =>
        {
            string path = result.GetRequiredValue(file);
            ImageFormat? given = result.GetValue(format);
            RepairMode mode = result.GetValue(repair);
            StorageFailure? failure = null;
            Qcow2CheckResult? found = await DiskProgress.ShowAsync(surroundings, "check", progress => ImageInspector.TryCheck(path, given, mode, progress, cancellation, out Qcow2CheckResult? all, out failure) ? all : null).ConfigureAwait(false);
            if (found is null)
            {
                int status = surroundings.Fail(DiskOptions.Words(failure!));
                return failure!.Error switch { StorageError.Cancelled => status, StorageError.Unsupported when given is ImageFormat.Raw || IsRaw(path) => NothingToCheck, _ => NotDone };
            }

            if (result.GetValue(json)) surroundings.Out.WriteLine(JsonSerializer.Serialize(DiskJsonShape.Of(path, found), DiskJson.Default.DiskCheck));
            else Show(surroundings.Out, found);
            return found.CheckErrors > 0 ? NotDone : found.Corruptions > 0 ? Corrupt : found.Leaks > 0 ? Leaks : ExitStatus.Done;
        });
        return command;
    }

    private static bool IsRaw(string path) => ImageInspector.TryRead(path, null, shared: true, out ImageInfo? info, out _) && info.Format == ImageFormat.Raw;

    private static void Show(TextWriter output, Qcow2CheckResult found)
    {
        foreach (string finding in found.Findings) output.WriteLine(finding);
        if (found.Findings.Count == Qcow2CheckResult.MaxFindings) output.WriteLine("and more");
        if (found.CorruptionsFixed + found.LeaksFixed > 0) output.WriteLine($"Repaired: {found.CorruptionsFixed} corruptions, {found.LeaksFixed} leaked clusters.");
        output.WriteLine(found switch
        {
            { CheckErrors: > 0 } => $"{found.CheckErrors} parts of the image could not be checked.",
            { Corruptions: > 0 } => $"The image is corrupt: {found.Corruptions} corruptions, {found.Leaks} leaked clusters.",
            { Leaks: > 0 } => $"The image is consistent; {found.Leaks} clusters are leaked.",
            _ => "The image is consistent.",
        });
        output.WriteLine($"{found.AllocatedClusters} of {found.TotalClusters} clusters allocated, {found.FragmentedClusters} fragmented, {found.CompressedClusters} compressed; in use up to byte {found.ImageEndOffset}");
    }
}
