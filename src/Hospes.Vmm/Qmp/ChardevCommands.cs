using System.Text.Json.Nodes;
using Hospes.Qmp;
using Hospes.Qmp.Schema;
using Hospes.Vmm.CommandLine;

namespace Hospes.Vmm.Qmp;

/// <summary>Commands over character devices (QEMU, <c>qapi/char.json</c>).</summary>
internal sealed class ChardevCommands(IChardevHost? host)
{
    private static readonly string[] s_kinds = ["socket", "pty", "file", "null", "ringbuf", "stdio"];

    /// <summary>The commands; devices are only made and ended where the domain has a place for them.</summary>
    public IEnumerable<QmpCommand> Commands
    {
        get
        {
            var info = new QmpObject(new("label", QmpType.Text), new("filename", QmpType.Text), new("frontend-open", QmpType.Bool));
            var name = new QmpObject(new QmpMember("name", QmpType.Text));
            yield return new("query-chardev", QmpObject.Empty, new QmpArray(info), _ => List());
            if (host is null) yield break;
            yield return new(
                "query-chardev-backends", QmpObject.Empty, new QmpArray(name), _ => new JsonArray([.. s_kinds.Select(static kind => new JsonObject { ["name"] = kind })]));
            yield return new(
                "chardev-add", new QmpObject(new("id", QmpType.Text), new("backend", Backend())), new QmpObject(new QmpMember("pty", QmpType.Text, IsOptional: true)), arguments =>
                Add(host, arguments));
            yield return new("chardev-remove", new QmpObject(new QmpMember("id", QmpType.Text)), QmpObject.Empty, arguments =>
                host.TryRemove(arguments.Required("id")) is { } error ? QmpError.Generic(error) : QmpResult.Done);
        }
    }

    private static QmpObject Backend()
    {
        var address = new QmpObject(new QmpMember("type", new QmpEnum("inet", "unix")))
        {
            Tag = "type",
            Variants = new Dictionary<string, QmpObject>
            {
                ["inet"] = Data(new("host", QmpType.Text), new("port", QmpType.Text)),
                ["unix"] = Data(new QmpMember("path", QmpType.Text)),
            },
        };
        return new QmpObject(new QmpMember("type", new QmpEnum(s_kinds)))
        {
            Tag = "type",
            Variants = new Dictionary<string, QmpObject>
            {
                ["socket"] = Data(
                    new("addr", address), new("server", QmpType.Bool, IsOptional: true), new("wait", QmpType.Bool, IsOptional: true),
                    new("nodelay", QmpType.Bool, IsOptional: true), new("reconnect", QmpType.Integer, IsOptional: true)),
                ["pty"] = Data(),
                ["file"] = Data(new("out", QmpType.Text), new("append", QmpType.Bool, IsOptional: true)),
                ["null"] = Data(),
                ["ringbuf"] = Data(new QmpMember("size", QmpType.Integer, IsOptional: true)),
                ["stdio"] = Data(new QmpMember("signal", QmpType.Bool, IsOptional: true)),
            },
        };

        static QmpObject Data(params QmpMember[] members) => new(new QmpMember("data", new QmpObject(members)));
    }

    private static QmpResult Add(IChardevHost host, QmpArguments arguments)
    {
        string id = arguments.Required("id");
        if (!OptionReader.IsIdentifier(id)) return QmpError.Generic("Parameter 'id' expects an identifier");
        if (host.TryAdd(id, arguments["backend"]!.Value, out string? pty) is { } error) return QmpError.Generic(error);
        return pty is null ? QmpResult.Done : new JsonObject { ["pty"] = pty };
    }

    private JsonArray List() => new([.. (host?.List() ?? []).Select(static at => new JsonObject { ["frontend-open"] = at.FrontendOpen, ["filename"] = at.FileName, ["label"] = at.Label })]);
}
