using System.Diagnostics;
using System.Text.Json;
using Hospes.Vmm.Qmp;

namespace Hospes.Vmm.Tests.Qmp;

/// <summary>What this monitor declares, beside what QEMU's declares: every command and event is one of QEMU's, with members that QEMU has too.</summary>
public sealed class QemuSchemaTests
{
    [Fact]
    public async Task EveryCommandAndEventHasTheShapeOfQemus()
    {
        using var domain = new Monitored(RunningDomain.Options(), chardevs: new NoChardevs());
        Dictionary<string, JsonElement> ours = Index(domain.Do("query-qmp-schema")), theirs = Index(await AskQemuAsync());
        var odd = new List<string>();
        foreach ((string name, JsonElement info) in ours)
        {
            if (info.GetProperty("meta-type").GetString() is not ("command" or "event")) continue;
            if (!theirs.TryGetValue(name, out JsonElement qemus))
            {
                odd.Add($"{name}: QEMU has no such thing");
                continue;
            }
            // What a client may send here, QEMU takes; what QEMU always sends, a client finds here.
            var comparison = new Comparison(ours, theirs, odd);
            bool isCommand = info.GetProperty("meta-type").GetString() == "command";
            comparison.Compare($"{name} argument", Name(info, "arg-type"), Name(qemus, "arg-type"), comesIn: isCommand);
            if (isCommand) comparison.Compare($"{name} return", Name(info, "ret-type"), Name(qemus, "ret-type"), comesIn: false);
        }
        odd.ShouldBeEmpty();
    }

    private static string Name(JsonElement info, string member) => info.GetProperty(member).GetString()!;

    private static Dictionary<string, JsonElement> Index(JsonElement schema) => schema.EnumerateArray().ToDictionary(static info => info.GetProperty("name").GetString()!);

    private static async Task<JsonElement> AskQemuAsync()
    {
        var start = new ProcessStartInfo("qemu-system-x86_64") { RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach (string argument in (string[])["-M", "none", "-accel", "tcg", "-display", "none", "-nodefaults", "-qmp", "stdio"]) start.ArgumentList.Add(argument);
        using Process process = Process.Start(start)!;
        await process.StandardInput.WriteAsync("{'execute':'qmp_capabilities'}{'execute':'query-qmp-schema','id':1}");
        await process.StandardInput.FlushAsync();
        string? answer = null;
        while (answer?.Contains("\"id\": 1", StringComparison.Ordinal) != true)
            answer = (await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(100))).ShouldNotBeNull();
        // Not before: QEMU ends without what it has not written yet.
        await process.StandardInput.WriteAsync("{'execute':'quit'}");
        await process.StandardInput.FlushAsync();
        await process.WaitForExitAsync();
        using JsonDocument document = JsonDocument.Parse(answer);
        return document.RootElement.GetProperty("return").Clone();
    }

    private sealed class Comparison(Dictionary<string, JsonElement> ours, Dictionary<string, JsonElement> theirs, List<string> odd)
    {
        private readonly HashSet<(string, string)> _seen = [];

        public void Compare(string where, string our, string their, bool comesIn)
        {
            if (!_seen.Add((our, their))) return;
            JsonElement mine = ours[our], qemus = theirs[their];
            string kind = Name(mine, "meta-type");
            if (kind != Name(qemus, "meta-type"))
            {
                odd.Add($"{where}: {kind} instead of {Name(qemus, "meta-type")}");
                return;
            }
            switch (kind)
            {
                case "builtin":
                    if (our != their) odd.Add($"{where}: {our} instead of {their}");
                    break;
                case "array":
                    Compare($"{where}[]", Name(mine, "element-type"), Name(qemus, "element-type"), comesIn);
                    break;
                case "enum":
                    string[] words = [.. qemus.GetProperty("values").EnumerateArray().Select(static word => word.GetString()!)];
                    odd.AddRange(mine.GetProperty("values").EnumerateArray().Where(word => !words.Contains(word.GetString())).Select(word => $"{where}: QEMU has no word {word}"));
                    break;
                case "object":
                    CompareObjects(where, mine, qemus, comesIn);
                    break;
            }
        }

        private void CompareObjects(string where, JsonElement mine, JsonElement qemus, bool comesIn)
        {
            Dictionary<string, JsonElement> own = Index(mine.GetProperty("members")), known = Index(qemus.GetProperty("members"));
            foreach ((string name, JsonElement member) in own)
            {
                if (!known.TryGetValue(name, out JsonElement at))
                {
                    odd.Add($"{where}.{name}: QEMU has no such member");
                    continue;
                }
                bool isOptional = member.TryGetProperty("default", out _), theirsIsOptional = at.TryGetProperty("default", out _);
                if (comesIn && !isOptional && theirsIsOptional) odd.Add($"{where}.{name}: must be given, but not to QEMU");
                if (!comesIn && isOptional && !theirsIsOptional) odd.Add($"{where}.{name}: may be missing, but not in QEMU");
                Compare($"{where}.{name}", Name(member, "type"), Name(at, "type"), comesIn);
            }
            odd.AddRange(known.Where(at => !own.ContainsKey(at.Key) && !at.Value.TryGetProperty("default", out _)).Select(at => $"{where}.{at.Key}: missing"));
            if (!mine.TryGetProperty("variants", out JsonElement variants)) return;
            Dictionary<string, string> cases = qemus.GetProperty("variants").EnumerateArray().ToDictionary(static at => Name(at, "case"), static at => Name(at, "type"));
            foreach (JsonElement variant in variants.EnumerateArray()) Compare($"{where}<{Name(variant, "case")}>", Name(variant, "type"), cases[Name(variant, "case")], comesIn);
        }
    }

    private sealed class NoChardevs : IChardevHost
    {
        public IReadOnlyList<ChardevInfo> List() => [];

        public string? TryAdd(string id, JsonElement backend, out string? pty)
        {
            pty = null;
            return "none";
        }

        public string? TryRemove(string id) => "none";
    }
}
