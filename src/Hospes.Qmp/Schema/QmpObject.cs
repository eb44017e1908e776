using System.Text.Json;

namespace Hospes.Qmp.Schema;

/// <summary>A member of an object.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type.</param>
/// <param name="IsOptional">Whether it may be left out.</param>
public sealed record QmpMember(string Name, QmpType Type, bool IsOptional = false);

/// <summary>An object: members that every one has, and where one of these says so, further ones.</summary>
public sealed class QmpObject : QmpType
{
    private readonly List<QmpMember> _members;

    /// <summary>Makes an object's type.</summary>
    /// <param name="members">Its members.</param>
    public QmpObject(params QmpMember[] members) => _members = [.. members];

    /// <summary>The object without members.</summary>
    public static QmpObject Empty { get; } = new();

    /// <summary>The members that every object has, in order.</summary>
    public IReadOnlyList<QmpMember> Members => _members;

    /// <summary>The name of the member, of a <see cref="QmpEnum"/>, that says which further ones there are; null for none.</summary>
    public string? Tag { get; init; }

    /// <summary>The further members for values of <see cref="Tag"/>; a value that is not here has none.</summary>
    public IReadOnlyDictionary<string, QmpObject> Variants { get; init; } = new Dictionary<string, QmpObject>();

    /// <summary>Whether it may have members that are not described, as a command that QEMU has without a generated shape.</summary>
    public bool IsOpen { get; init; }

    /// <summary>Adds a member, for a type that contains itself. Before its first use.</summary>
    /// <param name="member">The member.</param>
    public void Add(QmpMember member) => _members.Add(member);

    /// <inheritdoc/>
    public override string? Check(JsonElement value, string? member, string path)
    {
        if (value.ValueKind != JsonValueKind.Object) return WrongKind(path, "object");
        QmpObject? variant = null;
        string prefix = path.Length == 0 ? "" : path + ".";
        if (CheckMembers(value, _members, prefix) is { } error) return error;
        if (Tag is not null && value.TryGetProperty(Tag, out JsonElement tag) && Variants.TryGetValue(tag.GetString()!, out variant)
            && CheckMembers(value, variant.Members, prefix) is { } further) return further;
        foreach (JsonProperty at in value.EnumerateObject())
        {
            if (!IsOpen && !Has(_members, at.Name) && (variant is null || !Has(variant._members, at.Name))) return $"Parameter '{prefix}{at.Name}' is unexpected";
        }
        return null;
    }

    private static bool Has(List<QmpMember> members, string name) => members.Exists(member => member.Name == name);

    private static string? CheckMembers(JsonElement value, IReadOnlyList<QmpMember> members, string prefix)
    {
        foreach (QmpMember member in members)
        {
            if (value.TryGetProperty(member.Name, out JsonElement at))
            {
                if (member.Type.Check(at, member.Name, prefix + member.Name) is { } error) return error;
            }
            else if (!member.IsOptional)
            {
                return $"Parameter '{prefix}{member.Name}' is missing";
            }
        }
        return null;
    }
}
