using System.Buffers;
using System.Text.Json;
using Hospes.Domains.Lifecycle;

namespace Hospes.Domains.Persistence;

/// <summary>
/// What a daemon must remember of one domain to find it again: the running machine, and how far an operation on it got. Written before each step, so that a successor
/// knows which steps may have been done.
/// </summary>
public sealed record LiveState
{
    /// <summary>The domain.</summary>
    public required Guid Uuid { get; init; }

    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Its id, or -1 while there is no machine.</summary>
    public int Id { get; init; } = -1;

    /// <summary>Its state, and why.</summary>
    public DomainStatus Status { get; init; }

    /// <summary>Whether it ends with whoever started it.</summary>
    public bool AutoDestroy { get; init; }

    /// <summary>The configuration that runs, as XML, or null while there is no machine.</summary>
    public string? Xml { get; init; }

    /// <summary>The operation under way, or null.</summary>
    public string? Operation { get; init; }

    /// <summary>The index of the step that was about to be done.</summary>
    public int Step { get; init; }

    /// <summary>What the operation was given: a document, a name, a number.</summary>
    public string? Argument { get; init; }

    internal byte[] ToBytes()
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            writer.WriteStartObject();
            writer.WriteString("uuid", Uuid);
            writer.WriteString("name", Name);
            writer.WriteNumber("id", Id);
            writer.WriteNumber("state", (int)Status.State);
            writer.WriteNumber("reason", Status.Reason);
            if (AutoDestroy) writer.WriteBoolean("autodestroy", true);
            if (Operation is not null)
            {
                writer.WriteString("operation", Operation);
                writer.WriteNumber("step", Step);
                if (Argument is not null) writer.WriteString("argument", Argument);
            }
            if (Xml is not null) writer.WriteString("xml", Xml);
            writer.WriteEndObject();
        }
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Reads what <see cref="ToBytes"/> wrote; null for anything else.</summary>
    internal static LiveState? Parse(byte[] bytes)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(bytes);
            JsonElement root = document.RootElement;
            return new LiveState
            {
                Uuid = root.GetProperty("uuid").GetGuid(),
                Name = root.GetProperty("name").GetString()!,
                Id = root.GetProperty("id").GetInt32(),
                Status = new DomainStatus((DomainState)root.GetProperty("state").GetInt32(), root.GetProperty("reason").GetInt32()),
                AutoDestroy = root.TryGetProperty("autodestroy", out JsonElement mark) && mark.ValueKind == JsonValueKind.True,
                Operation = Text(root, "operation"),
                Step = root.TryGetProperty("step", out JsonElement step) ? step.GetInt32() : 0,
                Argument = Text(root, "argument"),
                Xml = Text(root, "xml"),
            };
        }
        catch (Exception fault) when (fault is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    private static string? Text(JsonElement root, string name) => root.TryGetProperty(name, out JsonElement value) ? value.GetString() : null;
}
