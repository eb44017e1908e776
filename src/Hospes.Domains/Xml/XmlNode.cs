using System.Xml;
using Hospes.Domains.Configuration;

namespace Hospes.Domains.Xml;

/// <summary>An attribute with its namespace.</summary>
public sealed record XmlAttribute(string Prefix, string Name, string Namespace, string Value);

/// <summary>One element of a document that was read: immutable, without comments, instructions and entities.</summary>
/// <param name="Prefix">The prefix it was written with.</param>
/// <param name="Name">The local name.</param>
/// <param name="Namespace">The namespace, empty for libvirt's own.</param>
/// <param name="Attributes">The attributes, declarations of namespaces among them.</param>
/// <param name="Children">The elements in it, in order.</param>
/// <param name="Text">The text in it, all pieces in a row.</param>
public sealed record XmlNode(string Prefix, string Name, string Namespace, ValueList<XmlAttribute> Attributes, ValueList<XmlNode> Children, string Text)
{
    /// <summary>Writes the element with all that is in it.</summary>
    public void WriteTo(XmlWriter writer)
    {
        writer.WriteStartElement(Prefix, Name, Namespace);
        foreach (XmlAttribute attribute in Attributes) writer.WriteAttributeString(attribute.Prefix.Length == 0 ? null : attribute.Prefix, attribute.Name, attribute.Namespace.Length == 0 ? null : attribute.Namespace, attribute.Value);
        if (Children.Count == 0 && Text.Length > 0) writer.WriteString(Text);
        foreach (XmlNode child in Children) child.WriteTo(writer);
        writer.WriteEndElement();
    }
}
