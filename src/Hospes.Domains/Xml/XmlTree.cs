using System.Text;
using System.Xml;
using Hospes.Domains.Configuration;

namespace Hospes.Domains.Xml;

/// <summary>Reads documents of strangers: no document types, no entities but XML's five, nothing fetched, bounded in size, depth and number of elements.</summary>
public static class XmlTree
{
    /// <summary>The longest document, in characters. libvirt's own limit for a string on the wire is four times as much; its schemas are far below either.</summary>
    public const int MaximumCharacters = 1 << 20;

    /// <summary>The deepest nesting. Domain XML needs seven; metadata of applications may go further.</summary>
    public const int MaximumDepth = 64;

    /// <summary>The most elements.</summary>
    public const int MaximumElements = 1 << 16;

    private static readonly XmlReaderSettings Settings = new()
    {
        DtdProcessing = DtdProcessing.Prohibit,
        XmlResolver = null,
        MaxCharactersInDocument = MaximumCharacters,
        MaxCharactersFromEntities = MaximumCharacters,
        IgnoreComments = true,
        IgnoreProcessingInstructions = true,
        CloseInput = true,
    };

    /// <summary>Reads a document.</summary>
    /// <param name="text">The document.</param>
    /// <returns>Its root, or <see cref="DomainError.MalformedXml"/>.</returns>
    public static Outcome<XmlNode> Read(string text)
    {
        if (text.Length > MaximumCharacters) return Malformed($"the document is longer than {MaximumCharacters} characters");
        try
        {
            using var reader = XmlReader.Create(new StringReader(text), Settings);
            return Read(reader);
        }
        catch (XmlException fault)
        {
            return Malformed(fault.Message.TrimEnd('.'));
        }
    }

    private static Outcome<XmlNode> Read(XmlReader reader)
    {
        var open = new Stack<Building>();
        int elements = 0;
        XmlNode? root = null;
        while (reader.Read())
        {
            switch (reader.NodeType)
            {
                case XmlNodeType.Element:
                    if (++elements > MaximumElements) return Malformed($"more than {MaximumElements} elements");
                    if (open.Count == MaximumDepth) return Malformed($"elements are nested more than {MaximumDepth} deep");
                    open.Push(new Building(reader.Prefix, reader.LocalName, reader.NamespaceURI, Attributes(reader)));
                    if (reader.IsEmptyElement) Close(open, ref root);
                    break;
                case XmlNodeType.EndElement:
                    Close(open, ref root);
                    break;
                case XmlNodeType.Text or XmlNodeType.CDATA or XmlNodeType.SignificantWhitespace:
                    open.Peek().Append(reader.Value);
                    break;
            }
        }
        return root is null ? Malformed("there is no root element") : root;
    }

    private static ValueList<XmlAttribute> Attributes(XmlReader reader)
    {
        if (!reader.HasAttributes) return [];
        var attributes = new XmlAttribute[reader.AttributeCount];
        for (int i = 0; i < attributes.Length; i++)
        {
            reader.MoveToAttribute(i);
            attributes[i] = new XmlAttribute(reader.Prefix, reader.LocalName, reader.NamespaceURI, reader.Value);
        }
        reader.MoveToElement();
        return ValueList.Create<XmlAttribute>(attributes);
    }

    private static void Close(Stack<Building> open, ref XmlNode? root)
    {
        XmlNode done = open.Pop().Done();
        if (open.TryPeek(out Building? parent)) parent.Children.Add(done);
        else root = done;
    }

    private static DomainFailure Malformed(string detail) => new(DomainError.MalformedXml, $"(domain_definition): {detail}");

    private sealed class Building(string prefix, string name, string space, ValueList<XmlAttribute> attributes)
    {
        private string? _first;
        private StringBuilder? _rest;

        public List<XmlNode> Children { get; } = [];

        public void Append(string text)
        {
            if (_first is null) _first = text;
            else (_rest ??= new StringBuilder(_first)).Append(text);
        }

        public XmlNode Done() => new(prefix, name, space, attributes, Children.Count == 0 ? [] : ValueList.Create<XmlNode>([.. Children]), _rest?.ToString() ?? _first ?? "");
    }
}
