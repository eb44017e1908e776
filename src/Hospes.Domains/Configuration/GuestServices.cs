namespace Hospes.Domains.Configuration;

/// <summary>A watchdog, which the guest has to tend.</summary>
/// <param name="Model">Its model: <c>i6300esb</c>.</param>
/// <param name="Action">What an expiry leads to: <c>reset</c>, <c>shutdown</c>, <c>poweroff</c>, <c>pause</c>, <c>none</c>, <c>inject-nmi</c> or <c>dump</c>, which is known and not supported.</param>
/// <param name="Alias">The name of the device, or null.</param>
public sealed record WatchdogConfig(string Model, string Action, string? Alias = null);

/// <summary>Sockets between guest and host (vsock(7)).</summary>
/// <param name="ChoosesAddress">Whether the guest's address is chosen at each start.</param>
/// <param name="Address">The guest's address, <see cref="FirstAddress"/> or more; null while none is chosen.</param>
/// <param name="Alias">The name of the device, or null.</param>
public sealed record VsockConfig(bool ChoosesAddress, uint? Address, string? Alias = null)
{
    /// <summary>The first address of a guest: those below are the hypervisor's, the loopback's and the host's.</summary>
    public const uint FirstAddress = 3;
}

/// <summary>A folder of the host that the guest may mount.</summary>
/// <param name="Source">The folder's path.</param>
/// <param name="Target">The tag by which the guest mounts it.</param>
public sealed record FilesystemConfig(string Source, string Target)
{
    /// <summary>The most bytes of a tag (virtio 1.2, 5.11.4).</summary>
    public const int LongestTarget = 36;

    /// <summary>Whether nothing in it can change.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>The name of the device, or null.</summary>
    public string? Alias { get; init; }
}

/// <summary>The element <c>memoryBacking</c>: what the guest's memory is made of.</summary>
/// <param name="HugePageKiB">The size of the host's huge pages that it is made of; null for ordinary pages.</param>
/// <param name="Source"><c>memfd</c> or <c>anonymous</c>, which are the same here; null when not said.</param>
/// <param name="Access"><c>shared</c> or <c>private</c>, which are the same here: folders are served by the machine's own process; null when not said.</param>
/// <param name="IsNotMerged">Whether it was asked that pages are not merged with those of others, which they never are.</param>
public sealed record MemoryBackingConfig(ulong? HugePageKiB = null, string? Source = null, string? Access = null, bool IsNotMerged = false)
{
    /// <summary>The size of huge pages that are meant where no size is given.</summary>
    public const ulong UsualHugePageKiB = 2048;

    /// <summary>The other size that there is.</summary>
    public const ulong LargeHugePageKiB = 1048576;
}

/// <summary>What of these things a machine cannot be.</summary>
internal static class GuestServiceRules
{
    /// <summary>The first thing that is wrong, or null.</summary>
    public static DomainFailure? Check(DomainConfig config)
    {
        DeviceConfig devices = config.Devices;
        if (config.MemoryBacking?.HugePageKiB is { } page)
        {
            if (page is not (MemoryBackingConfig.UsualHugePageKiB or MemoryBackingConfig.LargeHugePageKiB)) return Unsupported($"huge pages of {page} KiB are not supported by this machine");
            if (config.MemoryKiB % page != 0) return Unsupported($"{config.MemoryKiB} KiB of memory are no multiple of huge pages of {page} KiB");
        }
        if (devices.Watchdogs.Count > 1) return Unsupported("this machine has one watchdog");
        foreach (WatchdogConfig watchdog in devices.Watchdogs)
        {
            if (watchdog.Model != "i6300esb") return Unsupported($"the watchdog '{watchdog.Model}' is not supported by this machine; there is 'i6300esb'");
            if (watchdog.Action == "dump") return Unsupported("dumps by watchdogs are not supported yet");
        }
        if (devices.Vsocks.Count > 1) return Unsupported("this machine has one vsock device");
        foreach (VsockConfig vsock in devices.Vsocks)
        {
            if (vsock is { ChoosesAddress: false, Address: null }) return new DomainFailure(DomainError.InvalidXml, "a guest CID must be given where none is chosen");
        }
        var targets = new HashSet<string>();
        foreach (FilesystemConfig share in devices.Filesystems)
        {
            if (share.Source.Contains('\0', StringComparison.Ordinal) || !Path.IsPathRooted(share.Source)) return new DomainFailure(DomainError.InvalidXml, $"the path '{share.Source}' is not absolute");
            if (share.Target.Length == 0 || share.Target.Contains('\0', StringComparison.Ordinal) || System.Text.Encoding.UTF8.GetByteCount(share.Target) > FilesystemConfig.LongestTarget)
                return Unsupported($"the target '{share.Target}' of a filesystem is no tag of 1 to {FilesystemConfig.LongestTarget} bytes");
            if (!targets.Add(share.Target)) return new DomainFailure(DomainError.InvalidXml, $"filesystem target '{share.Target}' specified twice");
        }
        return null;
    }

    private static DomainFailure Unsupported(string detail) => new(DomainError.UnsupportedConfiguration, detail);
}
