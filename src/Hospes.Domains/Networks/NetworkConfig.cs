using Hospes.Domains.Catalogues;
using Hospes.Domains.Storage;
using Hospes.Domains.Xml;
using static Hospes.Domains.Xml.DomainXmlWriter;

namespace Hospes.Domains.Networks;

/// <summary>A network to which cards are connected by name (libvirt's <c>formatnetwork</c>): user-mode, so that guests reach what the host reaches, and nobody reaches them.</summary>
/// <param name="Name">The name.</param>
/// <param name="Uuid">The UUID.</param>
/// <param name="Title">A title for people, or null.</param>
public sealed record NetworkConfig(string Name, Guid Uuid, string? Title = null) : ICatalogued
{
    /// <summary>Reads a document.</summary>
    /// <param name="text">The document, of a stranger.</param>
    /// <param name="identify">Gives a name its UUID when the document has none.</param>
    public static Outcome<NetworkConfig> Read(string text, Func<string, Guid> identify) => StorageXml.Root(text, "network", root =>
    {
        string name = root.ChildText("name") ?? "";
        if (StorageXml.BadName(name) is { } fault) root.Invalid($"invalid network name '{name}': {fault}");
        XmlScope? forward = root.Child("forward");
        string? mode = forward is null ? null : forward.Attribute("mode") ?? "nat";
        if (mode is null) root.Unsupported("a network without <forward> is not supported: guests cannot be connected among themselves only");
        else if (mode != "nat") root.Unsupported($"networks with the forward mode '{mode}' are not supported; there is 'nat', in user mode");
        foreach (string absent in (ReadOnlySpan<string>)["ip", "bridge", "mac", "vlan", "bandwidth", "route", "portgroup", "virtualport", "domain", "dns"])
        {
            if (root.Child(absent) is null) continue;
            root.Unsupported($"<network><{absent}> is not supported: a network in user mode has no device on the host, and guests get the host's own addresses");
        }
        return new NetworkConfig(name, DomainXmlReader.Uuid(root) is var uuid && uuid != Guid.Empty ? uuid : identify(name), root.ChildText("title"));
    });

    /// <inheritdoc/>
    public string ToXml() => StorageXml.Write(writer =>
    {
        writer.WriteStartElement("network");
        writer.WriteElementString("name", Name);
        writer.WriteElementString("uuid", Uuid.ToString());
        if (Title is not null) writer.WriteElementString("title", Title);
        Element(writer, "forward", ("mode", "nat"));
        writer.WriteEndElement();
    });
}

/// <summary>Networks. Thread-safe.</summary>
public sealed class VirtualNetworks
{
    private readonly Random _random;

    /// <summary>Opens the networks.</summary>
    /// <param name="folder">Where definitions are kept, or null to forget them with the daemon.</param>
    /// <param name="random">Where UUIDs come from.</param>
    /// <exception cref="IOException">The folder cannot be used.</exception>
    public VirtualNetworks(string? folder = null, Random? random = null)
    {
        _random = random ?? Random.Shared;
        All = new Catalogue<NetworkConfig>("network", DomainError.NoNetwork, folder);
    }

    /// <summary>The networks.</summary>
    public Catalogue<NetworkConfig> All { get; }

    /// <summary>Learns what an earlier daemon left.</summary>
    /// <returns>What could not be read.</returns>
    public IReadOnlyList<string> Recover() => All.Recover(xml => NetworkConfig.Read(xml, Identify), static _ => null);

    /// <summary>Defines a network.</summary>
    public Outcome<CatalogueItem<NetworkConfig>> Define(string xml) => NetworkConfig.Read(xml, Identify) is var config && config.Failure is { } fault ? fault : All.Define(config.Value);

    /// <summary>Makes a network that is gone when it is stopped.</summary>
    public Outcome<CatalogueItem<NetworkConfig>> Create(string xml) => NetworkConfig.Read(xml, Identify) is var config && config.Failure is { } fault ? fault : All.Create(config.Value, static _ => null);

    /// <summary>Starts a network.</summary>
    public Outcome<CatalogueItem<NetworkConfig>> Start(Guid uuid) => All.Start(uuid, static _ => null);

    /// <summary>Why a card cannot be connected to the network of a name, or null.</summary>
    public DomainFailure? Check(string name)
    {
        Outcome<CatalogueItem<NetworkConfig>> found = All.Find(name);
        if (found.Failure is { } missing) return missing;
        return found.Value.IsActive ? null : new DomainFailure(DomainError.InvalidState, $"network '{name}' is not active");
    }

    private Guid Identify(string name) => All.Identify(name, _random);
}
