using System.Text.Json;
using System.Text.Json.Nodes;
using Hospes.Qmp.Schema;

namespace Hospes.Qmp;

/// <summary>A command: what it takes, what it answers, and what does it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Arguments">Its arguments; checked before it is done.</param>
/// <param name="Returns">What it answers; <see cref="QmpObject.Empty"/> for nothing.</param>
/// <param name="Execute">Does it. One command of a server is done at a time, on any thread.</param>
public sealed record QmpCommand(string Name, QmpObject Arguments, QmpType Returns, Func<QmpArguments, QmpResult> Execute);

/// <summary>A kind of events.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Data">What comes with it; <see cref="QmpObject.Empty"/> for nothing.</param>
public sealed record QmpEventType(string Name, QmpObject Data)
{
    /// <summary>How long after one such event the next one is told at the soonest; of those between, the last one is. Zero for all at once.</summary>
    public TimeSpan Interval { get; init; }
}

/// <summary>What a command answers: a value, or an error.</summary>
public readonly record struct QmpResult
{
    private QmpResult(JsonNode? value, QmpError? error) => (Value, Error) = (value, error);

    /// <summary>The answer of a command that answers nothing.</summary>
    public static QmpResult Done => new(null, null);

    /// <summary>The value; null for the empty object.</summary>
    public JsonNode? Value { get; }

    /// <summary>Why the command was not done; null when it was.</summary>
    public QmpError? Error { get; }

    /// <summary>A value.</summary>
    public static implicit operator QmpResult(JsonNode value) => new(value, null);

    /// <summary>An error.</summary>
    public static implicit operator QmpResult(QmpError error) => new(null, error);

    /// <summary>A value.</summary>
    public static QmpResult FromJsonNode(JsonNode value) => value;

    /// <summary>An error.</summary>
    public static QmpResult FromQmpError(QmpError error) => error;
}

/// <summary>The arguments of a command, checked against its declaration. Valid while the command is done.</summary>
/// <param name="Object">The object; undefined when none was given.</param>
public readonly record struct QmpArguments(JsonElement Object)
{
    /// <summary>A member's value, or null when it was left out.</summary>
    /// <param name="name">The member's name.</param>
    public JsonElement? this[string name] => Object.ValueKind == JsonValueKind.Object && Object.TryGetProperty(name, out JsonElement value) ? value : null;

    /// <summary>A string, or null when it was left out.</summary>
    /// <param name="name">The member's name.</param>
    public string? Text(string name) => this[name]?.GetString();

    /// <summary>A string that must be there.</summary>
    /// <param name="name">The member's name.</param>
    public string Required(string name) => this[name]!.Value.GetString()!;

    /// <summary>A whole number, or null when it was left out.</summary>
    /// <param name="name">The member's name.</param>
    public long? Integer(string name) => this[name]?.GetInt64();

    /// <summary>A truth value, or null when it was left out.</summary>
    /// <param name="name">The member's name.</param>
    public bool? Bool(string name) => this[name]?.GetBoolean();
}
