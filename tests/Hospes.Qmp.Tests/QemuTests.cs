using System.Diagnostics;
using System.Text.Json;

namespace Hospes.Qmp.Tests;

/// <summary>The same bytes to QEMU's monitor and to this one: the same errors, in the same order.</summary>
public sealed class QemuTests
{
    private static readonly string[] s_lines =
    [
        """{"id":4,"execute":"nope"}""", """{"id":4,"foo":"nope"}""", "{'execute':'qmp_capabilities'}", """{"execute":"nope","id":[1,{"a":null}]}""",
        """{"execute":"query-version","arguments":{"x":1}}""", """{"execute":"query-version","arguments":5}""", """{"execute":5}""", """{"foo":5}""",
        "[1,2]", "\"x\"", "5", "true", "-7.5", "{}", """{"execute":"query-version",}""", "garbage", """{"execute":"qmp_capabilities"}""",
        """{"execute":"query-version" "id":1}""", """{"execute" "query-version"}""", "{5:6}", """{"a":[1 2]}""", """{"a":}""", "[1,2}",
        """{"execute":"query-version","execute":"x"}""", """{"a":"\x"}""", """{"a":"\u12"}""", """{"a":"\ud800"}""", """{"a":tru}""", """{"a":01}""", """{"a":1.}""",
        """{"a":-}""", """{"a":1e}""", """{"a":%s}""", "{\"a\":\"x\ny\"}", "@#$", "}", "]", "{]", """{"arguments":{}}""", """{"execute":null}""", """{"execute":"nope"}{"execute":"nope","id":9}""",
    ];

    [Fact]
    public async Task ErrorsAreThoseOfQemu()
    {
        string input = string.Join('\n', s_lines) + "\n";
        string[] theirs = await AskQemuAsync(input + """{"execute":"quit"}""" + "\n"), ours = await AskOursAsync(input);
        theirs[1..^2].ShouldBe(ours[1..]);
    }

    private static async Task<string[]> AskQemuAsync(string input)
    {
        var start = new ProcessStartInfo("qemu-system-x86_64") { RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach (string argument in (string[])["-M", "none", "-accel", "tcg", "-display", "none", "-nodefaults", "-qmp", "stdio"]) start.ArgumentList.Add(argument);
        using Process process = Process.Start(start)!;
        await process.StandardInput.WriteAsync(input);
        await process.StandardInput.FlushAsync();
        string output = await process.StandardOutput.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(60));
        await process.WaitForExitAsync();
        return Normalize(output);
    }

    private static async Task<string[]> AskOursAsync(string input)
    {
        using var sockets = new SocketPair();
        Task serving = Echo.Make().ServeAsync(sockets.Far);
        await sockets.Near.WriteAsync(System.Text.Encoding.UTF8.GetBytes(input));
        sockets.Near.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        using var reader = new StreamReader(sockets.Near);
        string output = await reader.ReadToEndAsync();
        await serving;
        return Normalize(output);
    }

    /// <summary>Each line without blanks, its members in order of their names: their order means nothing.</summary>
    private static string[] Normalize(string lines) =>
        [.. lines.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries).Select(static line =>
        {
            using JsonDocument document = JsonDocument.Parse(line);
            return string.Join(' ', document.RootElement.EnumerateObject().OrderBy(static member => member.Name).Select(static member =>
                $"{member.Name}={(member.Name == "error" ? $"{member.Value.GetProperty("class")}: {member.Value.GetProperty("desc")}" : member.Value.GetRawText().Replace(" ", "", StringComparison.Ordinal))}"));
        })];
}
