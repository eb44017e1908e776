using System.Globalization;
using Hospes.Storage.Volumes;

namespace Hospes.Storage.Fat;

/// <summary>A FAT12, FAT16 or FAT32 file system, for reading: what EFI system partitions have. Names are compared without case.</summary>
public sealed class FatFileSystem : IFileSystem
{
    /// <summary>Bytes of a folder, at most (FAT specification: 65,536 entries).</summary>
    private const int MaxFolder = 65536 * FatGeometry.EntrySize;

    private readonly FatGeometry _geometry;

    private readonly Volume _volume;

    private FatFileSystem(FatGeometry geometry, Volume volume) => (_geometry, _volume) = (geometry, volume);

    /// <inheritdoc/>
    public string Kind => "vfat";

    /// <inheritdoc/>
    public string Uuid => string.Create(CultureInfo.InvariantCulture, $"{_geometry.Serial >> 16:X4}-{_geometry.Serial & 0xFFFF:X4}");

    /// <inheritdoc/>
    public string Label => _geometry.Label == "NO NAME" ? "" : _geometry.Label;

    /// <summary>Opens a volume.</summary>
    /// <param name="volume">The volume.</param>
    /// <param name="files">The file system.</param>
    /// <returns><see cref="VolumeError.WrongKind"/> for another file system; <see cref="VolumeError.Corrupt"/>, <see cref="VolumeError.ReadFailed"/>, <see cref="VolumeError.OverBudget"/>.</returns>
    public static VolumeError TryOpen(Volume volume, out FatFileSystem? files)
    {
        files = null;
        if (volume.Length < FatGeometry.BootSectorSize) return VolumeError.WrongKind;
        Span<byte> sector = stackalloc byte[FatGeometry.BootSectorSize];
        VolumeError error = volume.Read(0, sector);
        if (error != VolumeError.None) return error;
        error = FatGeometry.Read(sector, volume.Length, out FatGeometry? geometry);
        if (error == VolumeError.None) files = new FatFileSystem(geometry!, volume);
        return error;
    }

    /// <inheritdoc/>
    public VolumeError ReadFile(string path, long atMost, out byte[] content)
    {
        content = [];
        VolumeError error = Resolve(path, out FatEntry entry);
        if (error != VolumeError.None) return error;
        if (entry.IsDirectory) return VolumeError.NotAFile;
        if (entry.Length > Math.Min(atMost, Array.MaxLength)) return VolumeError.TooLarge;
        return entry.Length == 0 ? VolumeError.None : ReadChain(entry.Cluster, (int)entry.Length, out content);
    }

    /// <inheritdoc/>
    public VolumeError Find(string path, out FileEntry info)
    {
        VolumeError error = Resolve(path, out FatEntry entry);
        info = error == VolumeError.None ? new FileEntry(entry.IsDirectory, !entry.IsDirectory, entry.Length) : default;
        return error;
    }

    /// <inheritdoc/>
    public VolumeError List(string path, out IReadOnlyList<string> names)
    {
        names = [];
        VolumeError error = Resolve(path, out FatEntry entry);
        if (error == VolumeError.None && !entry.IsDirectory) error = VolumeError.NotADirectory;
        if (error != VolumeError.None) return error;
        error = Entries(entry, out List<FatEntry> entries);
        if (error == VolumeError.None) names = [.. entries.Select(static found => found.Name)];
        return error;
    }

    private VolumeError Resolve(string path, out FatEntry entry)
    {
        // A cluster of 0 stands for the root, also in the entries of a folder's own.
        entry = new FatEntry("", IsDirectory: true, 0, 0);
        var above = new Stack<FatEntry>();
        foreach (string name in path.Split('/', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!entry.IsDirectory) return VolumeError.NotADirectory;
            if (name == ".") continue;
            if (name == "..")
            {
                if (above.TryPop(out FatEntry parent)) entry = parent;
                continue;
            }

            VolumeError error = Entries(entry, out List<FatEntry> entries);
            if (error != VolumeError.None) return error;
            int at = entries.FindIndex(found => found.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
            if (at < 0) return VolumeError.NotFound;
            above.Push(entry);
            entry = entries[at];
        }

        return VolumeError.None;
    }

    private VolumeError Entries(FatEntry folder, out List<FatEntry> entries)
    {
        entries = [];
        byte[] content;
        VolumeError error;
        if (folder.Cluster == 0 && _geometry.Bits != 32)
        {
            content = new byte[_geometry.RootLength];
            error = _volume.Read(_geometry.RootOffset, content);
        }
        else
        {
            error = ReadChain(folder.Cluster == 0 ? _geometry.RootCluster : folder.Cluster, null, out content);
        }

        return error == VolumeError.None ? FatEntries.Read(content, _geometry.Bits == 32, _volume.Budget, out entries) : error;
    }

    /// <summary>Reads the clusters of a chain: as many as a length takes, or all of a folder's. The result's length ends a chain that bites itself.</summary>
    private VolumeError ReadChain(uint cluster, int? length, out byte[] content)
    {
        content = [];
        int wanted = length ?? MaxFolder;
        if (length is not null && !_volume.Budget.TryHold(wanted)) return VolumeError.OverBudget;
        byte[] bytes = new byte[length ?? _geometry.ClusterSize];
        int done = 0;
        while (done < wanted && _geometry.IsCluster(cluster))
        {
            int part = Math.Min(_geometry.ClusterSize, wanted - done);
            if (done + part > bytes.Length) Array.Resize(ref bytes, (int)Math.Min((long)bytes.Length * 2, wanted));
            part = Math.Min(part, bytes.Length - done);
            VolumeError error = _volume.Read(_geometry.OffsetOf(cluster), bytes.AsSpan(done, part));
            if (error != VolumeError.None) return error;
            done += part;
            error = Next(cluster, out cluster);
            if (error != VolumeError.None) return error;
        }

        if (length is not null && done < wanted) return VolumeError.Corrupt;
        content = done == bytes.Length ? bytes : bytes[..done];
        return VolumeError.None;
    }

    private VolumeError Next(uint cluster, out uint next)
    {
        Span<byte> field = stackalloc byte[4];
        int size = _geometry.Bits == 32 ? 4 : 2;
        long at = _geometry.Bits == 12 ? cluster + cluster / 2 : (long)cluster * size;
        VolumeError error = _volume.Read(_geometry.TableOffset + at, field[..size]);
        uint value = ((ReadOnlySpan<byte>)field).U16(0);
        next = _geometry.Bits switch
        {
            12 => (cluster & 1) != 0 ? value >> 4 : value & 0xFFF,
            16 => value,
            // The upper four bits are not part of the number.
            _ => ((ReadOnlySpan<byte>)field).U32(0) & 0x0FFF_FFFF,
        };
        return error;
    }
}
