using System.Text.Json;
using System.Text.Json.Nodes;
using Hospes.Qmp.Schema;
using Hospes.Qmp.Server;

namespace Hospes.Qmp.Tests;

/// <summary>A server with a few commands to try the protocol on.</summary>
internal static class Echo
{
    public static readonly QmpObject Address = new(new("type", new QmpEnum("unix", "inet")), new("note", QmpType.Text, IsOptional: true))
    {
        Tag = "type",
        Variants = new Dictionary<string, QmpObject>
        {
            ["unix"] = new(new QmpMember("path", QmpType.Text)),
            ["inet"] = new(new("port", QmpType.Integer), new("hosts", new QmpArray(new QmpObject(new QmpMember("str", QmpType.Text))), IsOptional: true)),
        },
    };

    public static QmpServer Make(TimeProvider? time = null) => new(
        new QmpVersion(7, 2, 0, "Echo"),
        [
            new("say", new QmpObject(new("text", QmpType.Text), new("loud", QmpType.Bool, IsOptional: true)), QmpType.Text, Say),
            new("connect", new QmpObject(new("addr", Address), new("size", QmpType.Integer, IsOptional: true)), QmpObject.Empty, static _ => QmpResult.Done),
            new("either", new QmpObject(new QmpMember("file", new QmpAlternate("FileOrAddress", QmpType.Text, Address))), QmpObject.Empty, static _ => QmpResult.Done),
            new("fail", QmpObject.Empty, QmpObject.Empty, static _ => QmpError.NoDevice("x")),
            new("words", new QmpObject(new QmpMember("list", new QmpArray(new QmpEnum("a", "b")))), QmpObject.Empty, static _ => QmpResult.Done),
        ],
        [
            new QmpEventType("TICK", new QmpObject(new QmpMember("n", QmpType.Integer))),
            new QmpEventType("RARE", new QmpObject(new QmpMember("n", QmpType.Integer))) { Interval = TimeSpan.FromSeconds(1) },
        ],
        time ?? TimeProvider.System);

    private static QmpResult Say(QmpArguments arguments)
    {
        string text = arguments.Required("text");
        return JsonValue.Create(arguments.Bool("loud") == true ? text.ToUpperInvariant() : text);
    }

    /// <summary>Reads lines, and each as JSON.</summary>
    public static async Task<JsonElement> NextAsync(StreamReader reader)
    {
        string line = (await reader.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30))).ShouldNotBeNull();
        using JsonDocument document = JsonDocument.Parse(line);
        return document.RootElement.Clone();
    }
}
