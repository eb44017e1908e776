using System.Globalization;
using Hospes.Domains.Configuration;

namespace Hospes.Domains.Xml;

/// <summary>Reads <c>devices</c>. What the machine does not have is refused by name.</summary>
internal static class DeviceXml
{
    public static DeviceConfig Read(XmlScope devices)
    {
        string? emulator = null;
        var disks = new List<DiskConfig>();
        var controllers = new List<ControllerConfig>();
        var interfaces = new List<InterfaceConfig>();
        var serials = new List<CharacterConfig>();
        var consoles = new List<CharacterConfig>();
        var channels = new List<CharacterConfig>();
        var rngs = new List<RngConfig>();
        var panics = new List<PanicConfig>();
        var shares = new List<FilesystemConfig>();
        var watchdogs = new List<WatchdogConfig>();
        var vsocks = new List<VsockConfig>();
        var inputs = new List<InputConfig>();
        var graphics = new List<GraphicsConfig>();
        var videos = new List<VideoConfig>();
        BalloonConfig? balloon = null;
        foreach (XmlScope device in devices.Children())
        {
            switch (device.Node.Name)
            {
                case "emulator": emulator ??= device.Text; break;
                case "disk": disks.Add(Disk(device)); break;
                case "controller": Controller(device, controllers); break;
                case "interface": interfaces.Add(Interface(device)); break;
                case "serial": serials.Add(CharacterXml.Read(device)); break;
                case "console": consoles.Add(CharacterXml.Read(device)); break;
                case "channel": channels.Add(CharacterXml.Read(device)); break;
                case "rng": rngs.Add(Rng(device)); break;
                case "filesystem": shares.Add(GuestServiceXml.Filesystem(device)); break;
                case "watchdog": watchdogs.Add(GuestServiceXml.Watchdog(device)); break;
                case "vsock": vsocks.Add(GuestServiceXml.Vsock(device)); break;
                case "input": inputs.Add(ScreenXml.Input(device)); break;
                case "graphics": graphics.Add(ScreenXml.Graphics(device)); break;
                case "video": videos.Add(ScreenXml.Video(device)); break;
                case "panic": panics.Add(Panic(device)); break;
                case "memballoon" when balloon is null: balloon = Balloon(device); break;
                case "memballoon": device.Invalid("only a single memory balloon device is supported"); break;
                default:
                    device.TakeWhole();
                    device.Unsupported($"the device '{device.Node.Name}' is not supported by this machine");
                    break;
            }
        }
        return new DeviceConfig
        {
            Emulator = emulator,
            Disks = [.. disks],
            Controllers = [.. controllers],
            Interfaces = [.. interfaces],
            Serials = [.. serials],
            Consoles = [.. consoles],
            Channels = [.. channels],
            Rngs = [.. rngs],
            Filesystems = [.. shares],
            Watchdogs = [.. watchdogs],
            Vsocks = [.. vsocks],
            Inputs = [.. inputs],
            Graphics = [.. graphics],
            Videos = [.. videos],
            Panics = [.. panics],
            Balloon = balloon,
        };
    }

    public static DiskConfig Disk(XmlScope disk)
    {
        string type = disk.Word("type", "file", "block", "network", "dir", "volume", "nvme", "vhostuser") ?? "file";
        if (type is not ("file" or "block")) disk.Unsupported($"disks of the type '{type}' are not supported by this machine");
        string device = disk.Word("device", "disk", "cdrom", "floppy", "lun") ?? "disk";
        if (device is "floppy" or "lun") disk.Unsupported($"the disk device '{device}' is not supported by this machine");
        foreach (string name in (ReadOnlySpan<string>)["encryption", "auth", "mirror", "transient", "geometry"])
        {
            if (disk.Child(name) is not { } element) continue;
            element.TakeWhole();
            disk.Unsupported($"<disk><{name}> is not supported by this machine");
        }
        disk.Child("backingStore")?.TakeWhole();
        XmlScope? driver = disk.Child("driver");
        if (driver?.Attribute("name") is { } name1 && name1 != "qemu") driver.Unsupported($"unsupported driver name '{name1}'");
        string? format = driver?.Attribute("type");
        XmlScope? target = disk.Child("target");
        string? targetName = target?.Attribute("dev");
        if (string.IsNullOrEmpty(targetName)) disk.Invalid("no target device was specified for disk");
        _ = target?.Word("tray", "open", "closed");
        XmlScope? source = disk.Child("source");
        return new DiskConfig
        {
            IsBlock = type == "block",
            Device = device,
            Format = format,
            Cache = driver?.Word("cache", "default", "none", "writethrough", "writeback", "directsync", "unsafe") is { } cache && cache != "default" ? cache : null,
            Discard = driver?.Word("discard", "unmap", "ignore"),
            Source = source?.Attribute(type == "block" ? "dev" : "file"),
            Target = targetName ?? "",
            Bus = target?.Attribute("bus"),
            ReadOnly = disk.Child("readonly") is not null || device == "cdrom",
            Shareable = disk.Child("shareable") is not null,
            Serial = disk.ChildText("serial"),
            IoTune = disk.Child("iotune") is { } tune ? IoTune(tune) : IoTuneConfig.None,
            BootOrder = disk.Child("boot")?.Number("order", 1),
            Alias = Alias(disk),
            Address = Address(disk),
        };
    }

