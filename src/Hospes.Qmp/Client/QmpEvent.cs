using System.Text.Json;

namespace Hospes.Qmp.Client;

/// <summary>An event as a client got it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Data">What came with it; undefined for nothing.</param>
/// <param name="Time">When it happened, to the microsecond; the Unix epoch where the server did not know.</param>
public sealed record QmpEvent(string Name, JsonElement Data, DateTimeOffset Time);

/// <summary>What a command was answered.</summary>
/// <param name="Value">The value; undefined with an error.</param>
/// <param name="Error">Why it was not done; null when it was.</param>
public readonly record struct QmpReply(JsonElement Value, QmpError? Error);
