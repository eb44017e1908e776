using System.Text;

namespace Hospes.Domains.Persistence;

/// <summary>
/// Definitions and states as files that people can read:
/// <c>domains/NAME.xml</c>, <c>domains/autostart/NAME.xml</c> (a symbolic link), <c>run/UUID.json</c>. Files are replaced by renaming, so that a reader finds the old or
/// the new, whole. Definitions are brought to disk first; states are not, since no machine outlives its host.
/// </summary>
public sealed class FileStore : IDomainStore
{
    private const string Suffix = ".xml";
    private const string Fresh = ".new";
    private const UnixFileMode OwnerOnly = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private readonly string _definitions;
    private readonly string _autostart;
    private readonly string _run;
    private readonly bool _durable;

    /// <summary>Opens a store, making its folders where they are not there.</summary>
    /// <param name="folder">The folder; other users get no access.</param>
    /// <param name="durable">Whether to wait for disks, as one should.</param>
    /// <exception cref="IOException">The folder cannot be used.</exception>
    public FileStore(string folder, bool durable = true)
    {
        _durable = durable;
        _definitions = Make(Path.Combine(folder, "domains"));
        _autostart = Make(Path.Combine(_definitions, "autostart"));
        _run = Make(Path.Combine(folder, "run"));
        foreach (string left in Directory.EnumerateFiles(_definitions, $"*{Fresh}").Concat(Directory.EnumerateFiles(_run, $"*{Fresh}"))) File.Delete(left);
    }

    /// <inheritdoc/>
    public bool Keeps => true;

    /// <inheritdoc/>
    public IReadOnlyList<StoredDefinition> LoadDefinitions()
    {
        var found = new List<StoredDefinition>();
        foreach (string path in Directory.EnumerateFiles(_definitions, $"*{Suffix}"))
        {
            string name = Path.GetFileNameWithoutExtension(path);
            found.Add(new StoredDefinition(name, File.ReadAllText(path), IsLink(Link(name))));
        }
        // A crash between removing a definition and removing its mark leaves the mark.
        foreach (FileInfo link in new DirectoryInfo(_autostart).EnumerateFiles())
        {
            if (!File.Exists(Path.Combine(_definitions, link.Name))) link.Delete();
        }
        return found;
    }

    /// <inheritdoc/>
    public void WriteDefinition(string name, string xml)
    {
        Replace(Definition(name), Encoding.UTF8.GetBytes(xml), _durable);
        FlushFolder(_definitions);
    }

    /// <inheritdoc/>
    public void RemoveDefinition(string name)
    {
        File.Delete(Definition(name));
        FlushFolder(_definitions);
        File.Delete(Link(name));
    }

    /// <inheritdoc/>
    public void RenameDefinition(string name, string newName)
    {
        if (!File.Exists(Definition(name))) return;
        // The mark first, so that there is no moment at which a marked domain has none.
        if (IsLink(Link(name)) && !IsLink(Link(newName))) MakeLink(newName);
        File.Move(Definition(name), Definition(newName), overwrite: true);
        FlushFolder(_definitions);
        File.Delete(Link(name));
    }

    /// <inheritdoc/>
    public void SetAutostart(string name, bool autostart)
    {
        if (!autostart) File.Delete(Link(name));
        else if (!IsLink(Link(name))) MakeLink(name);
        FlushFolder(_autostart);
    }

    /// <inheritdoc/>
    public IReadOnlyList<LiveState> LoadLive()
    {
        var found = new List<LiveState>();
        foreach (string path in Directory.EnumerateFiles(_run, "*.json"))
        {
            if (LiveState.Parse(File.ReadAllBytes(path)) is { } state && path == State(state.Uuid)) found.Add(state);
        }
        return found;
    }

    /// <inheritdoc/>
    public void WriteLive(LiveState state) => Replace(State(state.Uuid), state.ToBytes(), durable: false);

    /// <inheritdoc/>
    public void RemoveLive(Guid uuid) => File.Delete(State(uuid));

    private static string Make(string folder)
    {
        if (OperatingSystem.IsWindows()) throw new PlatformNotSupportedException();
        return Directory.CreateDirectory(folder, OwnerOnly | UnixFileMode.UserExecute).FullName;
    }

    private static bool IsLink(string path) => new FileInfo(path).LinkTarget is not null;

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

    private void FlushFolder(string folder)
    {
        if (_durable) FolderSync.Flush(folder);
    }

    private void MakeLink(string name) => File.CreateSymbolicLink(Link(name), Path.Combine("..", name + Suffix));

    private string Definition(string name) => Path.Combine(_definitions, name + Suffix);

    private string Link(string name) => Path.Combine(_autostart, name + Suffix);

    private string State(Guid uuid) => Path.Combine(_run, $"{uuid}.json");
}