    private static IoTuneConfig IoTune(XmlScope tune)
    {
        IoTuneConfig limits = IoTuneConfig.None;
        foreach (string name in IoTuneConfig.Names)
        {
            if (tune.Child(name) is { } element) limits = limits.With(name, element.TextNumber(0, long.MaxValue))!;
        }
        if (tune.Child(IoTuneConfig.GroupName) is not null) tune.Unsupported("limits that a group of disks shares are not supported");
        if (limits.Fault() is { } fault) tune.Invalid(fault);
        return limits;
    }

    public static InterfaceConfig Interface(XmlScope card)
    {
        string? type = card.Attribute("type");
        if (type is null) card.Missing("type");
        else if (type is not ("user" or "ethernet" or "network")) card.Unsupported($"interfaces of the type '{type}' are not supported by this machine");
        foreach (string name in (ReadOnlySpan<string>)["vlan", "virtualport", "filterref", "tune", "teaming", "coalesce"])
        {
            if (card.Child(name) is not { } element) continue;
            element.TakeWhole();
            card.Unsupported($"<interface><{name}> is not supported by this machine");
        }
        string? mac = card.Child("mac")?.Attribute("address");
        if (mac is not null && !MacAddress.IsValid(mac)) card.Invalid($"unable to parse mac address '{mac}'");
        XmlScope? target = card.Child("target");
        XmlScope? source = type == "network" ? card.Child("source") : null;
        string? network = source?.Attribute("network");
        if (type == "network" && string.IsNullOrEmpty(network)) card.Invalid("No <source> 'network' attribute specified with <interface type='network'/>");
        // A document of a running domain repeats what was chosen.
        foreach (string chosen in (ReadOnlySpan<string>)["portid", "bridge"]) _ = source?.Attribute(chosen);
        return new InterfaceConfig
        {
            Type = type ?? "user",
            Network = network,
            Mac = mac?.ToLowerInvariant(),
            Model = card.Child("model")?.Attribute("type"),
            Target = target?.Attribute("dev"),
            Unmanaged = target?.YesNo("managed") is { } managed ? !managed : null,
            Mtu = card.Child("mtu")?.Number("size", 68, 65535),
            Bandwidth = BandwidthXml.Read(card),
            LinkUp = card.Child("link")?.Word("state", "up", "down") != "down",
            Backend = card.Child("backend")?.Word("type", "default", "passt") is "passt" ? "passt" : null,
            BootOrder = card.Child("boot")?.Number("order", 1),
            Alias = Alias(card),
            Address = Address(card),
        };
    }

    internal static string? Alias(XmlScope device) => device.Child("alias")?.Attribute("name");

    /// <summary>Takes the place of a device that is where the machine puts it.</summary>
    internal static void Place(XmlScope device)
    {
        if (Address(device) is not null) device.Unsupported($"the place of <{device.Node.Name}> on the bus cannot be chosen");
    }

    private static PciAddress? Address(XmlScope device)
    {
        if (device.Child("address") is not { } address) return null;
        string? type = address.Attribute("type");
        if (type != "pci")
        {
            address.TakeWhole();
            address.Unsupported($"addresses of the type '{type}' are not supported by this machine");
            return null;
        }
        _ = address.OnOff("multifunction");
        return new PciAddress(Hexadecimal(address, "domain", 0xFFFF), Hexadecimal(address, "bus", 0xFF), Hexadecimal(address, "slot", 0x1F), Hexadecimal(address, "function", 7));
    }

