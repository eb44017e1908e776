using System.Globalization;
using System.Text.Json.Nodes;

namespace Hospes.Qmp.Schema;

/// <summary>
/// Describes commands and events with all their types as QEMU does (<c>qapi/introspect.json</c>, <c>SchemaInfo</c>). Types have numbers for
/// names there, but for the built-in ones; an array's is that of its elements in brackets.
/// </summary>
internal sealed class SchemaWriter
{
    private readonly JsonArray _infos = [];
    private readonly Dictionary<QmpType, string> _names = [];
    private readonly HashSet<string> _written = [];
    private int _next;

    /// <summary>Describes everything.</summary>
    public static JsonArray Write(IEnumerable<QmpCommand> commands, IEnumerable<QmpEventType> events)
    {
        var writer = new SchemaWriter();
        foreach (QmpCommand command in commands) writer.Add(command);
        foreach (QmpEventType type in events)
        {
            writer.Add("event", type.Name, new JsonObject { ["arg-type"] = writer.NameOf(type.Data) });
        }
        return writer._infos;
    }

    private void Add(QmpCommand command)
    {
        string arguments = NameOf(command.Arguments), returns = NameOf(command.Returns);
        Add("command", command.Name, new JsonObject { ["arg-type"] = arguments, ["ret-type"] = returns });
    }

    private void Add(string metaType, string name, JsonObject info)
    {
        info["name"] = name;
        info["meta-type"] = metaType;
        _infos.Add((JsonNode)info);
    }

    private string NameOf(QmpType type)
    {
        if (type is QmpBuiltin builtin)
        {
            if (_written.Add(builtin.Name)) Add("builtin", builtin.Name, new JsonObject { ["json-type"] = builtin.JsonType });
            return builtin.Name;
        }
        if (_names.TryGetValue(type, out string? known)) return known;
        if (type is QmpArray array)
        {
            string element = NameOf(array.Element);
            _names[type] = $"[{element}]";
            if (_written.Add($"[{element}]")) Add("array", $"[{element}]", new JsonObject { ["element-type"] = element });
            return $"[{element}]";
        }
        // Named before its parts, one of which may be of this very type.
        string name = (_next++).ToString(CultureInfo.InvariantCulture);
        _names[type] = name;
        switch (type)
        {
            case QmpEnum words:
                Add("enum", name, new JsonObject
                {
                    ["members"] = Each(words.Values, static word => new JsonObject { ["name"] = word }),
                    ["values"] = Each(words.Values, static word => JsonValue.Create(word)),
                });
                break;
            case QmpAlternate alternate:
                Add("alternate", name, new JsonObject { ["members"] = Each(alternate.Types, at => new JsonObject { ["type"] = NameOf(at) }) });
                break;
            case QmpObject value:
                Add("object", name, Describe(value));
                break;
            default:
                throw new InvalidOperationException($"{type.GetType().Name} can't be described");
        }
        return name;
    }

    private JsonObject Describe(QmpObject value)
    {
        var info = new JsonObject { ["members"] = Each(value.Members, Describe) };
        if (value.Tag is null) return info;
        info["tag"] = value.Tag;
        var tag = (QmpEnum)value.Members.First(member => member.Name == value.Tag).Type;
        info["variants"] = Each(tag.Values, word => new JsonObject { ["case"] = word, ["type"] = NameOf(value.Variants.GetValueOrDefault(word, QmpObject.Empty)) });
        return info;
    }

    private JsonObject Describe(QmpMember member)
    {
        var info = new JsonObject { ["name"] = member.Name, ["type"] = NameOf(member.Type) };
        if (member.IsOptional) info["default"] = null;
        return info;
    }

    private static JsonArray Each<T>(IEnumerable<T> items, Func<T, JsonNode> make) => [.. items.Select(make)];
}
