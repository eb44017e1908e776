namespace Hospes.Domains.Configuration;

/// <summary>The places of a machine's root bus, and who takes them: root ports, with devices that come and go behind them, and what stays.</summary>
internal static class RootBus
{
    /// <summary>Places for devices: those of a PCI bus without the host bridge's.</summary>
    public const int Slots = 31;

    /// <summary>Root ports beside those that devices are in from the start: what comes later goes there.</summary>
    private const int SparePorts = 4;

    /// <summary>The most root ports; devices beyond are on the root bus, and stay.</summary>
    private const int MaximumPorts = 16;

    /// <summary>How many root ports a machine has.</summary>
    /// <param name="devices">How many disks and cards it has at the start.</param>
    public static int Ports(int devices) => Math.Min(MaximumPorts, devices + SparePorts);

    /// <summary>How many places devices take.</summary>
    public static int Taken(DeviceConfig devices)
    {
        PciAddress?[] plugged = [.. devices.Disks.Where(static disk => disk.Source is not null).Select(static disk => disk.Address), .. devices.Interfaces.Select(static card => card.Address)];
        int ports = Ports(plugged.Length), placed = plugged.Count(static place => place is not null);
        bool serial = devices.Channels.Count > 0 || devices.Consoles.Any(static console => console.TargetType == "virtio");
        return ports + placed + Math.Max(0, plugged.Length - placed - ports) + devices.Rngs.Count + devices.Inputs.Count + devices.Videos.Count(static video => video.IsThere)
            + devices.Filesystems.Count + devices.Watchdogs.Count + devices.Vsocks.Count + devices.Panics.Count(static panic => panic.Model == "pvpanic") + (serial ? 1 : 0) + (devices.Balloon is { Model: "virtio" } ? 1 : 0);
    }
}
