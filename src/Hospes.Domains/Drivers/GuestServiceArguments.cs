using System.Globalization;
using Hospes.Domains.Configuration;
using static Hospes.Domains.Drivers.VmmArguments;

namespace Hospes.Domains.Drivers;

/// <summary>Shared folders, watchdogs, sockets and huge pages on the command line of <c>hospes vmm</c>.</summary>
internal static class GuestServiceArguments
{
    /// <summary>
    /// The socket of a domain's folder that leads to its guest: who says <c>CONNECT PORT</c> there gets to that port of the guest, and what the guest opens to a port of the host leads to whoever
    /// listens on the path with <c>_PORT</c> behind.
    /// </summary>
    public const string VsockName = "vsock";

    private const string MemoryName = "ram";

    /// <summary>The machine, with what its memory is made of.</summary>
    public static string Machine(DomainConfig config) => HostProfile.Machine + (config.MemoryBacking?.HugePageKiB is null ? "" : $",memory-backend={MemoryName}");

    /// <summary>Adds the rest to a line.</summary>
    public static void Add(List<string> line, DomainConfig config, string folder)
    {
        DeviceConfig devices = config.Devices;
        if (config.MemoryBacking?.HugePageKiB is { } page)
            line.AddRange(["-object", string.Create(CultureInfo.InvariantCulture, $"memory-backend-memfd,id={MemoryName},size={config.MemoryKiB}k,hugetlb=on,hugetlbsize={page}k")]);
        foreach (FilesystemConfig share in devices.Filesystems)
            line.AddRange(["-device", $"virtio-fs-pci,id={share.Alias},tag={Escape(share.Target)},path={Escape(share.Source)}{(share.ReadOnly ? ",readonly=on" : "")}"]);
        foreach (VsockConfig vsock in devices.Vsocks)
            line.AddRange(["-device", string.Create(CultureInfo.InvariantCulture, $"virtio-vsock-pci,id={vsock.Alias},guest-cid={vsock.Address},uds-path={Escape(Path.Combine(folder, VsockName))}")]);
        foreach (WatchdogConfig watchdog in devices.Watchdogs) line.AddRange(["-device", $"{watchdog.Model},id={watchdog.Alias}", "-watchdog-action", watchdog.Action]);
    }
}
