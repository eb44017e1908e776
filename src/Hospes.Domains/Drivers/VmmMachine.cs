using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hospes.Domains.Configuration;
using Hospes.Qmp.Client;

namespace Hospes.Domains.Drivers;

/// <summary>A machine in a process of its own, driven over QMP.</summary>
internal sealed partial class VmmMachine : IMachine
{
    /// <summary>How long a process may take to end when it is told to.</summary>
    private static readonly TimeSpan EndPatience = TimeSpan.FromSeconds(15);

    private readonly VmmDriver _driver;
    private readonly string _folder;
    private readonly QmpClient _client;
    private readonly IMachineSink _sink;
    private readonly TaskCompletionSource _over = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _restartWhenOff;
    private volatile DomainConfig _config;
    private MachineEnd _end = MachineEnd.Crashed;

    public VmmMachine(VmmDriver driver, DomainConfig config, string folder, QmpClient client, IMachineSink sink)
    {
        _driver = driver;
        _config = config;
        _folder = folder;
        _client = client;
        _sink = sink;
        _ = ListenAsync();
    }

    public DomainConfig Config
    {
        get => _config;
        set => _config = value;
    }

    public string? Confinement
    {
        get
        {
            try
            {
                return $"{File.ReadAllText(Path.Combine(_folder, ConfinementPlan.AppliedName))}, {(_groups.Succeeded ? _groups.Value.Words : "no cgroup")}";
            }
            catch (Exception fault) when (fault is IOException or UnauthorizedAccessException)
            {
                return null;
            }
        }
    }

    public async ValueTask<bool?> IsPausedAsync()
    {
        (JsonElement? status, _) = await AskAsync("query-status").ConfigureAwait(false);
        return status is { ValueKind: JsonValueKind.Object } answer && answer.TryGetProperty("running", out JsonElement running) ? running.ValueKind != JsonValueKind.True : null;
    }

    public ValueTask<DomainFailure?> PauseAsync() => DoAsync("stop");

    public ValueTask<DomainFailure?> ResumeAsync() => DoAsync("cont");

    public ValueTask<DomainFailure?> ResetAsync() => DoAsync("system_reset");

    public ValueTask<DomainFailure?> PressPowerButtonAsync(bool restart)
    {
        _restartWhenOff = restart;
        return DoAsync("system_powerdown");
    }

    public async ValueTask<DomainFailure?> EndAsync(bool gracefully)
    {
        _end = MachineEnd.Ended;
        if (await DoAsync("quit").ConfigureAwait(false) is { } failure && !_over.Task.IsCompleted) return failure;
        try
        {
            await _over.Task.WaitAsync(EndPatience, _driver.Clock).ConfigureAwait(false);
            return null;
        }
        catch (TimeoutException)
        {
            return gracefully ? new DomainFailure(DomainError.Timeout, "failed to terminate the process of the machine: it did not end in time") : null;
        }
    }

    public ValueTask<DomainFailure?> SetMemoryAsync(ulong kib) => DoAsync("balloon", new JsonObject { ["value"] = kib * 1024 });

    public async ValueTask<Outcome<Stream>> OpenAsync(CharacterConfig device)
    {
        if (device.Type is not ("pty" or "unix") || (device.Type == "unix" && !device.Listens)) return new DomainFailure(DomainError.OperationFailed, $"character device {device.Alias} is not using a PTY");
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(VmmArguments.SocketOf(device, _folder))).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch (SocketException fault)
        {
            socket.Dispose();
            return new DomainFailure(DomainError.OperationFailed, $"character device {device.Alias} cannot be opened: {fault.Message}");
        }
    }

    private async ValueTask<DomainFailure?> DoAsync(string command, JsonObject? arguments = null) => (await AskAsync(command, arguments).ConfigureAwait(false)).Failure;

    private async ValueTask<(JsonElement? Value, DomainFailure? Failure)> AskAsync(string command, JsonObject? arguments = null)
    {
        try
        {
            QmpReply reply = await _client.ExecuteAsync(command, arguments).ConfigureAwait(false);
            return reply.Error is { } error ? (null, new DomainFailure(DomainError.OperationFailed, $"{command}: {error.Description}")) : (reply.Value, null);
        }
        catch (QmpClientException fault)
        {
            return (null, new DomainFailure(DomainError.OperationFailed, $"{command}: {fault.Message}"));
        }
    }

    private async Task ListenAsync()
    {
        await foreach (QmpEvent happened in _client.EventsAsync().ConfigureAwait(false))
        {
            switch (happened.Name)
            {
                case "SHUTDOWN":
                    await TakeShutdownAsync(happened.Data).ConfigureAwait(false);
                    break;
                case "RESET":
                    _sink.Rebooted();
                    break;
                case "GUEST_PANICKED":
                    _sink.Panicked();
                    break;
                case "BALLOON_CHANGE" when happened.Data.TryGetProperty("actual", out JsonElement actual) && actual.TryGetUInt64(out ulong bytes):
                    _sink.BalloonChanged(bytes / 1024);
                    break;
                case "DEVICE_DELETED" when happened.Data.TryGetProperty("device", out JsonElement device) && device.GetString() is { } alias:
                    await RemoveBackendAsync(alias).ConfigureAwait(false);
                    _sink.DeviceRemoved(alias);
                    break;
                default:
                    TellOfDevices(happened);
                    break;
            }
        }
        await _client.DisposeAsync().ConfigureAwait(false);
        _over.TrySetResult();
        _sink.Ended(_end);
    }

    /// <summary>The machine waits, off (<c>-no-shutdown</c>): it is started anew if that was wished, and ended otherwise.</summary>
    private async Task TakeShutdownAsync(JsonElement data)
    {
        string reason = data.ValueKind == JsonValueKind.Object && data.TryGetProperty("reason", out JsonElement word) ? word.GetString() ?? "" : "";
        if (reason is "guest-shutdown" && _restartWhenOff)
        {
            _restartWhenOff = false;
            if (await DoAsync("system_reset").ConfigureAwait(false) is null && await DoAsync("cont").ConfigureAwait(false) is null) return;
        }
        // Whoever was told of the panic decides.
        if (reason == "guest-panic") return;
        if (_end == MachineEnd.Crashed)
        {
            _end = reason switch
            {
                "guest-shutdown" => MachineEnd.PoweredOff,
                "guest-reset" => MachineEnd.Rebooted,
                _ => MachineEnd.Ended,
            };
        }
        // Not awaited: the answer comes by the loop that calls this.
        _ = DoAsync("quit").AsTask();
    }
}
