using System.Xml;
using Hospes.Domains.Catalogues;
using Hospes.Domains.Xml;
using static Hospes.Domains.Xml.DomainXmlWriter;

namespace Hospes.Domains.Storage;

/// <summary>A storage pool: a folder whose files are volumes (libvirt's <c>formatstorage</c>, type <c>dir</c>).</summary>
/// <param name="Name">The name.</param>
/// <param name="Uuid">The UUID.</param>
/// <param name="Path">The folder.</param>
public sealed record PoolConfig(string Name, Guid Uuid, string Path) : ICatalogued
{
    /// <summary>Reads a document.</summary>
    /// <param name="text">The document, of a stranger.</param>
    /// <param name="identify">Gives a name its UUID when the document has none.</param>
    public static Outcome<PoolConfig> Read(string text, Func<string, Guid> identify) => StorageXml.Root(text, "pool", root =>
    {
        string? type = root.Attribute("type");
        if (type != "dir") root.Unsupported($"storage pools of the type '{type}' are not supported; there is 'dir'");
        string name = root.ChildText("name") ?? "";
        if (StorageXml.BadName(name) is { } fault) root.Invalid($"invalid storage pool name '{name}': {fault}");
        string path = root.Child("target")?.ChildText("path") ?? "";
        if (path.Length == 0) root.Invalid("missing storage pool target path");
        else if (!System.IO.Path.IsPathRooted(path) || path.Contains('\0', StringComparison.Ordinal)) root.Invalid($"the path '{path}' is not absolute");
        return new PoolConfig(name, DomainXmlReader.Uuid(root) is var uuid && uuid != Guid.Empty ? uuid : identify(name), path.Length > 0 ? System.IO.Path.TrimEndingDirectorySeparator(path) : path);
    });

    /// <inheritdoc/>
    public string ToXml() => ToXml(null);

    /// <summary>The document, with what the pool has room for where it is known.</summary>
    public string ToXml(PoolUse? use) => StorageXml.Write(writer =>
    {
        writer.WriteStartElement("pool");
        writer.WriteAttributeString("type", "dir");
        writer.WriteElementString("name", Name);
        writer.WriteElementString("uuid", Uuid.ToString());
        StorageXml.Bytes(writer, "capacity", use?.Capacity ?? 0);
        StorageXml.Bytes(writer, "allocation", use?.Allocation ?? 0);
        StorageXml.Bytes(writer, "available", use?.Available ?? 0);
        Element(writer, "source");
        writer.WriteStartElement("target");
        writer.WriteElementString("path", Path);
        writer.WriteEndElement();
        writer.WriteEndElement();
    });
}

/// <summary>The room of a pool, in bytes.</summary>
/// <param name="Capacity">Of the file system that it is on.</param>
/// <param name="Allocation">Of it in use.</param>
/// <param name="Available">Of it free.</param>
public sealed record PoolUse(ulong Capacity, ulong Allocation, ulong Available);

/// <summary>A volume that is to be made.</summary>
/// <param name="Name">Its name: that of its file.</param>
/// <param name="Image">What is in it.</param>
/// <param name="Allocation">Bytes of storage to take at once, or null for all.</param>
public sealed record VolumeConfig(string Name, NewDiskImage Image, ulong? Allocation)
{
    /// <summary>Reads a document.</summary>
    public static Outcome<VolumeConfig> Read(string text) => StorageXml.Root(text, "volume", root =>
    {
        if (root.Attribute("type") is { } type && type != "file") root.Unsupported($"volumes of the type '{type}' are not supported; there is 'file'");
        string name = root.ChildText("name") ?? "";
        if (StorageXml.BadName(name) is { } fault) root.Invalid($"invalid volume name '{name}': {fault}");
        string format = root.Child("target")?.Child("format")?.Attribute("type") ?? "raw";
        if (format is not ("raw" or "qcow2")) root.Unsupported($"volumes of the format '{format}' are not supported; there are 'raw' and 'qcow2'");
        if (root.Child("target")?.Child("encryption") is not null || root.Child("encryption") is not null) root.Unsupported("volumes are not encrypted");
        XmlScope? backing = root.Child("backingStore");
        string? below = backing?.ChildText("path");
        string? belowFormat = backing?.Child("format")?.Attribute("type");
        if (below is { Length: 0 }) below = null;
        if (below is not null && format == "raw") root.Unsupported("a raw volume has no backing store");
        if (belowFormat is not (null or "raw" or "qcow2")) root.Unsupported($"backing stores of the format '{belowFormat}' are not supported");
        ulong? capacity = root.Child("capacity") is { } size ? Memory.Bytes(size) : null;
        if (capacity is null && below is null) root.Invalid("missing capacity element");
        if (capacity > long.MaxValue / 2) root.Invalid("the capacity is too large");
        return new VolumeConfig(name, new NewDiskImage(format, capacity ?? 0, below, belowFormat), root.Child("allocation") is { } taken ? Memory.Bytes(taken) : null);
    });
}

