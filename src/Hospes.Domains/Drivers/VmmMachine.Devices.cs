using System.Text.Json;
using System.Text.Json.Nodes;
using Hospes.Domains.Configuration;
using Hospes.Domains.Networks;
using Hospes.Domains.Statistics;

namespace Hospes.Domains.Drivers;

internal sealed partial class VmmMachine
{
    /// <summary>Limits as QMP calls them (<c>block_set_io_throttle</c>), in the order of <see cref="IoTuneConfig.Kinds"/>.</summary>
    private static readonly string[] Throttles = ["bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr"];

    public async ValueTask<DomainFailure?> PlugAsync(DevicePart device)
    {
        // A daemon that was killed while it plugged the device in may have done so.
        if (await PresentAsync().ConfigureAwait(false) is { } present && present.Contains(device.Alias!)) return null;
        string alias = device.Alias!;
        Outcome<UserNetworkEnd?> network = device is DevicePart.Card connected ? _driver.OpenNetwork(Config, connected.Config) : (UserNetworkEnd?)null;
        if (network.Failure is { } unserved) return unserved;
        using UserNetworkEnd? end = network.Value;
        (JsonObject? backend, JsonObject front) = device switch
        {
            DevicePart.Disk disk => (Node(disk.Config), Front(disk.Config)),
            DevicePart.Card card => (Backend(card.Config, end), Front(card.Config, end is null ? null : _driver.UserMtu)),
            _ => (null, new JsonObject { ["driver"] = "virtio-rng-pci", ["id"] = alias, ["rng"] = $"obj{alias}" }),
        };
        await RemoveBackendAsync(alias).ConfigureAwait(false);
        if (backend is not null && await DoAsync(device is DevicePart.Disk ? "blockdev-add" : "netdev_add", backend).ConfigureAwait(false) is { } refusal) return refusal;
        if (await DoAsync("device_add", front).ConfigureAwait(false) is { } failure)
        {
            await RemoveBackendAsync(alias).ConfigureAwait(false);
            return failure;
        }
        return device switch
        {
            DevicePart.Disk { Config.IoTune.IsLimited: true } disk => await SetLimitsAsync(disk.Config, disk.Config.IoTune).ConfigureAwait(false),
            DevicePart.Card card => await SettleCardAsync(card.Config).ConfigureAwait(false),
            _ => null,
        };
    }

    /// <summary>Gives a card that was plugged in its limits, and pulls its cable out where that is so.</summary>
    private async ValueTask<DomainFailure?> SettleCardAsync(InterfaceConfig card)
    {
        if (card.Bandwidth.IsLimited && await LimitCardAsync(card, card.Bandwidth).ConfigureAwait(false) is { } refusal) return refusal;
        return card.LinkUp ? null : await SetLinkAsync(card, up: false).ConfigureAwait(false);
    }

    public ValueTask<DomainFailure?> UnplugAsync(DevicePart device) => DoAsync("device_del", new JsonObject { ["id"] = device.Alias });

    public async ValueTask<DomainFailure?> PlugProcessorAsync(int index)
        => await DoAsync("device_add", new JsonObject { ["driver"] = "max-x86_64-cpu", ["id"] = $"vcpu{index}", ["socket-id"] = index, ["core-id"] = 0, ["thread-id"] = 0 }).ConfigureAwait(false)
            ?? await SettleVcpuAsync(index).ConfigureAwait(false);

    public ValueTask<DomainFailure?> SetLinkAsync(InterfaceConfig card, bool up) => DoAsync("set_link", new JsonObject { ["name"] = card.Alias, ["up"] = up });

    public ValueTask<DomainFailure?> SetLimitsAsync(DiskConfig disk, IoTuneConfig limits)
    {
        var arguments = new JsonObject { ["id"] = disk.Alias };
        for (int kind = 0; kind < Throttles.Length; kind++)
        {
            IoLimit limit = limits.Limits[kind];
            arguments[Throttles[kind]] = limit.Rate;
            if (limit.Burst != 0) arguments[$"{Throttles[kind]}_max"] = limit.Burst;
            if (limit.BurstSeconds != 0) arguments[$"{Throttles[kind]}_max_length"] = limit.BurstSeconds;
        }
        if (limits.OperationSize != 0) arguments["iops_size"] = limits.OperationSize;
        return DoAsync("block_set_io_throttle", arguments);
    }

    public ValueTask<DomainFailure?> ResizeDiskAsync(DiskConfig disk, ulong size) => DoAsync("block_resize", new JsonObject { ["node-name"] = VmmArguments.NodeOf(disk.Alias!), ["size"] = size });

