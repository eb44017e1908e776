using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;

namespace Hospes.Domains.Events;

/// <summary>
/// Events in files of lines, so that a daemon that was killed remembers what it told. A line is written before anybody is told. Two files: the older is dropped when
/// the newer has <see cref="EventLog.Retained"/> lines, so that at least as many are always kept.
/// </summary>
public sealed class EventJournal : IDisposable
{
    private readonly string _current;
    private readonly string _older;
    private FileStream _file;
    private int _lines;

    private EventJournal(string folder, string epoch)
    {
        Epoch = epoch;
        _current = Path.Combine(folder, "events");
        _older = Path.Combine(folder, "events.old");
        _file = Open();
    }

    /// <summary>What tells this host's tokens from those of others.</summary>
    public string Epoch { get; }

    /// <summary>Opens the journal in a folder.</summary>
    /// <exception cref="IOException">The folder cannot be used.</exception>
    public static EventJournal OpenIn(string folder)
    {
        string path = Path.Combine(folder, "events.epoch");
        string epoch = File.Exists(path) ? File.ReadAllText(path).Trim() : "";
        if (epoch.Length != 8)
        {
            epoch = NewEpoch();
            File.WriteAllText(path, epoch + "\n");
        }
        return new EventJournal(folder, epoch);
    }

    internal static string NewEpoch() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4));

    /// <summary>The newest events that are kept, in order. A line that was being written when the daemon was killed is left out: nobody was told.</summary>
    internal IEnumerable<DomainEvent> Load()
    {
        var events = new List<DomainEvent>();
        foreach (string path in (string[])[_older, _current])
        {
            if (!File.Exists(path)) continue;
            int lines = 0;
            foreach (string line in File.ReadLines(path))
            {
                lines++;
                if (Parse(line) is { } happened && (events.Count == 0 || happened.Sequence > events[^1].Sequence)) events.Add(happened);
            }
            if (path == _current) _lines = lines;
        }
        return events.Skip(Math.Max(0, events.Count - EventLog.Retained));
    }

    internal void Append(DomainEvent happened)
    {
        if (_lines >= EventLog.Retained)
        {
            _file.Dispose();
            File.Move(_current, _older, overwrite: true);
            _file = Open();
            _lines = 0;
        }
        _file.Write(Line(happened));
        _file.Flush();
        _lines++;
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private FileStream Open()
    {
        var file = new FileStream(_current, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read);
        file.Seek(0, SeekOrigin.End);
        if (file.Length == 0) return file;
        // The rest of a line that was never finished must not swallow the next.
        file.Seek(-1, SeekOrigin.End);
        if (file.ReadByte() != '\n') file.WriteByte((byte)'\n');
        return file;
    }

    private static byte[] Line(DomainEvent happened)
    {
        using var buffer = new MemoryStream(256);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteNumber("sequence", happened.Sequence);
            writer.WriteString("time", happened.Time.ToString("O", CultureInfo.InvariantCulture));
            writer.WriteNumber("kind", (int)happened.Kind);
            writer.WriteString("name", happened.Name);
            writer.WriteString("uuid", happened.Uuid);
            writer.WriteNumber("id", happened.Id);
            writer.WriteNumber("event", happened.Event);
            writer.WriteNumber("detail", happened.Detail);
            if (happened.Value != 0) writer.WriteNumber("value", happened.Value);
            if (happened.Text is not null) writer.WriteString("text", happened.Text);
            if (happened.Texts.Count > 0)
            {
                writer.WriteStartArray("texts");
                foreach (string further in happened.Texts) writer.WriteStringValue(further);
                writer.WriteEndArray();
            }
            writer.WriteEndObject();
        }
        buffer.WriteByte((byte)'\n');
        return buffer.ToArray();
    }

    private static DomainEvent? Parse(string line)
    {
        try
        {
            using JsonDocument document = JsonDocument.Parse(line);
            JsonElement root = document.RootElement;
            return new DomainEvent(
                root.GetProperty("sequence").GetInt64(),
                DateTimeOffset.Parse(root.GetProperty("time").GetString()!, CultureInfo.InvariantCulture),
                (DomainEventKind)root.GetProperty("kind").GetInt32(),
                root.GetProperty("name").GetString()!,
                root.GetProperty("uuid").GetGuid(),
                root.GetProperty("id").GetInt32(),
                root.GetProperty("event").GetInt32(),
                root.GetProperty("detail").GetInt32(),
                root.TryGetProperty("value", out JsonElement value) ? value.GetUInt64() : 0,
                root.TryGetProperty("text", out JsonElement text) ? text.GetString() : null)
            {
                Texts = root.TryGetProperty("texts", out JsonElement texts) ? [.. texts.EnumerateArray().Select(static further => further.GetString()!)] : [],
            };
        }
        catch (Exception fault) when (fault is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or ArgumentNullException)
        {
            return null;
        }
    }
}
