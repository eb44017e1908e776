using System.Formats.Tar;
using System.Globalization;
using System.Text;

namespace Hospes.Cli.Images.Root;

/// <summary>
/// A root file system in a folder of this user's. What such a user cannot give a file — other owners, device nodes — is kept beside, as
/// commands for debugfs(8), which writes it into the image: so nobody needs to be root.
/// </summary>
internal sealed class RootFolder
{
    private const UnixFileMode FolderMode = (UnixFileMode)0x1ED, TextMode = (UnixFileMode)0x1A4, ProgramMode = (UnixFileMode)0x1ED;

    private readonly Dictionary<string, (int Owner, int Group)> _owners = new(StringComparer.Ordinal);

    private readonly List<(string Path, UnixFileMode Mode)> _folders = [];

    /// <summary>Takes a folder.</summary>
    /// <param name="root">An empty folder.</param>
    public RootFolder(string root) => Root = root;

    /// <summary>The folder.</summary>
    public string Root { get; }

    /// <summary>The bytes of its files.</summary>
    public long Size { get; private set; }

    /// <summary>How many files, folders and links it has.</summary>
    public int Count => _owners.Count;

    /// <summary>Folders of the root that are links into <c>/usr</c>.</summary>
    private readonly HashSet<string> _merged = [];

    /// <summary>Makes the folders that are links into <c>/usr</c> (Debian Policy 10.1; file-hierarchy(7)): archives that are unpacked later may name files by either path.</summary>
    public void MergeUsr()
    {
        foreach (string name in (string[])["bin", "sbin", "lib", "lib64"])
        {
            MakeFolder($"usr/{name}");
            Link(name, $"usr/{name}");
            _merged.Add(name);
        }
    }

    /// <summary>Makes a folder of root's, with those above it.</summary>
    public void MakeFolder(string path) => MakeFolders(path + "/");

    /// <summary>Unpacks an archive.</summary>
    /// <param name="archive">The archive, whose maker is trusted to have made a root file system; it stays inside the folder all the same.</param>
    /// <param name="done">Told how many bytes of the archive are read, if that can be told; null for nobody.</param>
    public void Unpack(Stream archive, Action<long>? done = null)
    {
        using var tar = new TarReader(archive, leaveOpen: true);
        while (tar.GetNextEntry() is { } entry)
        {
            if (Place(entry.Name) is not { } place) continue;
            Write(entry, place);
            done?.Invoke(archive.Position);
        }

        // A folder's own mode may forbid what comes into it, so it comes last.
        foreach ((string path, UnixFileMode mode) in _folders) SetMode(path, mode | UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>Writes a file of root's. Its folders are made.</summary>
    /// <param name="path">The path from the root, without a slash before it.</param>
    /// <param name="text">The text.</param>
    /// <param name="isProgram">Whether it can be run.</param>
    public void Put(string path, string text, bool isProgram = false)
    {
        MakeFolders(path);
        string place = Path.Combine(Root, path);
        File.Delete(place);
        File.WriteAllText(place, text);
        SetMode(place, isProgram ? ProgramMode : TextMode);
        _owners[path] = (0, 0);
    }

    /// <summary>Makes a symbolic link of root's.</summary>
    public void Link(string path, string target)
    {
        MakeFolders(path);
        string place = Path.Combine(Root, path);
        File.Delete(place);
        File.CreateSymbolicLink(place, target);
        _owners[path] = (0, 0);
    }

    /// <summary>Takes files away.</summary>
    public void Remove(IEnumerable<string> paths)
    {
        foreach (string path in paths)
        {
            File.Delete(Path.Combine(Root, path));
            _owners.Remove(path);
        }
    }

    /// <summary>Commands for debugfs that give every file its owner in the image.</summary>
    /// <param name="made">Who all files belong to there so far.</param>
    public string OwnerCommands((int Owner, int Group) made)
    {
        var commands = new StringBuilder();
        foreach ((string path, (int owner, int group)) in _owners)
        {
            if (owner != made.Owner) commands.Append(CultureInfo.InvariantCulture, $"sif \"/{path}\" uid {owner}\n");
            if (group != made.Group) commands.Append(CultureInfo.InvariantCulture, $"sif \"/{path}\" gid {group}\n");
        }

        return commands.ToString();
    }

    private void MakeFolders(string path)
    {
        for (int at = path.IndexOf('/'); at > 0; at = path.IndexOf('/', at + 1))
        {
            string folder = path[..at];
            if (Directory.Exists(Path.Combine(Root, folder))) continue;
            Directory.CreateDirectory(Path.Combine(Root, folder));
            SetMode(Path.Combine(Root, folder), FolderMode);
            _owners[folder] = (0, 0);
        }
    }

    /// <summary>The path of an entry without dots and slashes at its ends; null for the root itself and for what would lead out.</summary>
    private string? Place(string name)
    {
        string[] parts = name.Split('/', StringSplitOptions.RemoveEmptyEntries);
        string place = string.Join('/', parts.Where(static part => part != "."));
        if (_merged.Contains(place.Split('/')[0])) place = "usr/" + place;
        return place.Length == 0 || parts.Contains("..") || place.Contains('"') || place.Contains('\n') ? null : place;
    }

    private void Write(TarEntry entry, string path)
    {
        string place = Path.Combine(Root, path);
        if (LeadsThroughLink(path)) return;
        Directory.CreateDirectory(Path.GetDirectoryName(place)!);
        bool isFolder = entry.EntryType == TarEntryType.Directory, isLink = IsLink(place);
        // What is there already gives way and is not followed; but a folder stays one, and so does a link in the place of a folder.
        if (isFolder ? isLink : !isLink && Directory.Exists(place)) return;
        if (!isFolder) File.Delete(place);
        switch (entry.EntryType)
        {
            case TarEntryType.Directory:
                Directory.CreateDirectory(place);
                _folders.Add((place, entry.Mode));
                break;
            case TarEntryType.RegularFile or TarEntryType.V7RegularFile or TarEntryType.ContiguousFile:
                using (FileStream output = File.Create(place)) entry.DataStream?.CopyTo(output);
                SetMode(place, entry.Mode | UnixFileMode.UserRead);
                Size += entry.Length;
                break;
            case TarEntryType.SymbolicLink:
                File.CreateSymbolicLink(place, entry.LinkName);
                break;
            case TarEntryType.HardLink when Place(entry.LinkName) is { } other && !LeadsThroughLink(other + "/") && File.Exists(Path.Combine(Root, other)):
                // The copy costs its space once more; Debian's packages have few such links.
                File.Copy(Path.Combine(Root, other), place);
                break;
            default:
                // Device nodes: /dev is the kernel's own (devtmpfs).
                return;
        }

        _owners[path] = (entry.Uid, entry.Gid);
    }

    private static void SetMode(string path, UnixFileMode mode)
    {
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(path, mode);
    }

    private static bool IsLink(string path) => new FileInfo(path).LinkTarget is not null;

    private bool LeadsThroughLink(string path)
    {
        for (int at = path.IndexOf('/'); at > 0; at = path.IndexOf('/', at + 1))
        {
            if (IsLink(Path.Combine(Root, path[..at]))) return true;
        }

        return false;
    }
}
