using Hospes.Machine;

namespace Hospes.Vmm.CommandLine;

/// <summary>A property of a device model, for its list and for what is understood of it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Type">Its type as QEMU's lists name it.</param>
/// <param name="Description">What it says.</param>
/// <param name="Values">With the values that say what is the case anyway, only these are understood; null for a property that has an effect.</param>
internal sealed record DeviceProperty(string Name, string Type, string Description, string[]? Values = null);

/// <summary>A device model.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Bus">The bus that it is on.</param>
/// <param name="Description">What it is.</param>
/// <param name="Properties">Its properties, sorted.</param>
internal sealed record DeviceModel(string Name, string Bus, string Description, IReadOnlyList<DeviceProperty> Properties);

/// <summary>The device models that there are.</summary>
internal static class DeviceModels
{
    public const string Balloon = "virtio-balloon-pci", Memory = "virtio-mem-pci", Net = "virtio-net-pci", Block = "virtio-blk-pci", Entropy = "virtio-rng-pci", Serial = "virtio-serial-pci", Console = "virtconsole", Port = "virtserialport", RootPort = "pcie-root-port", Vsock = "virtio-vsock-pci", Panic = "pvpanic-pci", Generation = "vmgenid", FileSystem = "virtio-fs-pci", Watchdog = "i6300esb", Gpu = "virtio-gpu-pci", Keyboard = "virtio-keyboard-pci", Tablet = "virtio-tablet-pci", ScsiHost = "virtio-scsi-pci", ScsiDisk = "scsi-hd", ScsiDrive = "scsi-cd";

    private static readonly string[] s_on = ["on"], s_off = ["off"];

    private static readonly DeviceProperty[] s_pci =
    [
        new("addr", "int32", "Slot on the bus; devices get the slots from 1 on in their order, and no other is possible"),
        new("aer", "bool", "on/off", s_off),
        new("any_layout", "bool", "on/off", s_on),
        new("ats", "bool", "on/off", s_off),
        new("bootindex", "int32", "No effect: the kernel comes from -kernel"),
        new("bus", "str", "The bus: pcie.0, or the ID of a pcie-root-port"),
        new("disable-legacy", "OnOffAuto", "on/off/auto", ["on", "auto", "true"]),
        new("disable-modern", "bool", "on/off", ["off", "false"]),
        new("event_idx", "bool", "on/off", s_on),
        new("indirect_desc", "bool", "on/off", s_on),
        new("iommu_platform", "bool", "on/off", s_off),
        new("ioeventfd", "bool", "on/off", s_on),
        new("multifunction", "bool", "on/off", s_off),
        new("packed", "bool", "on/off", s_on),
        new("page-per-vq", "bool", "on/off", s_off),
        new("queue_reset", "bool", "on/off", s_on),
        new("rombar", "uint32", "", ["0", "1"]),
        new("romfile", "str", "", [""]),
    ];

