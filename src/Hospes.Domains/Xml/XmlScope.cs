using System.Globalization;

namespace Hospes.Domains.Xml;

/// <summary>
/// One element while it is being understood: gives its parts by name and remembers which were asked for, so that what nobody asked for can be named. The first
/// fault that is reported is kept; reading goes on with harmless values.
/// </summary>
internal sealed class XmlScope
{
    private readonly XmlNode _node;
    private readonly XmlFaults _faults;
    private readonly XmlScope? _parent;
    private List<XmlScope>? _children;
    private ulong _attributesTaken;
    private bool[]? _childrenTaken;

    public XmlScope(XmlNode node, XmlFaults faults, XmlScope? parent = null)
    {
        _node = node;
        _faults = faults;
        _parent = parent;
    }

    public XmlNode Node => _node;

    /// <summary>Where it is: the names from the root on.</summary>
    public string Path => $"{_parent?.Path}/{_node.Name}";

    public string Text => _node.Text.AsSpan().Trim().Length == _node.Text.Length ? _node.Text : _node.Text.Trim();

    /// <summary>The first child of that name, or null.</summary>
    public XmlScope? Child(string name)
    {
        for (int i = 0; i < _node.Children.Count; i++)
        {
            if (Is(_node.Children[i], name) && !(_childrenTaken?[i] ?? false)) return Take(i);
        }
        return null;
    }

    /// <summary>All children of that name.</summary>
    public IEnumerable<XmlScope> Children(string name)
    {
        for (int i = 0; i < _node.Children.Count; i++)
        {
            if (Is(_node.Children[i], name)) yield return Take(i);
        }
    }

    /// <summary>All children; each is understood by its name.</summary>
    public IEnumerable<XmlScope> Children()
    {
        for (int i = 0; i < _node.Children.Count; i++)
        {
            if (_node.Children[i].Namespace.Length == 0) yield return Take(i);
        }
    }

    /// <summary>Takes an element as understood with all that is in it.</summary>
    public void TakeWhole()
    {
        _attributesTaken = ulong.MaxValue;
        _childrenTaken = new bool[_node.Children.Count];
        Array.Fill(_childrenTaken, true);
    }

    public string? ChildText(string name) => Child(name)?.Text;

    public string? Attribute(string name)
    {
        for (int i = 0; i < _node.Attributes.Count; i++)
        {
            XmlAttribute attribute = _node.Attributes[i];
            if (attribute.Namespace.Length != 0 || attribute.Name != name) continue;
            if (i < 64) _attributesTaken |= 1UL << i;
            return attribute.Value;
        }
        return null;
    }

    /// <summary>An attribute that must be one of some words.</summary>
    public string? Word(string name, params ReadOnlySpan<string> words)
    {
        string? value = Attribute(name);
        if (value is null || words.Contains(value)) return value;
        Invalid(name, value);
        return null;
    }

    public bool? YesNo(string name) => Word(name, "yes", "no") is { } word ? word == "yes" : null;

    public bool? OnOff(string name) => Word(name, "on", "off") is { } word ? word == "on" : null;

    public uint? Number(string name, uint minimum = 0, uint maximum = uint.MaxValue)
    {
        if (Attribute(name) is not { } text) return null;
        if (TryNumber(text, out ulong value) && value >= minimum && value <= maximum) return (uint)value;
        Invalid(name, text);
        return null;
    }

    /// <summary>The element's text as a number.</summary>
    public ulong TextNumber(ulong minimum, ulong maximum)
    {
        if (TryNumber(Text, out ulong value) && value >= minimum && value <= maximum) return value;
        Invalid($"Invalid value '{Text}' for element '{_node.Name}'");
        return minimum;
    }

    public void Invalid(string attribute, string value) => Invalid($"Invalid value for attribute '{attribute}' in element '{_node.Name}': '{value}'");

    public void Invalid(string detail) => _faults.Report(new DomainFailure(DomainError.InvalidXml, detail));

    public void Missing(string attribute) => Invalid($"Missing required attribute '{attribute}' in element '{_node.Name}'");

    public void Unsupported(string detail) => _faults.Report(new DomainFailure(DomainError.UnsupportedConfiguration, detail));

    /// <summary>Names what nobody asked for, here and below.</summary>
    public void ReportUnknown(List<string> unknown)
    {
        for (int i = 0; i < _node.Attributes.Count; i++)
        {
            XmlAttribute attribute = _node.Attributes[i];
            bool declaration = attribute.Prefix == "xmlns" || (attribute.Prefix.Length == 0 && attribute.Name == "xmlns");
            if (!declaration && (i >= 64 || (_attributesTaken & (1UL << i)) == 0)) unknown.Add($"{Path}/@{Name(attribute.Prefix, attribute.Name)}");
        }
        for (int i = 0; i < _node.Children.Count; i++)
        {
            if (!(_childrenTaken?[i] ?? false)) unknown.Add($"{Path}/{Name(_node.Children[i].Prefix, _node.Children[i].Name)}");
        }
        if (_children is null) return;
        foreach (XmlScope child in _children) child.ReportUnknown(unknown);
    }

    internal static bool TryNumber(ReadOnlySpan<char> text, out ulong value) => ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value);

    private static bool Is(XmlNode node, string name) => node.Namespace.Length == 0 && node.Name == name;

    private static string Name(string prefix, string name) => prefix.Length == 0 ? name : $"{prefix}:{name}";

    private XmlScope Take(int index)
    {
        (_childrenTaken ??= new bool[_node.Children.Count])[index] = true;
        var child = new XmlScope(_node.Children[index], _faults, this);
        (_children ??= []).Add(child);
        return child;
    }
}

/// <summary>The first fault of a document.</summary>
internal sealed class XmlFaults
{
    public DomainFailure? First { get; private set; }

    public void Report(DomainFailure fault) => First ??= fault;
}
