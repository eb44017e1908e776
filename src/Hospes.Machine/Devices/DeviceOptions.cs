using System.Net;
using System.Net.NetworkInformation;
using Hospes.Network;
using Hospes.Virtio;

namespace Hospes.Machine;

/// <summary>One device of a domain: a closed set of kinds.</summary>
public abstract record DeviceOptions
{
    /// <summary>The device's name for those who manage the domain; null for none. Unique among a domain's devices.</summary>
    public string? Id { get; init; }

    /// <summary>The name of the root port that the device is behind; null for bus 0.</summary>
    public string? Bus { get; init; }
}

/// <summary>A PCI Express root port, into which a device can be plugged while the guest runs.</summary>
public sealed record RootPortOptions : DeviceOptions;

/// <summary>A source of entropy from the host's generator (virtio-rng).</summary>
public sealed record EntropyOptions : DeviceOptions;

/// <summary>A memory balloon (virtio-balloon): one a domain.</summary>
public sealed record BalloonOptions : DeviceOptions
{
    /// <summary>Whether the guest may report pages that nothing uses, whose memory the host then gets back.</summary>
    public bool ReportsFreePages { get; init; }

    /// <summary>Whether the guest may take pages back rather than end a program for want of memory.</summary>
    public bool DeflatesOnOom { get; init; }

    /// <summary>How often the guest is asked for statistics, until that is changed; zero for never.</summary>
    public TimeSpan PollingInterval { get; init; }
}

/// <summary>Memory that the guest gets and gives back in blocks while it runs (virtio-mem). It is there from the beginning: such a device is not plugged in.</summary>
/// <param name="Size">The most that there can be of it: a multiple of <see cref="BlockSize"/>.</param>
public sealed record MemoryOptions(ulong Size) : DeviceOptions
{
    /// <summary>Bytes of a block, unless it is said: a large page of the processor.</summary>
    public const ulong UsualBlock = 2 << 20;

    /// <summary>Bytes of a block: a power of two, at least 1 MiB.</summary>
    public ulong BlockSize { get; init; } = UsualBlock;

    /// <summary>How much of it the guest is to have, until that is changed: a multiple of <see cref="BlockSize"/>.</summary>
    public ulong Requested { get; init; }

    /// <summary>The name of what the memory is from; null for none.</summary>
    public string? Backend { get; init; }

    /// <summary>Whether it comes from the host's pool of huge pages.</summary>
    public Hypervisor.HugePages HugePages { get; init; }

    /// <summary>Whether other processes must be able to map it.</summary>
    public bool IsShared { get; init; }
}

/// <summary>Sockets between the guest and Unix sockets of the host (virtio-vsock): one a domain.</summary>
/// <param name="Path">The socket to which the host's programs connect; those that the guest connects to have a line and the port's number behind it.</param>
public sealed record VsockOptions(string Path) : DeviceOptions
{
    /// <summary>The guest's address, from 3 to 2^32 - 2.</summary>
    public ulong GuestCid { get; init; } = Virtio.VsockDevice.FirstGuestCid;
}

/// <summary>A folder of the host that the guest mounts (virtio-fs).</summary>
/// <param name="Path">The folder.</param>
/// <param name="Tag">By what the guest mounts it: 1 to 36 bytes of UTF-8. Unique among a domain's folders.</param>
public sealed record ShareOptions(string Path, string Tag) : DeviceOptions
{
    /// <summary>Whether the guest can't change anything in it.</summary>
    public bool IsReadOnly { get; init; }
}

/// <summary>A device that people use (virtio-input).</summary>
/// <param name="IsTablet">Whether it is a tablet; else a keyboard.</param>
public sealed record InputOptions(bool IsTablet) : DeviceOptions;

/// <summary>A graphics adapter (virtio-gpu, 2D).</summary>
public sealed record GpuOptions : DeviceOptions
{
    /// <summary>How many screens it has, 1 to 16.</summary>
    public int Screens { get; init; } = 1;

    /// <summary>The width that the guest is asked for.</summary>
    public int Width { get; init; } = 1280;

    /// <summary>The height that the guest is asked for.</summary>
    public int Height { get; init; } = 800;

    /// <summary>Bytes of the host that the guest's pictures may take.</summary>
    public ulong HostMemory { get; init; } = GpuSettings.UsualMemory;

    /// <summary>Whether the guest may read what the screens tell of themselves (EDID).</summary>
    public bool HasEdid { get; init; } = true;
}

/// <summary>A place on the PCI bus where the guest's kernel tells of its panic (pvpanic-pci).</summary>
public sealed record PanicNoticeOptions : DeviceOptions;

/// <summary>A watchdog on the PCI bus (i6300esb).</summary>
public sealed record WatchdogOptions : DeviceOptions;

/// <summary>A console beside the serial port (virtio-console, <c>hvc0</c> in Linux). Its output goes where the serial port's goes, and what people
/// type goes into it instead of into the serial port.</summary>
public sealed record ConsoleOptions : DeviceOptions
{
    /// <summary>The ports, sorted by their numbers, which are unique; null for one console that is as said above.</summary>
    public IReadOnlyList<ConsolePortOptions>? Ports { get; init; }
}

/// <summary>One port of a virtio console that has an end of its own on the host.</summary>
public sealed record ConsolePortOptions
{
    /// <summary>Its number: 0 to 30. Number 0 has to be a console.</summary>
    public int Number { get; init; }

