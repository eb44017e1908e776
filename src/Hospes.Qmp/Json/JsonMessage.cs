using System.Text.Json;

namespace Hospes.Qmp.Json;

/// <summary>What came in as one message: a value, or why it is none.</summary>
/// <param name="Value">The value; null when there is an error. Whoever has the message disposes it.</param>
/// <param name="Error">What is wrong with the JSON text, as QEMU says it after "JSON parse error, "; null when there is a value.</param>
public readonly record struct JsonMessage(JsonDocument? Value, string? Error);
