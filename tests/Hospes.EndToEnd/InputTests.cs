using System.Text.Json.Nodes;

namespace Hospes.EndToEnd;

/// <summary>Debian's kernel finds keyboard and tablet, and its programs get what is typed over QMP.</summary>
public sealed class InputTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hospes-input-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task KeysAndPlacesArriveInTheGuest()
    {
        string qmp = Path.Combine(_folder, "qmp");
        await using TypedGuest guest = await TypedGuest.BootAsync(_folder, ["evdev", "virtio_input"], "--input", "--qmp", qmp);
        using QmpPeer monitor = await QmpPeer.ConnectAsync(qmp);

        string devices = await guest.DoAsync("cat /proc/bus/input/devices");
        devices.ShouldContain("N: Name=\"Hospes keyboard\"");
        devices.ShouldContain("N: Name=\"Hospes tablet\"");
        devices.ShouldContain("I: Bus=0006 Vendor=0627 Product=0001 Version=0001");
        devices.ShouldContain("B: ABS=3");
        string keyboard = Handler(devices, "Hospes keyboard"), tablet = Handler(devices, "Hospes tablet");

        // Of an event's 24 bytes, the last 8 are type, code and value.
        await guest.DoAsync($"(dd if=/dev/input/{keyboard} bs=24 count=4 of=/keys; echo >/keys.done) 2>/dev/null &");
        await guest.DoAsync($"(dd if=/dev/input/{tablet} bs=24 count=4 of=/moves; echo >/moves.done) 2>/dev/null &");
        await guest.UntilAsync("ls -l /proc/[0-9]*/fd | grep -c /dev/input/event", "2");
        await monitor.CallAsync("send-key", new JsonObject { ["keys"] = new JsonArray { new JsonObject { ["type"] = "qcode", ["data"] = "a" } } });
        await monitor.CallAsync("input-send-event", new JsonObject
        {
            ["events"] = new JsonArray
            {
                Event("abs", new JsonObject { ["axis"] = "x", ["value"] = 1000 }),
                Event("abs", new JsonObject { ["axis"] = "y", ["value"] = 2000 }),
                Event("btn", new JsonObject { ["button"] = "left", ["down"] = true }),
            },
        });
        await guest.UntilAsync("ls /keys.done /moves.done 2>&1 | grep -c No", "0");
        (await ReadAsync(guest, "/keys")).ShouldBe(["1 30 1", "0 0 0", "1 30 0", "0 0 0"]);
        (await ReadAsync(guest, "/moves")).ShouldBe(["3 0 1000", "3 1 2000", "1 272 1", "0 0 0"]);
        ((string?)(await monitor.CallAsync("query-mice"))![0]!["name"]).ShouldBe("Hospes tablet");
        await guest.PowerOffAsync();
    }

    private static string Handler(string devices, string name)
    {
        string part = devices[devices.IndexOf(name, StringComparison.Ordinal)..];
        int at = part.IndexOf("event", StringComparison.Ordinal);
        return part[at..(at + 6)];
    }

    private static JsonObject Event(string type, JsonObject data) => new() { ["type"] = type, ["data"] = data };

    private static async Task<string[]> ReadAsync(TypedGuest guest, string file)
    {
        string said = await guest.DoAsync($"hexdump -v -e '10/2 \" %u\" 1/4 \" %d\\n\"' {file}");
        return [.. said.Split('\n').Select(static line => string.Join(' ', line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[8..]))];
    }
}
