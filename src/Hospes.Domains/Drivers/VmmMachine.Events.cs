using System.Text.Json;
using Hospes.Domains.Configuration;
using Hospes.Domains.Events;
using Hospes.Qmp.Client;

namespace Hospes.Domains.Drivers;

internal sealed partial class VmmMachine
{
    /// <summary>Hands on what a machine tells of its devices, and what of it makes sense.</summary>
    private void TellOfDevices(QmpEvent happened)
    {
        JsonElement data = happened.Data;
        // A machine that its guest took over may say anything.
        if (data.ValueKind != JsonValueKind.Object) return;
        switch (happened.Name)
        {
            case "VNC_CONNECTED":
                TellLook(GraphicsPhase.Connect, data);
                break;
            case "VNC_INITIALIZED":
                TellLook(GraphicsPhase.Initialize, data);
                break;
            case "VNC_DISCONNECTED":
                TellLook(GraphicsPhase.Disconnect, data);
                break;
            case "RTC_CHANGE" when data.TryGetProperty("offset", out JsonElement offset) && offset.ValueKind == JsonValueKind.Number && offset.TryGetInt64(out long seconds):
                _sink.ClockSet(seconds);
                break;
            case "WATCHDOG" when WatchdogResultOf(Word(data, "action")) is { } result:
                _sink.WatchdogExpired(result);
                break;
            case "BLOCK_IO_ERROR" when VmmArguments.DiskOfNode(Word(data, "node-name")) is { } alias:
                _sink.DiskFailed(alias, Word(data, "action") switch
                {
                    "report" => IoErrorResult.Report,
                    "stop" => IoErrorResult.Pause,
                    _ => IoErrorResult.None,
                }, data.TryGetProperty("nospace", out JsonElement full) && full.ValueKind == JsonValueKind.True);
                break;
        }
    }

    private static WatchdogResult? WatchdogResultOf(string action) => action switch
    {
        "none" => WatchdogResult.None,
        "pause" => WatchdogResult.Pause,
        "reset" => WatchdogResult.Reset,
        "poweroff" => WatchdogResult.PowerOff,
        "shutdown" => WatchdogResult.Shutdown,
        "debug" => WatchdogResult.Debug,
        "inject-nmi" => WatchdogResult.InjectNmi,
        _ => null,
    };

    private void TellLook(GraphicsPhase phase, JsonElement data)
    {
        if (!data.TryGetProperty("server", out JsonElement server) || !data.TryGetProperty("client", out JsonElement client)) return;
        _sink.Looked(phase, [.. End(server), .. End(client), Word(server, "auth")]);
    }

    private static ValueList<string> End(JsonElement address) => [Word(address, "family"), Word(address, "host"), Word(address, "service")];

    private static string Word(JsonElement item, string name)
        => item.ValueKind == JsonValueKind.Object && item.TryGetProperty(name, out JsonElement word) && word.ValueKind == JsonValueKind.String ? word.GetString()! : "";
}
