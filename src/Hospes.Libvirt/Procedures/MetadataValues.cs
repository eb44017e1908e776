using System.Text;
using System.Xml;
using Hospes.Domains;
using Hospes.Domains.Configuration;
using Hospes.Domains.Xml;
using XmlNode = Hospes.Domains.Xml.XmlNode;

namespace Hospes.Libvirt.Procedures;

/// <summary>Descriptions, titles and elements of applications (<c>virDomainMetadataType</c>).</summary>
internal static class MetadataValues
{
    private const int Description = 0, Title = 1, Element = 2;

    /// <summary>The value, or null.</summary>
    public static string? Get(DomainConfig config, int type, string? uri) => type switch
    {
        Description => config.Description,
        Title => config.Title,
        Element => config.Metadata.FirstOrDefault(element => element.Namespace == uri) is { } found ? Write(found) : null,
        _ => null,
    };

    /// <summary>The configuration with another value; an empty one or null removes it.</summary>
    public static Outcome<DomainConfig> Set(DomainConfig config, int type, string? value, string? key, string? uri)
    {
        switch (type)
        {
            case Description:
                return config with { Description = string.IsNullOrEmpty(value) ? null : value };
            case Title:
                if (value?.Contains('\n', StringComparison.Ordinal) == true) return new DomainFailure(DomainError.InvalidArgument, "Domain title can't contain newlines");
                return config with { Title = string.IsNullOrEmpty(value) ? null : value };
            case Element:
                if (string.IsNullOrEmpty(uri)) return new DomainFailure(DomainError.InvalidArgument, "metadata needs a namespace");
                IEnumerable<XmlNode> others = config.Metadata.Where(element => element.Namespace != uri);
                if (value is null) return config with { Metadata = [.. others] };
                Outcome<XmlNode> read = XmlTree.Read(value);
                if (read.Failure is { } fault) return fault;
                return config with { Metadata = [.. others, InNamespace(read.Value, key ?? "", uri)] };
            default:
                return new DomainFailure(DomainError.InvalidArgument, "unknown metadata type");
        }
    }

    /// <summary>Puts an element and what is in it into the namespace that it is stored under, where it has none of its own.</summary>
    private static XmlNode InNamespace(XmlNode node, string prefix, string uri) => node.Namespace.Length > 0 ? node : node with
    {
        Prefix = prefix,
        Namespace = uri,
        Children = [.. node.Children.Select(child => InNamespace(child, prefix, uri))],
    };

    private static string Write(XmlNode element)
    {
        var text = new StringBuilder();
        using (var writer = XmlWriter.Create(text, new XmlWriterSettings { OmitXmlDeclaration = true, Indent = true, NewLineChars = "\n" })) element.WriteTo(writer);
        return text.ToString();
    }
}
