using Hospes.Domains.Configuration;
using Hospes.Domains.Drivers;
using Hospes.Domains.Events;
using Hospes.Domains.Lifecycle;
using Hospes.Domains.Operations;
using Hospes.Domains.Xml;

namespace Hospes.Domains;

public sealed partial class DomainHost
{
    /// <summary>How long a guest is waited for to let a device go; it may do so later. Linux takes five seconds.</summary>
    private static readonly TimeSpan DeparturePatience = TimeSpan.FromSeconds(15);

    /// <summary>Gives a domain a further device.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="xml">The device's document.</param>
    /// <param name="live">Whether the machine that runs gets it.</param>
    /// <param name="config">Whether the definition gets it.</param>
    public ValueTask<Outcome<Done>> AttachDeviceAsync(ManagedDomain domain, string xml, bool live, bool config) => ChangeDeviceAsync(domain, xml, live, config,
        (devices, device) => device.FindIn(devices) is null ? device.AddTo(devices) : new DomainFailure(DomainError.OperationFailed, $"{device.Words} already exists"),
        (now, device) => AttachNowAsync(domain, now, device));

    /// <summary>Takes a device from a domain. A guest that does not let it go within some seconds may do so later.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="xml">The device's document: its target or address says which it is.</param>
    /// <param name="live">Whether the machine that runs loses it.</param>
    /// <param name="config">Whether the definition loses it.</param>
    public async ValueTask<Outcome<Done>> DetachDeviceAsync(ManagedDomain domain, string xml, bool live, bool config)
    {
        Task? departure = null;
        Outcome<Done> done = await ChangeDeviceAsync(domain, xml, live, config, static (devices, device) => device.RemoveFrom(devices) is { } rest ? rest : Missing(device), async (now, device) =>
        {
            if (device.FindIn(now.Live!.Devices) is not { } present) return Missing(device);
            if (present is DevicePart.Disk { Config.Source: null }) return TakeDevices(domain, present.RemoveFrom(now.Live.Devices)!);
            domain.Leaving.Add(present.Alias!);
            departure = domain.Departures.GetOrAdd(present.Alias!, static _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
            return await domain.Machine!.UnplugAsync(present).ConfigureAwait(false);
        }).ConfigureAwait(false);
        if (done.Succeeded && departure is not null) await WaitAsync(departure).ConfigureAwait(false);
        return done;
    }

    /// <summary>Changes a device that is there: the state of a card's link and its bandwidth, the medium of a drive.</summary>
    /// <param name="domain">The domain.</param>
    /// <param name="xml">The device's document, as it is to be.</param>
    /// <param name="live">Whether the machine that runs is changed.</param>
    /// <param name="config">Whether the definition is changed.</param>
    public async ValueTask<Outcome<Done>> UpdateDeviceAsync(ManagedDomain domain, string xml, bool live, bool config)
    {
        Task? departure = null;
        DevicePart.Disk? medium = null;
        Outcome<Done> done = await ChangeDeviceAsync(domain, xml, live, config, Updated, async (now, device) =>
        {
            Outcome<DeviceConfig> next = Updated(now.Live!.Devices, device);
            if (next.Failure is { } refusal) return refusal;
            DevicePart before = device.FindIn(now.Live.Devices)!, after = device.FindIn(next.Value)!;
            switch (before, after)
            {
                case (DevicePart.Card old, DevicePart.Card card):
                    if (old.Config.LinkUp != card.Config.LinkUp && await domain.Machine!.SetLinkAsync(card.Config, card.Config.LinkUp).ConfigureAwait(false) is { } failure) return failure;
                    if (old.Config.Bandwidth != card.Config.Bandwidth && await domain.Machine!.LimitCardAsync(card.Config, card.Config.Bandwidth).ConfigureAwait(false) is { } unlimited) return unlimited;
                    break;
                case (DevicePart.Disk old, DevicePart.Disk disk) when old.Config.Source != disk.Config.Source:
                    if (await Driver.PrepareDiskAsync(disk.Config, CancellationToken.None).ConfigureAwait(false) is { } missing) return missing;
                    medium = disk.Config.Source is null ? null : disk;
                    if (old.Config.Source is null) break;
                    departure = domain.Departures.GetOrAdd(old.Alias!, static _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
                    return await domain.Machine!.UnplugAsync(old).ConfigureAwait(false);
                default:
                    if (before is DevicePart.Disk) return null;
                    break;
            }
            return before is DevicePart.Card ? TakeDevices(domain, next.Value) : null;
        }).ConfigureAwait(false);
        if (!done.Succeeded) return done;
        if (departure is not null && !await WaitAsync(departure).ConfigureAwait(false)) return new DomainFailure(DomainError.Busy, "the guest does not let the medium go");
        return medium is null ? done : await WithMachineAsync(domain, (now, _) => InsertAsync(domain, now, medium)).ConfigureAwait(false);
    }

    private static DomainFailure Missing(DevicePart device) => new(DomainError.NoDevice, $"no matching device was found: {device.Words}");

    /// <summary>The devices with one of them changed, as far as a device that is there can be.</summary>
    private static Outcome<DeviceConfig> Updated(DeviceConfig devices, DevicePart device)
    {
        if (device.FindIn(devices) is not { } found) return Missing(device);
        switch (found, device)
        {
            case (DevicePart.Card old, DevicePart.Card card):
                InterfaceConfig linked = old.Config with { LinkUp = card.Config.LinkUp, Bandwidth = card.Config.Bandwidth };
                bool same = linked with { Alias = null, Address = null, Model = null } == card.Config with { Alias = null, Address = null, Model = null };
                return same ? new DevicePart.Card(linked).ReplaceIn(devices) : new DomainFailure(DomainError.UnsupportedOperation, "of a network card, only the state of the link and the bandwidth can be changed");
            case (DevicePart.Disk { Config.Device: "cdrom" } old, DevicePart.Disk { Config.Device: "cdrom" } disk):
                return new DevicePart.Disk(old.Config with { Source = disk.Config.Source, IsBlock = disk.Config.IsBlock, Format = disk.Config.Format ?? old.Config.Format }).ReplaceIn(devices);
            case (DevicePart.Disk old, _):
                return new DomainFailure(DomainError.UnsupportedOperation, $"the disk '{old.Config.Target}' has no medium that could be changed");
            default:
                return new DomainFailure(DomainError.UnsupportedOperation, "only network cards and drives can be updated");
        }
    }

    /// <summary>Reads a device, changes the definition in mind, changes what runs, and then writes the definition: nothing is changed if something is refused.</summary>
    private ValueTask<Outcome<Done>> ChangeDeviceAsync(
        ManagedDomain domain, string xml, bool live, bool config, Func<DeviceConfig, DevicePart, Outcome<DeviceConfig>> change, Func<DomainSnapshot, DevicePart, ValueTask<DomainFailure?>> act)
    {
        Outcome<DevicePart> read = DeviceXml.ReadPart(xml);
        if (read.Failure is { } fault) return ValueTask.FromResult<Outcome<Done>>(fault);
        // An address is made once, so that what runs and what is defined get the same.
        DevicePart device = read.Value is DevicePart.Card { Config.Mac: null } card
            ? new DevicePart.Card(card.Config with { Mac = MacAddress.Generate(_options.Random) })
            : read.Value;
        return WithAsync<Done>(domain, async now =>
        {
            if (live && now.Live is null) return NotRunning;
            DomainConfig? definition = null;
            if (config)
            {
                if (now.Definition is null) return Transient;
                Outcome<DeviceConfig> devices = change(now.Definition.Devices, device);
                if (devices.Failure is { } refusal) return refusal;
                definition = DomainDefaults.Apply(now.Definition with { Devices = devices.Value }, Profile, _options.Random);
                if (DomainValidator.Check(definition, Profile) is { } invalid) return invalid;
            }
            if (live && await act(now, device).ConfigureAwait(false) is { } failure) return failure;
            return definition is null ? default(Done) : Change(domain, domain.Now, live: false, config: true, _ => definition);
        });
    }

    private async ValueTask<DomainFailure?> AttachNowAsync(ManagedDomain domain, DomainSnapshot now, DevicePart device)
    {
        DomainConfig live = now.Live!;
        if (device.FindIn(live.Devices) is not null) return new DomainFailure(DomainError.OperationFailed, $"{device.Words} already exists");
        DomainConfig next = DeviceAliases.Assign(DomainDefaults.Apply(live with { Devices = device.AddTo(live.Devices) }, Profile, _options.Random));
        if (DomainValidator.Check(next, Profile) is { } refusal) return refusal;
        return await _runner.RunAsync(domain, PlanAttach(domain, device.FindIn(next.Devices) ?? Last(next.Devices))).ConfigureAwait(false);

        // What has nothing to be known by stands at the end.
        static DevicePart Last(DeviceConfig devices) => new DevicePart.Rng(devices.Rngs[^1]);
    }

    private async ValueTask<DomainFailure?> InsertAsync(ManagedDomain domain, DomainSnapshot now, DevicePart.Disk medium)
    {
        if (await domain.Machine!.PlugAsync(medium).ConfigureAwait(false) is { } failure) return failure;
        return TakeDevices(domain, medium.ReplaceIn(now.Live!.Devices));
    }

    private Operation PlanAttach(ManagedDomain domain, DevicePart device)
    {
        DomainConfig live = domain.Now.Live!;
        return new Operation(OperationKind.Attach, DeviceXmlWriter.Write(device), Store.Keeps ? DomainXmlWriter.Write(live) : null, domain.Now.Id, 0,
        [
            new MicroOperation($"prepare {device.Words}", () => device switch
            {
                DevicePart.Disk disk => Driver.PrepareDiskAsync(disk.Config, CancellationToken.None),
                DevicePart.Card card => PrepareCardAsync(card.Config, CancellationToken.None),
                _ => ValueTask.FromResult<DomainFailure?>(null),
            }),
            new MicroOperation("plug it in", () => device is DevicePart.Disk { Config.Source: null } ? ValueTask.FromResult<DomainFailure?>(null) : domain.Machine!.PlugAsync(device)),
            MicroOperation.Of("take it", () =>
            {
                DeviceConfig devices = domain.Now.Live!.Devices;
                if (DevicePart.ByAlias(devices, device.Alias!) is null) _ = TakeLive(domain, domain.Now.Live with { Devices = device.AddTo(devices) }, close: false);
            }),
            MicroOperation.Of("tell", () => Events.Append(DomainEventKind.DeviceAdded, domain.Now.Name, domain.Uuid, domain.Now.Id, text: device.Alias)),
        ]);
    }

    /// <summary>Takes devices as what runs, and writes that down.</summary>
    private DomainFailure? TakeDevices(ManagedDomain domain, DeviceConfig devices) => TakeLive(domain, domain.Now.Live! with { Devices = devices });

    private DomainFailure? TakeLive(ManagedDomain domain, DomainConfig live, bool close = true)
    {
        domain.Machine!.Config = live;
        Publish(domain, domain.Now with { Live = live });
        return close ? _runner.Close(domain) : null;
    }

    private async Task<bool> WaitAsync(Task departure)
    {
        try
        {
            await departure.WaitAsync(DeparturePatience, Clock).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    private async Task DeviceRemovedAsync(ManagedDomain domain, IMachine machine, string alias)
    {
        await domain.Worker.DoAsync(() =>
        {
            if (domain.Machine == machine && DevicePart.ByAlias(domain.Now.Live!.Devices, alias) is { } device)
            {
                DeviceConfig devices = domain.Now.Live.Devices;
                // A drive stays when its medium goes.
                _ = TakeDevices(domain, device is DevicePart.Disk { Config: { Device: "cdrom" } drive } && !domain.Leaving.Contains(alias)
                    ? new DevicePart.Disk(drive with { Source = null }).ReplaceIn(devices)
                    : device.RemoveFrom(devices)!);
                Events.Append(DomainEventKind.DeviceRemoved, domain.Now.Name, domain.Uuid, domain.Now.Id, text: alias);
            }
            domain.Leaving.Remove(alias);
            if (domain.Departures.TryRemove(alias, out TaskCompletionSource? waiting)) waiting.TrySetResult();
            return ValueTask.FromResult(default(Done));
        }).ConfigureAwait(false);
    }
}