/// <summary>A volume that is there.</summary>
/// <param name="Pool">The pool's name.</param>
/// <param name="Name">Its name: that of its file.</param>
/// <param name="Path">The path of its file, which is its key, too.</param>
public sealed record Volume(string Pool, string Name, string Path)
{
    /// <summary>The document.</summary>
    /// <param name="image">What is in it.</param>
    public string ToXml(DiskImageInfo image) => StorageXml.Write(writer =>
    {
        writer.WriteStartElement("volume");
        writer.WriteAttributeString("type", "file");
        writer.WriteElementString("name", Name);
        writer.WriteElementString("key", Path);
        StorageXml.Bytes(writer, "capacity", image.Capacity);
        StorageXml.Bytes(writer, "allocation", image.Allocation);
        StorageXml.Bytes(writer, "physical", image.Physical);
        writer.WriteStartElement("target");
        writer.WriteElementString("path", Path);
        Element(writer, "format", ("type", image.Format));
        writer.WriteEndElement();
        if (image.BackingPath is not null)
        {
            writer.WriteStartElement("backingStore");
            writer.WriteElementString("path", image.BackingPath);
            if (image.BackingFormat is not null) Element(writer, "format", ("type", image.BackingFormat));
            writer.WriteEndElement();
        }
        writer.WriteEndElement();
    });
}

/// <summary>What documents of storage and networks have in common.</summary>
internal static class StorageXml
{
    private static readonly XmlWriterSettings Settings = new() { OmitXmlDeclaration = true, Indent = true, IndentChars = "  ", NewLineChars = "\n" };

    public static Outcome<T> Root<T>(string text, string name, Func<XmlScope, T> read)
    {
        Outcome<Xml.XmlNode> tree = XmlTree.Read(text);
        if (tree.Failure is { } malformed) return malformed;
        if (tree.Value.Name != name || tree.Value.Namespace.Length != 0) return new DomainFailure(DomainError.InvalidXml, $"unexpected root element <{tree.Value.Name}>, expecting <{name}>");
        var faults = new XmlFaults();
        T value = read(new XmlScope(tree.Value, faults));
        return faults.First is { } fault ? fault : value;
    }

    public static string Write(Action<XmlWriter> write)
    {
        var text = new System.Text.StringBuilder(512);
        using (var writer = XmlWriter.Create(text, Settings)) write(writer);
        return text.Append('\n').ToString();
    }

    public static void Bytes(XmlWriter writer, string name, ulong amount)
    {
        writer.WriteStartElement(name);
        writer.WriteAttributeString("unit", "bytes");
        writer.WriteString(Text(amount));
        writer.WriteEndElement();
    }

    /// <summary>Why a name cannot be that of a file, or null.</summary>
    public static string? BadName(string name)
    {
        if (name.AsSpan().Trim().Length == 0) return "it is empty";
        if (name is "." or ".." || name.AsSpan().ContainsAny('/', '\n', '\0')) return "it is no name of a file";
        return System.Text.Encoding.UTF8.GetByteCount(name) > 200 ? "it is longer than 200 bytes" : null;
    }
}
