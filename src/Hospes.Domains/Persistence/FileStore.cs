namespace Hospes.Domains.Persistence;

/// <summary>
/// Definitions and states as files that people can read:
/// <c>domains/NAME.xml</c>, <c>domains/autostart/NAME.xml</c> (a symbolic link), <c>run/UUID.json</c>. Files are replaced by renaming, so that a reader finds the old or
/// the new, whole. Definitions are on disk when a call returns (<see cref="DefinitionJournal"/>); states are not, since no machine outlives its host.
/// </summary>
public sealed class FileStore : IDomainStore, IDisposable
{
    private readonly DefinitionFolder _definitions;
    private readonly StateFiles _states;

    /// <summary>Opens a store, making its folders where they are not there.</summary>
    /// <param name="folder">The folder; other users get no access.</param>
    /// <param name="durable">Whether to wait for disks, as one should.</param>
    /// <exception cref="IOException">The folder cannot be used.</exception>
    public FileStore(string folder, bool durable = true)
    {
        _definitions = new DefinitionFolder(Path.Combine(folder, "domains"), durable, journaled: true, DefinitionFolder.Autostart);
        _states = new StateFiles(Path.Combine(folder, "run"));
    }

    /// <inheritdoc/>
    public bool Keeps => true;

    /// <summary>Brings to disk what waits for it.</summary>
    public void Dispose() => _definitions.Dispose();

    /// <inheritdoc/>
    public IReadOnlyList<StoredDefinition> LoadDefinitions()
        => [.. _definitions.Load().Select(found => new StoredDefinition(found.Name, found.Xml, _definitions.IsMarked(DefinitionFolder.Autostart, found.Name)))];

    /// <inheritdoc/>
    public void WriteDefinition(string name, string xml) => _definitions.Write(name, xml);

    /// <inheritdoc/>
    public void RemoveDefinition(string name) => _definitions.Remove(name);

    /// <inheritdoc/>
    public void RenameDefinition(string name, string newName) => _definitions.Rename(name, newName);

    /// <inheritdoc/>
    public void SetAutostart(string name, bool autostart) => _definitions.Mark(DefinitionFolder.Autostart, name, autostart);

    /// <inheritdoc/>
    public IReadOnlyList<LiveState> LoadLive() => _states.Load();

    /// <inheritdoc/>
    public void WriteLive(LiveState state) => _states.Write(state.Uuid, state.ToBytes());

    /// <inheritdoc/>
    public void RemoveLive(Guid uuid) => _states.Remove(uuid);
}
