using System.Text;
using Microsoft.Win32.SafeHandles;

namespace Hospes.Domains.Persistence;

/// <summary>
/// Definitions of one kind as files that people can read: <c>NAME.xml</c>, and for each mark a folder with symbolic links to those that bear it. Files are replaced by renaming, so
/// that a reader finds the old or the new, whole, and are on disk when a call returns. Calls throw <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/>.
/// </summary>
internal sealed class DefinitionFolder : IDisposable
{
    /// <summary>The mark of what starts with the daemon.</summary>
    public const string Autostart = "autostart";

    /// <summary>The mark of what is active.</summary>
    public const string Active = "active";

    private const string Suffix = ".xml";
    private const string Fresh = ".new";
    internal const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private readonly string _folder;
    private readonly bool _durable;
    private readonly string[] _marks;
    private readonly DefinitionJournal? _journal;

    /// <summary>Opens a folder, making it where it is not there.</summary>
    /// <param name="folder">The folder; other users get no access.</param>
    /// <param name="durable">Whether to wait for disks, as one should.</param>
    /// <param name="journaled">Whether there are so many definitions that a journal pays (<see cref="DefinitionJournal"/>); the folder has to be disposed of then.</param>
    /// <param name="marks">The marks that there are.</param>
    public DefinitionFolder(string folder, bool durable, bool journaled, params string[] marks)
    {
        _durable = durable;
        _marks = marks;
        IsNew = !Directory.Exists(folder);
        _folder = Make(folder);
        foreach (string mark in marks) Make(Path.Combine(_folder, mark));
        Sweep(_folder);
        if (durable && journaled) _journal = new DefinitionJournal(_folder, DefinitionJournal.Size, DefinitionJournal.ThisBoot(), Redo, Settle);
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

    public void Write(string name, string xml) => Do(JournalAction.Write, name, xml, () => Replace(Definition(name), Encoding.UTF8.GetBytes(xml), _durable && _journal is null));

    public void Remove(string name) => Do(JournalAction.Remove, name, "", () =>
    {
        File.Delete(Definition(name));
        foreach (string mark in _marks) File.Delete(Link(mark, name));
    });

    public void Rename(string name, string newName)
    {
        if (File.Exists(Definition(name))) Do(JournalAction.Rename, name, newName, () => Move(name, newName));
    }

    /// <inheritdoc/>
    public void Dispose() => _journal?.Dispose();

    private void Move(string name, string newName)
    {
        // The marks first, so that there is no moment at which a marked definition has none.
        foreach (string mark in _marks)
        {
            if (IsMarked(mark, name) && !IsMarked(mark, newName)) MakeLink(mark, newName);
        }
        File.Move(Definition(name), Definition(newName), overwrite: true);
        foreach (string mark in _marks) File.Delete(Link(mark, name));
    }

    public bool IsMarked(string mark, string name) => new FileInfo(Link(mark, name)).LinkTarget is not null;

    public void Mark(string mark, string name, bool marked)
    {
        if (!marked) File.Delete(Link(mark, name));
        else if (!IsMarked(mark, name)) MakeLink(mark, name);
        if (_durable) FolderSync.Flush(Path.Combine(_folder, mark));
    }

    /// <summary>Makes a folder of which other users see nothing.</summary>
    public static string Make(string folder)
    {
        if (OperatingSystem.IsWindows()) throw new PlatformNotSupportedException();
        return Directory.CreateDirectory(folder, OwnerOnly | UnixFileMode.UserExecute).FullName;
    }

    /// <summary>Removes what was being written when a daemon was killed.</summary>
    private static void Sweep(string folder)
    {
        foreach (string left in Directory.EnumerateFiles(folder, $"*{Fresh}")) File.Delete(left);
    }

    /// <summary>Puts a file in place of another, whole.</summary>
    private static void Replace(string path, byte[] content, bool durable)
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

    private void Do(JournalAction action, string name, string content, Action change)
    {
        if (_journal is not null)
        {
            _journal.Do(action, name, content, change);
            return;
        }
        change();
        if (_durable) FolderSync.Flush(_folder);
    }

    private void Redo(JournalRecord record)
    {
        switch (record.Action)
        {
            case JournalAction.Write:
                Replace(Definition(record.Name), Encoding.UTF8.GetBytes(record.Content), durable: false);
                break;
            case JournalAction.Remove:
                File.Delete(Definition(record.Name));
                break;
            case JournalAction.Rename when File.Exists(Definition(record.Name)):
                Move(record.Name, record.Content);
                break;
        }
    }

    private void Settle(IReadOnlyCollection<string> names)
    {
        if (names.Count == 0) return;
        foreach (string name in names)
        {
            try
            {
                using SafeFileHandle file = File.OpenHandle(Definition(name), FileMode.Open, FileAccess.ReadWrite);
                RandomAccess.FlushToDisk(file);
            }
            catch (FileNotFoundException)
            {
                // Removed or renamed since.
            }
        }
        FolderSync.Flush(_folder);
    }

    private void MakeLink(string mark, string name) => File.CreateSymbolicLink(Link(mark, name), Path.Combine("..", name + Suffix));

    private string Definition(string name) => Path.Combine(_folder, name + Suffix);

    private string Link(string mark, string name) => Path.Combine(_folder, mark, name + Suffix);
}
