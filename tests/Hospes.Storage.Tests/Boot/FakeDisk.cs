using System.Text;
using Hospes.Storage.Boot;
using Hospes.Storage.Partitions;
using Hospes.Storage.Volumes;

namespace Hospes.Storage.Tests.Boot;

/// <summary>A file system of texts.</summary>
internal sealed class FakeFiles(string uuid, string label) : IFileSystem
{
    private readonly Dictionary<string, string> _files = new(StringComparer.Ordinal);

    public string Kind => "ext4";

    public string Uuid => uuid;

    public string Label => label;

    public string this[string path]
    {
        set => _files[path] = value;
    }

    public VolumeError ReadFile(string path, long atMost, out byte[] content)
    {
        content = _files.TryGetValue(path, out string? text) ? Encoding.UTF8.GetBytes(text) : [];
        return text is null ? VolumeError.NotFound : content.Length > atMost ? VolumeError.TooLarge : VolumeError.None;
    }

    public VolumeError Find(string path, out FileEntry info)
    {
        bool file = _files.TryGetValue(path, out string? text), folder = !file && _files.Keys.Any(name => name.StartsWith(path.TrimEnd('/') + "/", StringComparison.Ordinal));
        info = new FileEntry(folder, file, text?.Length ?? 0);
        return file || folder ? VolumeError.None : VolumeError.NotFound;
    }

    public VolumeError List(string path, out IReadOnlyList<string> names)
    {
        string start = path.TrimEnd('/') + "/";
        names = [.. _files.Keys.Where(name => name.StartsWith(start, StringComparison.Ordinal)).Select(name => name[start.Length..].Split('/')[0]).Distinct()];
        return names.Count > 0 ? VolumeError.None : VolumeError.NotFound;
    }
}

/// <summary>A disk with two partitions of texts: the first is for what boots, the second holds the system.</summary>
internal sealed class FakeDisk
{
    public const string FirstUuid = "11111111-1111-1111-1111-111111111111", SecondUuid = "22222222-2222-2222-2222-222222222222";

    public FakeFiles First { get; } = new(FirstUuid, "BOOT");

    public FakeFiles Second { get; } = new(SecondUuid, "SYSTEM");

    public BootMenu Menu()
    {
        Partition[] partitions = [new(1, 1 << 20, 1 << 20, Partition.EfiSystem, "", ""), new(2, 2 << 20, 1 << 20, "", "", "")];
        var disk = new BootDisk(new PartitionTable(PartitionScheme.Gpt, partitions), [new BootVolume(partitions[0], First), new BootVolume(partitions[1], Second)], []);
        return BootFinder.Find(disk, new ReadBudget(1, 1));
    }

    /// <summary>The menu of a grub.cfg on the second partition.</summary>
    public BootMenu Grub(string script)
    {
        Second["/boot/grub/grub.cfg"] = script;
        return Menu();
    }
}
