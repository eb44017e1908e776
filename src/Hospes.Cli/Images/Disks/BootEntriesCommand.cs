using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using Hospes.Cli.CommandLine;
using Hospes.Cli.Run;
using Hospes.Storage;
using Hospes.Storage.Boot;
using Hospes.Storage.Volumes;

namespace Hospes.Cli.Images.Disks;

/// <summary><c>hospes image boot-entries</c>: what a disk offers to boot.</summary>
internal static class BootEntriesCommand
{
    /// <summary>Makes the command.</summary>
    public static Command Create(Surroundings surroundings)
    {
        Argument<string> file = DiskOptions.File("file", "The disk's image.");
        Option<ImageFormat?> format = DiskOptions.Format("--format", "-f", "The image's format; guessed when absent.");
        Option<bool> json = OptionValue.Switch("--json", "Write the entries as JSON, with kernel, initial RAM disks and command line.");
        var command = new ManualCommand("boot-entries", "list what a disk offers to boot", new ManualPage
        {
            Description =
            [
                "Lists the entries of the disk's boot menu, as 'hospes run --disk' finds them: those of GRUB (grub.cfg with its grubenv), of the Boot Loader Specification (type 1) or of "
                    + "Syslinux (extlinux.conf), on GPT, MBR or without a partition table, on ext2, ext3 and ext4. A journal that was not replayed counts as if it had been. Nothing is written.",
                "The entry with a star is the default. 'hospes run --boot-entry' takes a number, an id or a title.",
            ],
            ExitStatuses = [("0", "There is something to boot."), ("1", "There is not; standard error says why."), ("2", "Bad arguments, or the image could not be opened.")],
            Examples = [("hospes image boot-entries debian.qcow2", "See what the disk would start.")],
            SeeAlso = ["hospes run", "hospes image inspect"],
        })
        { file, format, json };
        command.SetAction(result =>
        {
            string path = result.GetRequiredValue(file);
            if (!DiskBoot.Open(path, result.GetValue(format)?.Name()).Succeeded(out IBlockImage? image, out Failure? failure)) return surroundings.Fail(failure);
            using IBlockImage closing = image;
            BootMenu menu = BootFinder.Find(image, ReadBudget.ForBoot());
            if (result.GetValue(json)) surroundings.Out.WriteLine(JsonSerializer.Serialize([.. menu.Entries.Select((entry, number) => Listing(menu, entry, number))], BootEntriesJson.Default.BootEntryListingArray));
            else if (menu.Entries.Count > 0) Show(surroundings.Out, menu);
            if (menu.Why is null) return ExitStatus.Done;
            surroundings.Note(new Failure(FailureKind.Format, $"'{path}' has nothing to boot", menu.Why).Line);
            return ExitStatus.No;
        });
        return command;
    }

    private static void Show(TextWriter output, BootMenu menu)
    {
        for (int i = 0; i < menu.Entries.Count; i++)
        {
            BootEntry entry = menu.Entries[i];
            output.WriteLine(Clean(string.Create(CultureInfo.InvariantCulture, $"{(i == menu.Default ? '*' : ' ')} {i,2}  {entry.Title}")));
            if (entry.Id != entry.Title) output.WriteLine(Clean($"      id            {entry.Id}"));
            output.WriteLine(Clean($"      kernel        {entry.Kernel}"));
            foreach (BootFile initrd in entry.Initrds) output.WriteLine(Clean($"      initrd        {initrd}"));
            output.WriteLine(Clean($"      command line  {entry.CommandLine}"));
        }
    }

    /// <summary>A disk's text is foreign: a control character must not reach the terminal.</summary>
    private static string Clean(string text) => new([.. text.Select(static letter => char.IsControl(letter) ? '?' : letter)]);

    private static BootEntryListing Listing(BootMenu menu, BootEntry entry, int number) => new(
        number, number == menu.Default, entry.Title, entry.Id, entry.Kind, Listing(entry.Kernel), [.. entry.Initrds.Select(Listing)], entry.CommandLine);

    private static BootFileListing Listing(BootFile file) => new(file.Volume.Partition?.Number, file.Path);
}

/// <summary>What <c>hospes image boot-entries --json</c> writes of each entry.</summary>
/// <param name="Number">Its number.</param>
/// <param name="IsDefault">Whether it boots by itself.</param>
/// <param name="Title">Its title.</param>
/// <param name="Id">Its id.</param>
/// <param name="Kind">By which convention it was found.</param>
/// <param name="Kernel">The kernel.</param>
/// <param name="Initrds">The initial RAM disks.</param>
/// <param name="CommandLine">The kernel's command line.</param>
internal sealed record BootEntryListing(int Number, bool IsDefault, string Title, string Id, BootLoaderKind Kind, BootFileListing Kernel, IReadOnlyList<BootFileListing> Initrds, string CommandLine);

/// <summary>A file of an entry.</summary>
/// <param name="Partition">The partition's number; null on a disk without partitions.</param>
/// <param name="Path">The path on it.</param>
internal sealed record BootFileListing(int? Partition, string Path);

/// <summary>The listings' serializer.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true)]
[JsonSerializable(typeof(BootEntryListing[]))]
internal sealed partial class BootEntriesJson : JsonSerializerContext;
