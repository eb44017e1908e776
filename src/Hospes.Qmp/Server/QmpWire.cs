using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hospes.Qmp.Server;

/// <summary>Messages as bytes: one line each (QEMU, <c>docs/interop/qmp-spec.rst</c>).</summary>
internal static class QmpWire
{
    // What is sent is read by programs, never put into a web page: only what JSON itself demands is escaped.
    private static readonly JsonWriterOptions s_options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = QmpLimits.Depth + 8, SkipValidation = true };

    public static byte[] Greeting(JsonObject version) => Write(writer =>
    {
        writer.WriteStartObject("QMP"u8);
        writer.WritePropertyName("version"u8);
        version.WriteTo(writer);
        writer.WriteStartArray("capabilities"u8);
        writer.WriteEndArray();
        writer.WriteEndObject();
    });

    public static byte[] Reply(QmpResult result, JsonElement? id) => Write(writer =>
    {
        if (result.Error is { } error)
        {
            writer.WriteStartObject("error"u8);
            writer.WriteString("class"u8, error.Class.ToString());
            writer.WriteString("desc"u8, error.Description);
            writer.WriteEndObject();
        }
        else
        {
            writer.WritePropertyName("return"u8);
            if (result.Value is { } value)
            {
                value.WriteTo(writer);
            }
            else
            {
                writer.WriteStartObject();
                writer.WriteEndObject();
            }
        }
        if (id is not { } echoed) return;
        writer.WritePropertyName("id"u8);
        echoed.WriteTo(writer);
    });

    public static byte[] Event(string name, JsonObject? data, DateTimeOffset time) => Write(writer =>
    {
        TimeSpan since = time - DateTimeOffset.UnixEpoch;
        writer.WriteStartObject("timestamp"u8);
        writer.WriteNumber("seconds"u8, since.Ticks / TimeSpan.TicksPerSecond);
        writer.WriteNumber("microseconds"u8, since.Ticks % TimeSpan.TicksPerSecond / TimeSpan.TicksPerMicrosecond);
        writer.WriteEndObject();
        writer.WriteString("event"u8, name);
        if (data is null) return;
        writer.WritePropertyName("data"u8);
        data.WriteTo(writer);
    });

    public static byte[] Command(string name, JsonObject? arguments, long id) => Write(writer =>
    {
        writer.WriteString("execute"u8, name);
        if (arguments is not null)
        {
            writer.WritePropertyName("arguments"u8);
            arguments.WriteTo(writer);
        }
        writer.WriteNumber("id"u8, id);
    });

    private static byte[] Write(Action<Utf8JsonWriter> body)
    {
        using var stream = new MemoryStream();
        using (var writer = new Utf8JsonWriter(stream, s_options))
        {
            writer.WriteStartObject();
            body(writer);
            writer.WriteEndObject();
        }
        stream.Write("\r\n"u8);
        return stream.ToArray();
    }
}