    /// <summary>Whether it is a console; else a channel (<c>/dev/virtio-ports/NAME</c> in Linux).</summary>
    public bool IsConsole { get; init; }

    /// <summary>The name that the guest is told, or null.</summary>
    public string? Name { get; init; }

    /// <summary>The name of what is behind the port; null for nothing.</summary>
    public string? Backend { get; init; }

    /// <summary>Its end on the host; null for nowhere: what the guest writes is gone then.</summary>
    public IConsoleEnd? End { get; init; }
}

/// <summary>A disk (virtio-blk).</summary>
/// <param name="Path">The image's path.</param>
public sealed record DiskOptions(string Path) : DeviceOptions
{
    /// <summary>The name of the drive in the device, by which a medium is changed or resized; null for none. Unique among a domain's drives.</summary>
    public string? Drive { get; init; }

    /// <summary>The name of the block node that is the image; null for one that is made up. Unique among a domain's block nodes.</summary>
    public string? NodeName { get; init; }

    /// <summary>Whether the block node of that name is there already; the path is not looked at then.</summary>
    public bool IsPresent { get; init; }

    /// <summary>The name of the block node that is the image's file; null for one that is made up. Unique among a domain's block nodes.</summary>
    public string? FileNodeName { get; init; }

    /// <summary>The image's format, <c>raw</c> or <c>qcow2</c>; null to look.</summary>
    public string? Format { get; init; }

    /// <summary>Whether there is no image: a drive without a medium.</summary>
    public bool IsEmpty => Path.Length == 0 && !IsPresent;

    /// <summary>Whether the guest can't write.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>What the guest reads as the serial: up to 20 bytes of ASCII.</summary>
    public string Serial { get; init; } = "";

    /// <summary>How many queues, 1 to 16.</summary>
    public int Queues { get; init; } = 1;

    /// <summary>How fast the guest's requests may begin, until that is changed.</summary>
    public RequestLimits Limits { get; init; } = new();
}

/// <summary>A SCSI host device (virtio-scsi) with its disks and drives.</summary>
public sealed record ScsiOptions : DeviceOptions
{
    /// <summary>Its units, up to 16, each with a place of its own.</summary>
    public IReadOnlyList<ScsiUnitOptions> Units { get; init; } = [];

    /// <summary>How many queues for commands, 1 to 16.</summary>
    public int Queues { get; init; } = 1;
}

/// <summary>A unit of a SCSI host device.</summary>
/// <param name="Disk">What is behind it: its name, its image, its limits. Queues and bus are not looked at. With an empty path and no present node, a drive has no medium.</param>
public sealed record ScsiUnitOptions(DiskOptions Disk)
{
    /// <summary>Whether it is a CD-ROM drive, which has a tray and can't be written; else a disk.</summary>
    public bool IsDrive { get; init; }

    /// <summary>Its target, 0 to 255.</summary>
    public int Target { get; init; }

    /// <summary>Its number there, 0 to 255.</summary>
    public int Lun { get; init; }
}

/// <summary>A network card (virtio-net): a closed set of what it is connected to.</summary>
public abstract record NetworkOptions : DeviceOptions
{
    /// <summary>The name of what is behind the card; null for none. Unique among a domain's network backends.</summary>
    public string? Backend { get; init; }

    /// <summary>Its MAC address; null for one that is made up.</summary>
    public PhysicalAddress? Mac { get; init; }

    /// <summary>The MTU that the guest is told; null for the connection's own.</summary>
    public int? Mtu { get; init; }

    /// <summary>How many pairs of queues, 1 to 16.</summary>
    public int Pairs { get; init; } = 1;

    /// <summary>How fast frames may pass, until that is changed.</summary>
    public RequestLimits Limits { get; init; } = new();
}

/// <summary>User-mode networking through passt.</summary>
public sealed record UserNetworkOptions : NetworkOptions
{
    /// <summary>Ports of the host that lead into the guest.</summary>
    public IReadOnlyList<PortForward> Forwards { get; init; } = [];
}

/// <summary>A network backend that is there already, by the name in <see cref="NetworkOptions.Backend"/>.</summary>
public sealed record PresentNetworkOptions : NetworkOptions;

/// <summary>A tap device of the host.</summary>
/// <param name="Name">Its name.</param>
public sealed record TapNetworkOptions(string Name) : NetworkOptions;

/// <summary>A Unix stream socket to another guest or a switch.</summary>
/// <param name="Path">The socket's path.</param>
/// <param name="Listens">Whether this side listens; else it connects.</param>
public sealed record StreamNetworkOptions(string Path, bool Listens) : NetworkOptions;

/// <summary>A TCP connection to another guest or a switch.</summary>
/// <param name="Point">Where this side listens or connects to.</param>
/// <param name="Listens">Whether this side listens; else it connects.</param>
public sealed record TcpNetworkOptions(IPEndPoint Point, bool Listens) : NetworkOptions;

/// <summary>UDP datagrams to another guest.</summary>
/// <param name="Local">Where frames come in.</param>
/// <param name="Remote">Where they go to.</param>
public sealed record DatagramNetworkOptions(IPEndPoint Local, IPEndPoint Remote) : NetworkOptions;

/// <summary>Why what is behind a device can't be opened.</summary>
/// <param name="Cause">What is wrong: a clause without a full stop.</param>
/// <param name="Remedy">What to do about it: a clause without a full stop.</param>
public sealed record DeviceFailure(string Cause, string Remedy);
