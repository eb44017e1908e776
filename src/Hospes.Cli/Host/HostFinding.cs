using System.Text.Json.Serialization;

namespace Hospes.Cli.Host;

/// <summary>How one thing of the host stands.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<HostVerdict>))]
internal enum HostVerdict
{
    /// <summary>It is there.</summary>
    [JsonStringEnumMemberName("pass")]
    Pass,

    /// <summary>Something works less well, or not at all, without it; guests run.</summary>
    [JsonStringEnumMemberName("warn")]
    Warn,

    /// <summary>Guests do not run here.</summary>
    [JsonStringEnumMemberName("fail")]
    Fail,
}

/// <summary>One line of <c>hospes host check</c>.</summary>
/// <param name="Name">A word for scripts.</param>
/// <param name="Verdict">How it stands.</param>
/// <param name="Found">What was found, for people.</param>
/// <param name="Remedy">What to do about it; null with a pass.</param>
internal sealed record HostFinding(string Name, HostVerdict Verdict, string Found, string? Remedy);

/// <summary>The findings' serializer.</summary>
[JsonSourceGenerationOptions(WriteIndented = true, PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(HostFinding[]))]
internal sealed partial class HostJson : JsonSerializerContext;