    /// <summary>The models, sorted by name.</summary>
    public static IReadOnlyList<DeviceModel> All { get; } =
    [
        Pci(Balloon, "Memory balloon",
            new("deflate-on-oom", "bool", "on/off: whether the guest may take pages back rather than end a program (default: off)"),
            new("free-page-hint", "bool", "on/off", s_off),
            new("free-page-reporting", "bool", "on/off: whether pages that the guest does not use go back to the host (default: off)"),
            new("guest-stats-polling-interval", "int", "Seconds between questions for statistics (default: 0, never)"),
            new("page-poison", "bool", "on/off", s_on)),
        Pci(Block, "Disk",
            new("config-wce", "bool", "on/off", s_off),
            new("discard", "bool", "on/off", s_on),
            new("drive", "str", "Node name or ID of a drive"),
            new("logical_block_size", "size", "", ["0", "512"]),
            new("num-queues", "uint16", "1 to 16 (default: 1)"),
            new("physical_block_size", "size", "", ["0", "4096", "4k", "4K"]),
            new("queue-size", "uint16", "", ["256"]),
            new("rerror", "BlockdevOnError", "", ["auto", "report"]),
            new("serial", "str", "What the guest reads as the serial, up to 20 bytes of ASCII"),
            new("share-rw", "bool", "on/off", s_off),
            new("werror", "BlockdevOnError", "", ["report"]),
            new("write-cache", "OnOffAuto", "on/off/auto", ["on", "auto"])),
        Pci(FileSystem, "Folder of the host, for mount -t virtiofs in Linux",
            new("path", "str", "The folder"),
            new("queue-size", "uint16", "", ["1024"]),
            new("readonly", "bool", "on/off: whether nothing in it can change (default: off)"),
            new("tag", "str", "By what the guest mounts it, 1 to 36 bytes")),
        Pci(Gpu, "Graphics adapter",
            new("blob", "bool", "on/off", s_off),
            new("edid", "bool", "on/off: whether the guest may read what the screens tell of themselves (default: on)"),
            new("max_hostmem", "size", "Bytes of the host that the guest's pictures may take (default: 256M)"),
            new("max_outputs", "uint32", "How many screens, 1 to 16 (default: 1)"),
            new("xres", "uint32", "The width that the guest is asked for (default: 1280)"),
            new("yres", "uint32", "The height that the guest is asked for (default: 800)")),
        Pci(Keyboard, "Keyboard"),
        Pci(Memory, "Memory that comes and goes in blocks",
            new("block-size", "size", "Bytes of a block, a power of two from 1M on (default: 2M)"),
            new("dynamic-memslots", "bool", "on/off", s_on),
            new("memdev", "str", "ID of a memory backend"),
            new("node", "uint32", "", ["0"]),
            new("prealloc", "bool", "on/off", s_off),
            new("requested-size", "size", "How much of it the guest is to have, until that is changed (default: 0)"),
            new("unplugged-inaccessible", "OnOffAuto", "on/off/auto", ["on", "auto"])),
        Pci(Net, "Network card",
        [
            new("csum", "bool", "on/off", s_on),
            new("ctrl_mac_addr", "bool", "on/off", s_on),
            new("ctrl_rx", "bool", "on/off", s_on),
            new("ctrl_vlan", "bool", "on/off", s_off),
            new("ctrl_vq", "bool", "on/off", s_on),
            new("guest_announce", "bool", "on/off", s_off),
            new("host_mtu", "uint16", "The MTU that the guest is told (default: that of the netdev)"),
            new("mac", "str", "Ethernet address, example: 52:54:00:12:34:56"),
            new("mq", "bool", "on/off: as many pairs of queues as the netdev has (default: off)"),
            new("mrg_rxbuf", "bool", "on/off", s_on),
            new("netdev", "str", "ID of a netdev"),
            new("rss", "bool", "on/off", s_off),
            new("rx_queue_size", "uint16", "", ["256"]),
            new("status", "bool", "on/off", s_on),
            new("tx_queue_size", "uint16", "", ["256"]),
            .. ThrottleArguments.Properties,
        ]),
        Pci(Entropy, "Source of entropy", new("max-bytes", "uint64", "", ["9223372036854775807"]), new("rng", "str", "ID of an object (default: the host's generator)")),
        new(ScsiDrive, "SCSI", "CD-ROM drive with a tray", Unit("2048")),
        new(ScsiDisk, "SCSI", "Disk", Unit("512")),
        Pci(ScsiHost, "Bus of scsi-hd and scsi-cd", new DeviceProperty("num_queues", "uint32", "1 to 16 (default: 1)")),
        Pci(Serial, "Bus of virtconsole and virtserialport", new DeviceProperty("max_ports", "uint32", "1 to 31 (default: 31)")),
        new(Generation, "System", "Generation id in the ACPI tables", [new("guid", "str", "A UUID, or auto for a new one (default: auto)")]),
        Pci(Vsock, "Sockets between the guest and Unix sockets of the host",
            new("guest-cid", "uint64", "The guest's address, 3 or more (default: 3)"),
            new("uds-path", "str", "Socket of the host: CONNECT PORT in a line leads into the guest; the guest's connections lead to PATH_PORT")),
        Pci(Tablet, "Tablet, a pointer at places"),
        new(Watchdog, "PCI", "Watchdog of Intel's 6300ESB",
        [
            new("addr", "int32", "Slot on the bus; devices get the slots from 1 on in their order, and no other is possible"),
            new("bus", "str", "The bus: pcie.0, or the ID of a pcie-root-port"),
            new("multifunction", "bool", "on/off", s_off),
        ]),
        new(Panic, "PCI", "Place where the guest's kernel tells of its panic",
        [
            new("addr", "int32", "Slot on the bus; devices get the slots from 1 on in their order, and no other is possible"),
            new("bus", "str", "The bus: pcie.0, or the ID of a pcie-root-port"),
            new("events", "uint8", "What can be told: 1, the panic", ["1"]),
            new("multifunction", "bool", "on/off", s_off),
        ]),
        new(RootPort, "PCI", "Port into which a device can be plugged while the guest runs",
        [
            new("addr", "int32", "Slot on the bus; devices get the slots from 1 on in their order, and no other is possible"),
            new("bus", "str", "The bus", [DeviceArguments.RootBus]),
            new("chassis", "uint8", "No effect"),
            new("hotplug", "bool", "on/off", s_on),
            new("multifunction", "bool", "on/off", s_off),
            new("port", "uint8", "No effect"),
            new("slot", "uint16", "No effect"),
        ]),
        new(Console, "virtio-serial-bus", "Console, hvc0 in Linux", Ports("The console's name")),
        new(Port, "virtio-serial-bus", "Channel, /dev/virtio-ports/NAME in Linux", Ports("The channel's name")),
    ];