    private static uint Hexadecimal(XmlScope address, string name, uint maximum)
    {
        if (address.Attribute(name) is not { } text) return 0;
        bool hexadecimal = text.StartsWith("0x", StringComparison.OrdinalIgnoreCase);
        if (uint.TryParse(hexadecimal ? text.AsSpan(2) : text, hexadecimal ? NumberStyles.AllowHexSpecifier : NumberStyles.None,
            CultureInfo.InvariantCulture, out uint value) && value <= maximum) return value;
        address.Invalid(name, text);
        return 0;
    }

    private static void Controller(XmlScope device, List<ControllerConfig> controllers)
    {
        string? type = device.Attribute("type");
        string? model = device.Attribute("model");
        uint index = device.Number("index") ?? 0;
        device.TakeWhole();
        bool there = (type, model) switch
        {
            ("pci", "pcie-root") => index == 0,
            ("usb", "none") => true,
            ("virtio-serial", null or "virtio") => true,
            _ => false,
        };
        if (there) controllers.Add(new ControllerConfig(type!, index, model));
        else device.Unsupported($"a controller of the type '{type}'{(model is null ? "" : $" and the model '{model}'")} is not supported by this machine");
    }

    /// <summary>Reads the document of one device that comes or goes by itself.</summary>
    public static Outcome<DevicePart> ReadPart(string text)
    {
        Outcome<XmlNode> tree = XmlTree.Read(text);
        if (tree.Failure is { } malformed) return malformed;
        var faults = new XmlFaults();
        var device = new XmlScope(tree.Value, faults);
        DevicePart? part = tree.Value.Name switch
        {
            "disk" => new DevicePart.Disk(Disk(device)),
            "interface" => new DevicePart.Card(Interface(device)),
            "rng" => new DevicePart.Rng(Rng(device)),
            _ => null,
        };
        if (faults.First is { } fault) return fault;
        return part is null ? new DomainFailure(DomainError.UnsupportedConfiguration, $"a '{tree.Value.Name}' cannot be attached, detached or updated") : part;
    }

    private static RngConfig Rng(XmlScope device)
    {
        string model = device.Word("model", "virtio", "virtio-transitional", "virtio-non-transitional") ?? "virtio";
        XmlScope? backend = device.Child("backend");
        if (backend is null) device.Invalid("missing RNG device backend");
        string kind = backend?.Word("model", "random", "builtin", "egd") ?? "random";
        if (kind == "egd")
        {
            backend?.TakeWhole();
            device.Unsupported("the RNG backend 'egd' is not supported by this machine");
        }
        XmlScope? rate = device.Child("rate");
        if (rate is not null) device.Unsupported("a rate of randomness is not supported by this machine");
        string? source = kind == "random" && backend is { Text.Length: > 0 } ? backend.Text : null;
        return new RngConfig(model, kind, source, rate?.Number("bytes"), rate?.Number("period"), Alias(device));
    }

    private static PanicConfig Panic(XmlScope device)
    {
        string model = device.Word("model", "isa", "pvpanic", "hyperv", "pseries", "s390") ?? "isa";
        if (model is not ("isa" or "pvpanic")) device.Unsupported($"the panic model '{model}' is not supported by this machine");
        if (device.Child("address") is { } address)
        {
            // The port is where QEMU's is; of others there are none.
            if (address.Attribute("type") is not ("isa" or null) || address.Attribute("iobase") is not ("0x505" or null)) address.Unsupported("a panic device is at the port 0x505");
            address.TakeWhole();
        }
        return new PanicConfig(model, Alias(device));
    }

    private static BalloonConfig Balloon(XmlScope device)
    {
        string? model = device.Word("model", "virtio", "virtio-transitional", "virtio-non-transitional", "none", "xen");
        if (model is null) device.Missing("model");
        if (model == "xen") device.Unsupported("the balloon 'xen' is not supported by this machine");
        uint? period = device.Child("stats")?.Number("period");
        _ = Address(device);
        return new BalloonConfig(model == "none" ? "none" : "virtio", period is 0 ? null : period, device.OnOff("autodeflate"), device.OnOff("freePageReporting"), Alias(device));
    }
}