    public async ValueTask<Outcome<DiskUse>> DiskUseAsync(DiskConfig disk)
    {
        (JsonElement? nodes, DomainFailure? failure) = await AskAsync("query-named-block-nodes").ConfigureAwait(false);
        if (failure is not null) return failure;
        string name = VmmArguments.NodeOf(disk.Alias!);
        foreach (JsonElement node in nodes!.Value.EnumerateArray())
        {
            if (!node.TryGetProperty("node-name", out JsonElement called) || called.GetString() != name) continue;
            JsonElement image = node.GetProperty("image");
            ulong capacity = image.GetProperty("virtual-size").GetUInt64();
            ulong physical = File.Exists(disk.Source) ? (ulong)new FileInfo(disk.Source).Length : capacity;
            return new DiskUse(capacity, image.TryGetProperty("actual-size", out JsonElement actual) && actual.TryGetUInt64(out ulong used) ? used : physical, physical);
        }
        return new DomainFailure(DomainError.OperationFailed, $"the machine does not tell of the disk '{disk.Target}'");
    }

    /// <summary>Says what of a configuration the machine has by now: devices and processors came and went while nobody was there to write it down.</summary>
    public async ValueTask LookAsync()
    {
        if (await PresentAsync().ConfigureAwait(false) is { } present)
        {
            DeviceConfig devices = _config.Devices;
            _config = _config with
            {
                Devices = devices with
                {
                    Disks = [.. devices.Disks.Where(disk => disk.Source is null || present.Contains(disk.Alias!))],
                    Interfaces = [.. devices.Interfaces.Where(card => present.Contains(card.Alias!))],
                    Rngs = [.. devices.Rngs.Where(rng => present.Contains(rng.Alias!))],
                },
            };
        }
        (JsonElement? processors, _) = await AskAsync("query-cpus-fast").ConfigureAwait(false);
        if (processors is { ValueKind: JsonValueKind.Array } list && list.GetArrayLength() > 0) _config = _config with { Vcpus = _config.Vcpus with { Current = list.GetArrayLength() } };
        await LookForScreenAsync().ConfigureAwait(false);
    }

    private static JsonObject Node(DiskConfig disk) => new()
    {
        ["driver"] = disk.Format,
        ["node-name"] = VmmArguments.NodeOf(disk.Alias!),
        ["read-only"] = disk.ReadOnly,
        ["file"] = new JsonObject { ["driver"] = "file", ["filename"] = disk.Source },
    };

    private static JsonObject Front(DiskConfig disk)
    {
        var front = new JsonObject { ["driver"] = "virtio-blk-pci", ["id"] = disk.Alias, ["drive"] = VmmArguments.NodeOf(disk.Alias!) };
        if (disk.Serial is not null) front["serial"] = disk.Serial;
        return front;
    }

    private static JsonObject Backend(InterfaceConfig card, UserNetworkEnd? end)
    {
        if (end is not null) return new JsonObject { ["type"] = "stream", ["id"] = VmmArguments.BackendOf(card.Alias!), ["addr"] = new JsonObject { ["type"] = "unix", ["path"] = end.Socket } };
        var backend = new JsonObject { ["type"] = card.Type == "ethernet" ? "tap" : "user", ["id"] = VmmArguments.BackendOf(card.Alias!) };
        if (card.Type != "ethernet") return backend;
        if (card.Target is not null) backend["ifname"] = card.Target;
        foreach (string script in (ReadOnlySpan<string>)["script", "downscript"]) backend[script] = "no";
        return backend;
    }

    private static JsonObject Front(InterfaceConfig card, int? userMtu)
    {
        var front = new JsonObject { ["driver"] = "virtio-net-pci", ["id"] = card.Alias, ["netdev"] = VmmArguments.BackendOf(card.Alias!), ["mac"] = card.Mac };
        if ((card.Mtu ?? (uint?)userMtu) is { } mtu) front["host_mtu"] = mtu;
        return front;
    }

    /// <summary>What a device that is gone leaves behind: a block node or a backend. No harm if there is nothing.</summary>
    private async ValueTask RemoveBackendAsync(string alias)
    {
        _ = await AskAsync("blockdev-del", new JsonObject { ["node-name"] = VmmArguments.NodeOf(alias) }).ConfigureAwait(false);
        _ = await AskAsync("netdev_del", new JsonObject { ["id"] = VmmArguments.BackendOf(alias) }).ConfigureAwait(false);
    }

    /// <summary>The names of the devices that there are, or null if the machine does not say.</summary>
    private async ValueTask<HashSet<string>?> PresentAsync()
    {
        (JsonElement? answer, _) = await AskAsync("qom-list", new JsonObject { ["path"] = "/machine/peripheral" }).ConfigureAwait(false);
        if (answer is not { ValueKind: JsonValueKind.Array } list) return null;
        return [.. list.EnumerateArray().Select(static item => item.TryGetProperty("name", out JsonElement name) ? name.GetString() : null).OfType<string>()];
    }
}
