using System.Text.Json;

namespace Hospes.Qmp.Schema;

/// <summary>
/// A type of QMP's values: checks what came in, and describes itself to clients. The errors have QEMU's words. Immutable, but for the members of
/// a <see cref="QmpObject"/> that contains itself.
/// </summary>
public abstract class QmpType
{
    /// <summary>A string.</summary>
    public static QmpType Text { get; } = new QmpBuiltin("str", "string", "string", static value => value.ValueKind == JsonValueKind.String);

    /// <summary>A whole number of 64 bits with a sign.</summary>
    public static QmpType Integer { get; } = new QmpBuiltin("int", "int", "integer", static value => value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out _));

    /// <summary>A whole number of 64 bits without a sign.</summary>
    public static QmpType Unsigned { get; } = new QmpBuiltin("int", "int", "integer", static value => value.ValueKind == JsonValueKind.Number && value.TryGetUInt64(out _));

    /// <summary>A number.</summary>
    public static QmpType Number { get; } = new QmpBuiltin("number", "number", "number", static value => value.ValueKind == JsonValueKind.Number);

    /// <summary>True or false.</summary>
    public static QmpType Bool { get; } = new QmpBuiltin("bool", "boolean", "boolean", static value => value.ValueKind is JsonValueKind.True or JsonValueKind.False);

    /// <summary>Null alone.</summary>
    public static QmpType Null { get; } = new QmpBuiltin("null", "null", "null", static value => value.ValueKind == JsonValueKind.Null);

    /// <summary>Whatever value.</summary>
    public static QmpType Any { get; } = new QmpBuiltin("any", "value", "value", static _ => true);

    /// <summary>Checks a value.</summary>
    /// <param name="value">The value.</param>
    /// <param name="member">The name of the member that it is; null for an element of an array.</param>
    /// <param name="path">Where it is in the arguments, as in <c>addr.path</c> or <c>list[0]</c>.</param>
    /// <returns>Null, or what is wrong.</returns>
    public abstract string? Check(JsonElement value, string? member, string path);

    /// <summary>What is wrong with a value of another kind.</summary>
    private protected static string WrongKind(string path, string expected) => $"Invalid parameter type for '{path}', expected: {expected}";
}

/// <summary>A type without parts.</summary>
internal sealed class QmpBuiltin(string name, string jsonType, string expected, Func<JsonElement, bool> accepts) : QmpType
{
    /// <summary>Its name, also for clients.</summary>
    public string Name => name;

    /// <summary>What it is in JSON, as QEMU's <c>JSONType</c> names it.</summary>
    public string JsonType => jsonType;

    /// <inheritdoc/>
    public override string? Check(JsonElement value, string? member, string path) => accepts(value) ? null : WrongKind(path, expected);
}

/// <summary>One of some words.</summary>
/// <param name="values">The words.</param>
public sealed class QmpEnum(params string[] values) : QmpType
{
    /// <summary>The words.</summary>
    public IReadOnlyList<string> Values => values;

    /// <inheritdoc/>
    public override string? Check(JsonElement value, string? member, string path)
    {
        if (value.ValueKind != JsonValueKind.String) return WrongKind(path, "string");
        // QEMU has no name for an element of an array, and says so.
        return values.Contains(value.GetString()) ? null : $"Parameter '{member ?? "null"}' does not accept value '{value.GetString()}'";
    }
}

/// <summary>A list of values of one type.</summary>
/// <param name="element">Their type.</param>
public sealed class QmpArray(QmpType element) : QmpType
{
    /// <summary>The elements' type.</summary>
    public QmpType Element => element;

    /// <inheritdoc/>
    public override string? Check(JsonElement value, string? member, string path)
    {
        if (value.ValueKind != JsonValueKind.Array) return WrongKind(path, "array");
        int index = 0;
        foreach (JsonElement item in value.EnumerateArray())
        {
            if (element.Check(item, null, $"{path}[{index++}]") is { } error) return error;
        }
        return null;
    }
}

/// <summary>A value of one of some types that differ in JSON.</summary>
/// <param name="name">Its name, for errors.</param>
/// <param name="types">The types.</param>
public sealed class QmpAlternate(string name, params QmpType[] types) : QmpType
{
    /// <summary>The types.</summary>
    public IReadOnlyList<QmpType> Types => types;

    /// <inheritdoc/>
    public override string? Check(JsonElement value, string? member, string path)
    {
        QmpType? fitting = types.FirstOrDefault(type => type switch
        {
            QmpObject => value.ValueKind == JsonValueKind.Object,
            QmpArray => value.ValueKind == JsonValueKind.Array,
            QmpEnum => value.ValueKind == JsonValueKind.String,
            _ => type.Check(value, member, path) is null,
        });
        return fitting is null ? WrongKind(path, name) : fitting.Check(value, member, path);
    }
}
