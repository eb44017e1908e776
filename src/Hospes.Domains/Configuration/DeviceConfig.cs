namespace Hospes.Domains.Configuration;

/// <summary>The element <c>devices</c>.</summary>
public sealed record DeviceConfig
{
    /// <summary>The program of the machine, or null for the host's own.</summary>
    public string? Emulator { get; init; }

    /// <summary>The disks, in order.</summary>
    public ValueList<DiskConfig> Disks { get; init; } = [];

    /// <summary>The controllers that were named; the machine has them in any case.</summary>
    public ValueList<ControllerConfig> Controllers { get; init; } = [];

    /// <summary>The network cards, in order.</summary>
    public ValueList<InterfaceConfig> Interfaces { get; init; } = [];

    /// <summary>The serial ports, in order.</summary>
    public ValueList<CharacterConfig> Serials { get; init; } = [];

    /// <summary>The consoles; the first is the first serial port once defaults are applied.</summary>
    public ValueList<CharacterConfig> Consoles { get; init; } = [];

    /// <summary>The channels to programs in the guest.</summary>
    public ValueList<CharacterConfig> Channels { get; init; } = [];

    /// <summary>The sources of randomness.</summary>
    public ValueList<RngConfig> Rngs { get; init; } = [];

    /// <summary>The folders of the host that the guest may mount.</summary>
    public ValueList<FilesystemConfig> Filesystems { get; init; } = [];

    /// <summary>The watchdogs.</summary>
    public ValueList<WatchdogConfig> Watchdogs { get; init; } = [];

    /// <summary>The sockets between guest and host.</summary>
    public ValueList<VsockConfig> Vsocks { get; init; } = [];

    /// <summary>Keyboards and pointers.</summary>
    public ValueList<InputConfig> Inputs { get; init; } = [];

    /// <summary>Where people from outside see the screen.</summary>
    public ValueList<GraphicsConfig> Graphics { get; init; } = [];

    /// <summary>The graphics adapters.</summary>
    public ValueList<VideoConfig> Videos { get; init; } = [];

    /// <summary>Where the guest's kernel tells of its panic.</summary>
    public ValueList<PanicConfig> Panics { get; init; } = [];

    /// <summary>The balloon; null until defaults are applied.</summary>
    public BalloonConfig? Balloon { get; init; }
}

/// <summary>Where a device is on the PCI bus.</summary>
public sealed record PciAddress(uint Domain, uint Bus, uint Slot, uint Function);

/// <summary>A controller.</summary>
/// <param name="Type"><c>pci</c>, <c>virtio-serial</c> or <c>usb</c>.</param>
/// <param name="Index">Its number among its type.</param>
/// <param name="Model">Its model, or null.</param>
public sealed record ControllerConfig(string Type, uint Index, string? Model);

/// <summary>A disk.</summary>
public sealed record DiskConfig
{
    /// <summary>Whether the source is a block device rather than a file.</summary>
    public bool IsBlock { get; init; }

    /// <summary>The kind: <c>disk</c> or <c>cdrom</c>.</summary>
    public string Device { get; init; } = "disk";

    /// <summary>The format: <c>raw</c> or <c>qcow2</c>; null until defaults are applied.</summary>
    public string? Format { get; init; }

    /// <summary>The cache mode, or null for the default.</summary>
    public string? Cache { get; init; }

    /// <summary>What becomes of discards: <c>unmap</c>, <c>ignore</c>, or null for the default.</summary>
    public string? Discard { get; init; }

    /// <summary>The path of the image or device; null for a drive without a medium.</summary>
    public string? Source { get; init; }

    /// <summary>The name that the disk has: <c>vda</c>…</summary>
    public required string Target { get; init; }

    /// <summary>The bus: <c>virtio</c>; null until defaults are applied.</summary>
    public string? Bus { get; init; }

    /// <summary>Whether the guest may only read.</summary>
    public bool ReadOnly { get; init; }

    /// <summary>Whether other domains may use the disk at the same time.</summary>
    public bool Shareable { get; init; }

    /// <summary>The serial number that the guest sees, or null.</summary>
    public string? Serial { get; init; }

    /// <summary>Limits of its use.</summary>
    public IoTuneConfig IoTune { get; init; } = IoTuneConfig.None;

    /// <summary>The place in the boot order, from 1 on, or null.</summary>
    public uint? BootOrder { get; init; }

    /// <summary>The name of the device, or null.</summary>
    public string? Alias { get; init; }

    /// <summary>The place on the bus, or null to have one chosen.</summary>
    public PciAddress? Address { get; init; }
}

