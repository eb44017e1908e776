namespace Hospes.Domains.Persistence;

/// <summary>A definition as it was stored.</summary>
/// <param name="Name">The name that its file has, which is the domain's.</param>
/// <param name="Xml">The document.</param>
/// <param name="Autostart">Whether the domain starts with the daemon.</param>
public sealed record StoredDefinition(string Name, string Xml, bool Autostart);

/// <summary>Where definitions and the state of running domains are kept. Each call is atomic: after a crash it happened or it did not. Calls for one domain come one at a time.</summary>
/// <remarks>Calls throw <see cref="IOException"/> or <see cref="UnauthorizedAccessException"/> where the host refuses.</remarks>
public interface IDomainStore
{
    /// <summary>Whether anything is kept at all: where not, nobody need say what.</summary>
    bool Keeps { get; }

    /// <summary>All definitions.</summary>
    IReadOnlyList<StoredDefinition> LoadDefinitions();

    /// <summary>Writes a definition in place of what there was under that name; it is on disk when this returns.</summary>
    void WriteDefinition(string name, string xml);

    /// <summary>Removes a definition with its mark for autostart. No harm if there is none.</summary>
    void RemoveDefinition(string name);

    /// <summary>Gives a definition another name. No harm if that was done already.</summary>
    void RenameDefinition(string name, string newName);

    /// <summary>Marks a definition for autostart, or takes the mark away.</summary>
    void SetAutostart(string name, bool autostart);

    /// <summary>The states of domains that run or are being worked on.</summary>
    IReadOnlyList<LiveState> LoadLive();

    /// <summary>Keeps a state. It outlives the daemon, though not the host.</summary>
    void WriteLive(LiveState state);

    /// <summary>Forgets a state. No harm if there is none.</summary>
    void RemoveLive(Guid uuid);
}

/// <summary>Keeps nothing: for hosts that end with their daemon.</summary>
public sealed class NoStore : IDomainStore
{
    /// <inheritdoc/>
    public bool Keeps => false;

    /// <inheritdoc/>
    public IReadOnlyList<StoredDefinition> LoadDefinitions() => [];

    /// <inheritdoc/>
    public void WriteDefinition(string name, string xml)
    {
    }

    /// <inheritdoc/>
    public void RemoveDefinition(string name)
    {
    }

    /// <inheritdoc/>
    public void RenameDefinition(string name, string newName)
    {
    }

    /// <inheritdoc/>
    public void SetAutostart(string name, bool autostart)
    {
    }

    /// <inheritdoc/>
    public IReadOnlyList<LiveState> LoadLive() => [];

    /// <inheritdoc/>
    public void WriteLive(LiveState state)
    {
    }

    /// <inheritdoc/>
    public void RemoveLive(Guid uuid)
    {
    }
}
