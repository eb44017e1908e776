using System.Text;

namespace Hospes.Domains.Persistence;

/// <summary>
/// Definitions of one kind as files that people can read: <c>NAME.xml</c>, and for each mark a folder with symbolic links to those that bear it. Files are replaced by renaming, so
/// that a reader finds the old or the new, whole, and are on disk when a call returns. Calls throw <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>.
/// </summary>
internal sealed class DefinitionFolder
{
    /// <summary>The mark of what starts with the daemon.</summary>
    public const string Autostart = "autostart";

    /// <summary>The mark of what is active.</summary>
    public const string Active = "active";

    private const string Suffix = ".xml";
    private const string Fresh = ".new";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private readonly string _folder;
    private readonly bool _durable;
    private readonly string[] _marks;

    /// <summary>Opens a folder, making it where it is not there.</summary>
    /// <param name="folder">The folder; other users get no access.</param>
    /// <param name="durable">Whether to wait for disks, as one should.</param>
    /// <param name="marks">The marks that there are.</param>
    public DefinitionFolder(string folder, bool durable, params string[] marks)
    {
        _durable = durable;
        _marks = marks;
        IsNew = !Directory.Exists(folder);
        _folder = Make(folder);
        foreach (string mark in marks) Make(Path.Combine(_folder, mark));
        Sweep(_folder);
    }

    /// <summary>Whether the folder was not there before.</summary>
    public bool IsNew { get; }

    /// <summary>The names and documents of all definitions.</summary>
    public IReadOnlyList<(string Name, string Xml)> Load()
    {
        var found = new List<(string, string)>();
        foreach (string path in Directory.EnumerateFiles(_folder, $"*{Suffix}")) found.Add((Path.GetFileNameWithoutExtension(path), File.ReadAllText(path)));
        // A crash between removing a definition and removing its mark leaves the mark.
        foreach (FileInfo link in _marks.SelectMany(mark => new DirectoryInfo(Path.Combine(_folder, mark)).EnumerateFiles()))
        {
            if (!File.Exists(Path.Combine(_folder, link.Name))) link.Delete();
        }
        return found;
    }

    public void Write(string name, string xml)
    {
        Replace(Definition(name), Encoding.UTF8.GetBytes(xml), _durable);
        Flush(_folder);
    }

    public void Remove(string name)
    {
        File.Delete(Definition(name));
        Flush(_folder);
        foreach (string mark in _marks) File.Delete(Link(mark, name));
    }

    public void Rename(string name, string newName)
    {
        if (!File.Exists(Definition(name))) return;
        // The marks first, so that there is no moment at which a marked definition has none.
        foreach (string mark in _marks)
        {
            if (IsMarked(mark, name) && !IsMarked(mark, newName)) MakeLink(mark, newName);
        }
        File.Move(Definition(name), Definition(newName), overwrite: true);
        Flush(_folder);
        foreach (string mark in _marks) File.Delete(Link(mark, name));
    }

    public bool IsMarked(string mark, string name) => new FileInfo(Link(mark, name)).LinkTarget is not null;

    public void Mark(string mark, string name, bool marked)
    {
        if (!marked) File.Delete(Link(mark, name));
        else if (!IsMarked(mark, name)) MakeLink(mark, name);
        Flush(Path.Combine(_folder, mark));
    }

    /// <summary>Makes a folder of which other users see nothing.</summary>
    public static string Make(string folder)
    {
        if (OperatingSystem.IsWindows()) throw new PlatformNotSupportedException();
        return Directory.CreateDirectory(folder, OwnerOnly | UnixFileMode.UserExecute).FullName;
    }

    /// <summary>Removes what was being written when a daemon was killed.</summary>
    public static void Sweep(string folder)
    {
        foreach (string left in Directory.EnumerateFiles(folder, $"*{Fresh}")) File.Delete(left);
    }

    /// <summary>Puts a file in place of another, whole.</summary>
    public static void Replace(string path, byte[] content, bool durable)
    {
        string fresh = path + Fresh;
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write, BufferSize = 0 };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = OwnerOnly;
        using (var file = new FileStream(fresh, options))
        {
            file.Write(content);
            if (durable) file.Flush(flushToDisk: true);
        }
        File.Move(fresh, path, overwrite: true);
    }

    private void Flush(string folder)
    {
        if (_durable) FolderSync.Flush(folder);
    }

    private void MakeLink(string mark, string name) => File.CreateSymbolicLink(Link(mark, name), Path.Combine("..", name + Suffix));

    private string Definition(string name) => Path.Combine(_folder, name + Suffix);

    private string Link(string mark, string name) => Path.Combine(_folder, mark, name + Suffix);
}
