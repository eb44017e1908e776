using System.Collections.Concurrent;

namespace Hospes.Domains.Persistence;

/// <summary>
/// States as files, one for each domain that has one, replaced by renaming. A file whose state is forgotten is kept for the next one: file systems look at all files that were removed
/// lately when they make a new one (ext4, <c>recently_deleted</c>), and a daemon that sets up a thousand domains would make and remove thousands. Thread-safe for different domains.
/// </summary>
internal sealed class StateFiles
{
    /// <summary>How many files wait for a state: as many as operations are likely to be under way.</summary>
    private const int MostSpare = 16;

    private const string Suffix = ".json";
    private const string Spare = ".spare";
    private readonly string _folder;
    private readonly ConcurrentBag<string> _spare = [];
    private int _made;

    /// <summary>Opens a folder, making it where it is not there.</summary>
    public StateFiles(string folder)
    {
        _folder = DefinitionFolder.Make(folder);
        foreach (string left in Directory.EnumerateFiles(_folder, $"*{Spare}")) File.Delete(left);
    }

    /// <summary>The states that there are.</summary>
    public IReadOnlyList<LiveState> Load()
    {
        var found = new List<LiveState>();
        foreach (string path in Directory.EnumerateFiles(_folder, $"*{Suffix}"))
        {
            if (LiveState.Parse(File.ReadAllBytes(path)) is { } state && path == PathOf(state.Uuid)) found.Add(state);
        }
        return found;
    }

    public void Write(Guid uuid, byte[] content)
    {
        if (!_spare.TryTake(out string? spare)) spare = Path.Combine(_folder, $"{Interlocked.Increment(ref _made)}{Spare}");
        var options = new FileStreamOptions { Mode = FileMode.OpenOrCreate, Access = FileAccess.Write, BufferSize = 0 };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = DefinitionFolder.OwnerOnly;
        using (var file = new FileStream(spare, options))
        {
            file.Write(content);
            file.SetLength(content.Length);
        }
        File.Move(spare, PathOf(uuid), overwrite: true);
    }

    public void Remove(Guid uuid)
    {
        string path = PathOf(uuid);
        if (_spare.Count >= MostSpare)
        {
            File.Delete(path);
        }
        else if (File.Exists(path))
        {
            string spare = Path.Combine(_folder, $"{Interlocked.Increment(ref _made)}{Spare}");
            File.Move(path, spare, overwrite: true);
            _spare.Add(spare);
        }
    }

    private string PathOf(Guid uuid) => Path.Combine(_folder, uuid + Suffix);
}
