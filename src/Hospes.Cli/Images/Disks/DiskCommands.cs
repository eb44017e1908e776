using System.CommandLine;
using Hospes.Cli.CommandLine;

namespace Hospes.Cli.Images.Disks;

/// <summary>The commands of <c>hospes image</c> that work on disk images. Their short options, formats and statuses are those of <c>qemu-img</c>.</summary>
internal static class DiskCommands
{
    /// <summary>Adds them.</summary>
    public static void AddTo(Command image, Surroundings surroundings)
    {
        image.Add(CreateCommand.Create(surroundings));
        image.Add(ConvertCommand.Create(surroundings));
        image.Add(InfoCommand.Create(surroundings));
        image.Add(ResizeCommand.Create(surroundings));
        image.Add(CheckCommand.Create(surroundings));
        image.Add(CompareCommand.Create(surroundings));
        image.Add(BootEntriesCommand.Create(surroundings));
    }
}
