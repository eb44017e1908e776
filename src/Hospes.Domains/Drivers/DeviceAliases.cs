using Hospes.Domains.Configuration;

namespace Hospes.Domains.Drivers;

/// <summary>The names that devices of running domains have where the configuration gives none; libvirt's QEMU driver gives the same.</summary>
internal static class DeviceAliases
{
    /// <summary>Names every device.</summary>
    public static DomainConfig Assign(DomainConfig config)
    {
        DeviceConfig devices = config.Devices;
        ValueList<CharacterConfig> serials = Named(devices.Serials, "serial");
        var consoles = devices.Consoles.Select((console, i) => console with
        {
            // The first console is the first serial port, under its name.
            Alias = console.Alias ?? (i == 0 && console.TargetType == "serial" && serials.Count > 0 ? serials[0].Alias : $"console{i}"),
        });
        return config with
        {
            Devices = devices with
            {
                Disks = [.. devices.Disks.Select(static (disk, i) => disk with { Alias = disk.Alias ?? $"virtio-disk{i}" })],
                Interfaces = [.. devices.Interfaces.Select(static (card, i) => card with { Alias = card.Alias ?? $"net{i}" })],
                Serials = serials,
                Consoles = [.. consoles],
                Channels = Named(devices.Channels, "channel"),
                Rngs = [.. devices.Rngs.Select(static (rng, i) => rng with { Alias = rng.Alias ?? $"rng{i}" })],
                Balloon = devices.Balloon is { Model: "virtio" } balloon ? balloon with { Alias = balloon.Alias ?? "balloon0" } : devices.Balloon,
            },
        };
    }

    private static ValueList<CharacterConfig> Named(ValueList<CharacterConfig> devices, string stem) => [.. devices.Select((device, i) => device with { Alias = device.Alias ?? $"{stem}{i}" })];
}
