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
                Disks = Free(devices.Disks, "virtio-disk", static disk => disk.Alias, static (disk, alias) => disk with { Alias = alias }),
                Interfaces = Free(devices.Interfaces, "net", static card => card.Alias, static (card, alias) => card with { Alias = alias }),
                Serials = serials,
                Consoles = [.. consoles],
                Channels = Named(devices.Channels, "channel"),
                Rngs = Free(devices.Rngs, "rng", static rng => rng.Alias, static (rng, alias) => rng with { Alias = alias }),
                Filesystems = Free(devices.Filesystems, "fs", static share => share.Alias, static (share, alias) => share with { Alias = alias }),
                Watchdogs = Free(devices.Watchdogs, "watchdog", static watchdog => watchdog.Alias, static (watchdog, alias) => watchdog with { Alias = alias }),
                // Every guest has sockets of its own, so that all may have the same address.
                Vsocks = [.. Free(devices.Vsocks, "vsock", static vsock => vsock.Alias, static (vsock, alias) => vsock with { Alias = alias })
                    .Select(static vsock => vsock with { Address = vsock.Address ?? VsockConfig.FirstAddress })],
                Inputs = Free(devices.Inputs, "input", static input => input.Alias, static (input, alias) => input with { Alias = alias }),
                Videos = Free(devices.Videos, "video", static video => video.Alias, static (video, alias) => video with { Alias = alias }),
                Panics = Free(devices.Panics, "panic", static panic => panic.Alias, static (panic, alias) => panic with { Alias = alias }),
                Balloon = devices.Balloon is { Model: "virtio" } balloon ? balloon with { Alias = balloon.Alias ?? "balloon0" } : devices.Balloon,
            },
        };
    }

    /// <summary>Names what has no name by the first numbers that are free: what came and went before leaves gaps.</summary>
    private static ValueList<T> Free<T>(ValueList<T> devices, string stem, Func<T, string?> alias, Func<T, string, T> name)
    {
        HashSet<string> taken = [.. devices.Select(alias).OfType<string>()];
        int next = 0;
        var named = new List<T>(devices.Count);
        foreach (T device in devices)
        {
            if (alias(device) is not null)
            {
                named.Add(device);
                continue;
            }
            while (!taken.Add($"{stem}{next}")) next++;
            named.Add(name(device, $"{stem}{next}"));
        }
        return [.. named];
    }

    private static ValueList<CharacterConfig> Named(ValueList<CharacterConfig> devices, string stem) => [.. devices.Select((device, i) => device with { Alias = device.Alias ?? $"{stem}{i}" })];
}