    /// <summary>Finds a model by its name or by one of its aliases.</summary>
    public static DeviceModel? Find(string name)
    {
        const string Modern = "-non-transitional";
        if (name.EndsWith(Modern, StringComparison.Ordinal)) name = name[..^Modern.Length];
        if (name is "virtio-fs" or "virtio-net" or "virtio-blk" or "virtio-rng" or "virtio-serial" or "virtio-balloon" or "virtio-mem" or "virtio-scsi") name += "-pci";
        return All.FirstOrDefault(model => model.Name == name);
    }

    /// <summary>The name of the model that a device is of.</summary>
    public static string NameOf(DeviceOptions device) => device switch
    {
        BalloonOptions => Balloon,
        DiskOptions => Block,
        MemoryOptions => Memory,
        EntropyOptions => Entropy,
        NetworkOptions => Net,
        ConsoleOptions => Serial,
        ScsiOptions => ScsiHost,
        RootPortOptions => RootPort,
        WatchdogOptions => Watchdog,
        GpuOptions => Gpu,
        InputOptions input => input.IsTablet ? Tablet : Keyboard,
        VsockOptions => Vsock,
        ShareOptions => FileSystem,
        PanicNoticeOptions => Panic,
        _ => throw new ArgumentException("a device of no known kind", nameof(device)),
    };

    private static DeviceModel Pci(string name, string description, params IEnumerable<DeviceProperty> own) =>
        new(name, "PCI", description, [.. own.Concat(s_pci).OrderBy(static property => property.Name, StringComparer.Ordinal)]);

    private static DeviceProperty[] Unit(string blockSize) =>
    [
        new("bootindex", "int32", "No effect: the kernel comes from -kernel"),
        new("bus", "str", "The virtio-scsi-pci, as ID.0 (default: the first)"),
        new("channel", "uint32", "", ["0"]),
        new("drive", "str", "Node name or ID of a drive; a scsi-cd without one is empty"),
        new("logical_block_size", "size", "", ["0", blockSize]),
        new("lun", "uint32", "Number of the unit in its target, 0 to 255 (default: 0)"),
        new("rerror", "BlockdevOnError", "", ["auto", "report"]),
        new("scsi-id", "uint32", "Number of the target, 0 to 255 (default: the next that is free)"),
        new("serial", "str", "What the guest reads as the serial, up to 20 bytes of ASCII"),
        new("share-rw", "bool", "on/off", s_off),
        new("werror", "BlockdevOnError", "", ["report"]),
        new("write-cache", "OnOffAuto", "on/off/auto", ["on", "auto"]),
    ];

    private static DeviceProperty[] Ports(string name) =>
    [
        new("bus", "str", "The virtio-serial-pci, as ID.0 (default: the first)"),
        new("chardev", "str", "ID of a chardev"),
        new("name", "str", name),
        new("nr", "uint32", "Number of the port (default: the next that is free)"),
    ];
}