/// <summary>A network card.</summary>
public sealed record InterfaceConfig
{
    /// <summary>What it is connected to: <c>user</c>, <c>ethernet</c> or <c>network</c>.</summary>
    public required string Type { get; init; }

    /// <summary>The name of the network with <c>network</c>, else null.</summary>
    public string? Network { get; init; }

    /// <summary>Its address, six bytes in hexadecimal with colons, or null to have one made.</summary>
    public string? Mac { get; init; }

    /// <summary>Its model: <c>virtio</c>; null until defaults are applied.</summary>
    public string? Model { get; init; }

    /// <summary>The name of the tap device with <c>ethernet</c>, or null.</summary>
    public string? Target { get; init; }

    /// <summary>Whether the tap device is made and looked after by somebody else; null when not said.</summary>
    public bool? Unmanaged { get; init; }

    /// <summary>The largest packet, or null for the default.</summary>
    public uint? Mtu { get; init; }

    /// <summary>Limits of its use.</summary>
    public BandwidthConfig Bandwidth { get; init; } = BandwidthConfig.None;

    /// <summary>Whether the cable is plugged in.</summary>
    public bool LinkUp { get; init; } = true;

    /// <summary>The backend of <c>user</c>: <c>passt</c>, or null.</summary>
    public string? Backend { get; init; }

    /// <summary>The place in the boot order, from 1 on, or null.</summary>
    public uint? BootOrder { get; init; }

    /// <summary>The name of the device, or null.</summary>
    public string? Alias { get; init; }

    /// <summary>The place on the bus, or null to have one chosen.</summary>
    public PciAddress? Address { get; init; }
}

/// <summary>A serial port, console or channel.</summary>
public sealed record CharacterConfig
{
    /// <summary>What it is connected to: <c>pty</c>, <c>unix</c>, <c>file</c>, <c>tcp</c>, <c>null</c>.</summary>
    public required string Type { get; init; }

    /// <summary>The path of the source, or null; with <c>pty</c> known only while the domain runs.</summary>
    public string? Path { get; init; }

    /// <summary>Whether the source listens (<c>bind</c>) rather than connects.</summary>
    public bool Listens { get; init; }

    /// <summary>The host with <c>tcp</c>.</summary>
    public string? Host { get; init; }

    /// <summary>The port with <c>tcp</c>, as written.</summary>
    public string? Service { get; init; }

    /// <summary>Whether a file is appended to; null when not said.</summary>
    public bool? Append { get; init; }

    /// <summary>The kind of target, such as <c>isa-serial</c>, <c>serial</c>, <c>virtio</c>; null until defaults are applied.</summary>
    public string? TargetType { get; init; }

    /// <summary>The model of the target, or null.</summary>
    public string? TargetModel { get; init; }

    /// <summary>The number of the port, or null to have one chosen.</summary>
    public uint? Port { get; init; }

    /// <summary>The name that the guest sees, for channels.</summary>
    public string? TargetName { get; init; }

    /// <summary>The name of the device, or null.</summary>
    public string? Alias { get; init; }
}

/// <summary>A source of randomness.</summary>
/// <param name="Model">Its model: <c>virtio</c>.</param>
/// <param name="Backend"><c>random</c> (a device file) or <c>builtin</c>.</param>
/// <param name="Source">The device file with <c>random</c>.</param>
/// <param name="RateBytes">Bytes per period, or null for no limit.</param>
/// <param name="RatePeriod">Milliseconds, or null.</param>
/// <param name="Alias">The name of the device, or null.</param>
public sealed record RngConfig(string Model, string Backend, string? Source, uint? RateBytes, uint? RatePeriod, string? Alias);

/// <summary>Where the guest's kernel tells of its panic.</summary>
/// <param name="Model"><c>isa</c>, the port that every machine has, or <c>pvpanic</c>, a device on the PCI bus.</param>
/// <param name="Alias">The name of the device, or null.</param>
public sealed record PanicConfig(string Model, string? Alias = null);

/// <summary>The balloon.</summary>
/// <param name="Model"><c>virtio</c> or <c>none</c>.</param>
/// <param name="StatsPeriod">Seconds between reports of the guest, or null.</param>
/// <param name="Autodeflate">Whether it gives memory back before the guest runs out; null when not said.</param>
/// <param name="FreePageReporting">Whether free pages are reported; null when not said.</param>
/// <param name="Alias">The name of the device, or null.</param>
public sealed record BalloonConfig(string Model, uint? StatsPeriod = null, bool? Autodeflate = null, bool? FreePageReporting = null, string? Alias = null);
