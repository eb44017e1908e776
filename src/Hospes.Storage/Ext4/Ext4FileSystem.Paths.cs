using System.Text;
using System.Text.Unicode;
using Hospes.Storage.Volumes;

namespace Hospes.Storage.Ext4;

/// <content>The way from a path to an inode, and the walks through folders.</content>
public sealed partial class Ext4FileSystem
{
    /// <summary>Symbolic links in a path, at most (path_resolution(7)).</summary>
    private const int MaxLinks = 40;

    /// <summary>The longest path and the longest target of a link, in bytes (PATH_MAX).</summary>
    private const int LongestPath = 4096, LongestLink = 4096;

    /// <inheritdoc/>
    public VolumeError ReadFile(string path, long atMost, out byte[] content)
    {
        content = [];
        VolumeError error = Resolve(path, out Inode? inode);
        if (error != VolumeError.None) return error;
        return inode!.IsRegular ? ReadContent(inode, atMost, out content) : VolumeError.NotAFile;
    }

    /// <inheritdoc/>
    public VolumeError Find(string path, out FileEntry info)
    {
        info = default;
        VolumeError error = Resolve(path, out Inode? inode);
        if (error == VolumeError.None) info = new FileEntry(inode!.IsDirectory, inode.IsRegular, inode.Length);
        return error;
    }

    /// <inheritdoc/>
    public VolumeError List(string path, out IReadOnlyList<string> names)
    {
        names = [];
        VolumeError error = Resolve(path, out Inode? inode);
        if (error != VolumeError.None) return error;
        if (!inode!.IsDirectory) return VolumeError.NotADirectory;
        var collector = new Collector([], _blocks.Budget);
        error = Walk(inode, ref collector);
        if (error == VolumeError.None && collector.IsOverBudget) error = VolumeError.OverBudget;
        if (error == VolumeError.None) names = collector.Names;
        return error;
    }

    /// <summary>Follows a path. The parents are remembered, not read: a folder's own word for what is above it may send one in circles.</summary>
    private VolumeError Resolve(string path, out Inode? inode)
    {
        var above = new List<Inode>();
        var ahead = new Stack<string>();
        VolumeError error = ReadInode(Ext4Format.RootInode, out inode);
        if (error != VolumeError.None || !TryPush(path, ahead)) return error != VolumeError.None ? error : VolumeError.NotFound;
        Inode root = inode!;
        int links = 0;
        while (ahead.TryPop(out string? name))
        {
            if (!inode!.IsDirectory) return VolumeError.NotADirectory;
            if (name == "..")
            {
                inode = above.Count > 0 ? above[^1] : root;
                if (above.Count > 0) above.RemoveAt(above.Count - 1);
                continue;
            }

            error = Child(inode, name, out Inode? child);
            if (error != VolumeError.None) return error;
            if (!child!.IsLink)
            {
                above.Add(inode);
                inode = child;
                continue;
            }

            if (++links > MaxLinks) return VolumeError.TooManyLinks;
            error = ReadLink(child, out string target);
            if (error != VolumeError.None) return error;
            if (!TryPush(target, ahead)) return VolumeError.NotFound;
            if (target[0] != '/') continue;
            above.Clear();
            inode = root;
        }

        return VolumeError.None;
    }

    /// <summary>Puts the parts of a path before those that wait; false when that makes too long a path.</summary>
    private static bool TryPush(string path, Stack<string> ahead)
    {
        if (path.Length > LongestPath) return false;
        string[] parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries);
        for (int i = parts.Length - 1; i >= 0; i--)
        {
            if (parts[i] != ".") ahead.Push(parts[i]);
        }

        return ahead.Count <= LongestPath;
    }

    private VolumeError Child(Inode folder, string name, out Inode? child)
    {
        child = null;
        var seeker = new Seeker(Encoding.UTF8.GetBytes(name));
        VolumeError error = Walk(folder, ref seeker);
        if (error != VolumeError.None) return error;
        return seeker.Found == 0 ? VolumeError.NotFound : ReadInode(seeker.Found, out child);
    }

    private VolumeError Walk<TVisitor>(Inode folder, ref TVisitor visitor)
        where TVisitor : struct, IEntryVisitor
    {
        bool wide = !_superblock.Has(Ext4Format.FileType);
        if (folder.Has(Ext4Format.EncryptedInode)) return VolumeError.Unsupported;
        if (folder.Has(Ext4Format.InlineDataInode))
        {
            VolumeError inline = InlineData.Read(folder, out byte[] content);
            return inline != VolumeError.None ? inline : DirectoryBlock.WalkInline(content, folder.Number, wide, ref visitor, out _);
        }

        ulong count = (ulong)folder.Length >> _blocks.BlockBits;
        for (ulong logical = 0; logical < count; logical++)
        {
            VolumeError error = _map.Find(folder, logical, out BlockRun run);
            if (error != VolumeError.None) return error;
            if (run.Physical == 0)
            {
                if (!_blocks.Budget.TrySpend(_blocks.BlockSize)) return VolumeError.OverBudget;
                continue;
            }

            error = _blocks.Read(run.Physical, out ReadOnlySpan<byte> block);
            if (error != VolumeError.None) return error;
            if (_superblock.HasMetadataChecksums && !DirectoryBlock.IsWhole(folder, logical, block)) return VolumeError.Corrupt;
            error = DirectoryBlock.Walk(block, wide, ref visitor, out bool ended);
            if (error != VolumeError.None || ended) return error;
        }

        return VolumeError.None;
    }

    private struct Seeker(byte[] name) : IEntryVisitor
    {
        public uint Found { get; private set; }

        public bool Visit(ReadOnlySpan<byte> entry, uint inode)
        {
            if (!entry.SequenceEqual(name)) return true;
            Found = inode;
            return false;
        }
    }

    private struct Collector(List<string> names, ReadBudget budget) : IEntryVisitor
    {
        /// <summary>What a name takes beside its letters.</summary>
        private const int NameOverhead = 48;

        public readonly List<string> Names => names;

        public bool IsOverBudget { get; private set; }

        public bool Visit(ReadOnlySpan<byte> name, uint inode)
        {
            if (name.SequenceEqual("."u8) || name.SequenceEqual(".."u8)) return true;
            if (!budget.TryHold(NameOverhead + 2 * name.Length))
            {
                IsOverBudget = true;
                return false;
            }

            // A name that is no UTF-8 cannot be asked for by a path in text, so it is of no use here.
            if (Utf8.IsValid(name)) names.Add(Encoding.UTF8.GetString(name));
            return true;
        }
    }
}
