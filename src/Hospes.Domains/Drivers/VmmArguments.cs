using Hospes.Domains.Configuration;
using Hospes.Domains.Xml;

namespace Hospes.Domains.Drivers;

/// <summary>From a configuration to the command line of <c>hospes vmm</c>, which is QEMU's. Values with commas are doubled, as QEMU wants.</summary>
public static class VmmArguments
{
    /// <summary>The monitor's socket in a domain's folder.</summary>
    public const string MonitorName = "qmp";

    /// <summary>The file with the process's number in a domain's folder; the process holds a lock on it.</summary>
    public const string PidName = "pid";

    /// <summary>The command line, without the program.</summary>
    /// <param name="config">The domain, its devices named.</param>
    /// <param name="folder">The domain's folder.</param>
    public static IReadOnlyList<string> For(DomainConfig config, string folder)
    {
        var line = new List<string>
        {
            "-nodefaults", "-S", "-no-shutdown",
            "-name", $"guest={Escape(config.Name)}",
            "-uuid", config.Uuid.ToString(),
            "-pidfile", Path.Combine(folder, PidName),
            "-qmp", $"unix:{Escape(Path.Combine(folder, MonitorName))},server=on,wait=off",
            "-machine", HostProfile.Machine,
            "-accel", Engine(config.Type),
            "-m", $"{config.MemoryKiB}k",
            "-smp", Processors(config),
        };
        if (config.OnReboot != LifecycleAction.Restart) line.Add("-no-reboot");
        Boot(line, config.Os);
        foreach (DiskConfig disk in config.Devices.Disks) Disk(line, disk);
        foreach (InterfaceConfig card in config.Devices.Interfaces) Card(line, card);
        Characters(line, config.Devices, folder);
        foreach (RngConfig rng in config.Devices.Rngs) Rng(line, rng);
        if (config.Devices.Balloon is { Model: "virtio" } balloon) Balloon(line, balloon);
        return line;
    }

    /// <summary>The socket of a device's other end where the configuration leaves it to the host.</summary>
    public static string SocketOf(CharacterConfig device, string folder)
        => device is { Type: "unix", Listens: true, Path: { } path } ? path : Path.Combine(folder, $"{device.Alias}.sock");

    private static string Engine(DomainType type) => type switch
    {
        DomainType.Kvm => "kvm",
        DomainType.Qemu => "soft",
        _ => "auto",
    };

    private static string Processors(DomainConfig config)
    {
        string count = Text(config.Vcpus.Current);
        return config.Cpu?.Topology is { } topology ? $"{count},sockets={Text(topology.Sockets)},cores={Text(topology.Cores * topology.Dies)},threads={Text(topology.Threads)}" : count;
    }

    private static void Boot(List<string> line, OsConfig os)
    {
        if (os.Kernel is not null) line.AddRange(["-kernel", os.Kernel]);
        if (os.Initrd is not null) line.AddRange(["-initrd", os.Initrd]);
        if (os.CommandLine is not null) line.AddRange(["-append", os.CommandLine]);
    }

    private static void Disk(List<string> line, DiskConfig disk)
    {
        line.AddRange(["-drive", $"if=none,id=drive-{disk.Alias},file={Escape(disk.Source!)},format={disk.Format}{(disk.ReadOnly ? ",readonly=on" : "")}"]);
        line.AddRange(["-device", $"virtio-blk-pci,id={disk.Alias},drive=drive-{disk.Alias}{(disk.Serial is null ? "" : $",serial={Escape(disk.Serial)}")}{Place(disk.Address)}"]);
    }

    private static void Card(List<string> line, InterfaceConfig card)
    {
        string backend = card.Type == "user" ? "user" : $"tap{(card.Target is null ? "" : $",ifname={Escape(card.Target)}")},script=no,downscript=no";
        line.AddRange(["-netdev", $"{backend},id=host{card.Alias}"]);
        line.AddRange(["-device", $"virtio-net-pci,id={card.Alias},netdev=host{card.Alias},mac={card.Mac}{(card.Mtu is { } mtu ? $",host_mtu={Text(mtu)}" : "")}{Place(card.Address)}"]);
    }

    private static void Characters(List<string> line, DeviceConfig devices, string folder)
    {
        foreach (CharacterConfig port in devices.Serials) line.AddRange(["-chardev", Chardev(port, folder), "-serial", $"chardev:char{port.Alias}"]);
        CharacterConfig[] consoles = [.. devices.Consoles.Where(static console => console.TargetType == "virtio")];
        if (consoles.Length == 0 && devices.Channels.Count == 0) return;
        line.AddRange(["-device", "virtio-serial-pci,id=virtio-serial0"]);
        foreach (CharacterConfig console in consoles) line.AddRange(["-chardev", Chardev(console, folder), "-device", $"virtconsole,id={console.Alias},chardev=char{console.Alias}"]);
        foreach (CharacterConfig channel in devices.Channels)
            line.AddRange(["-chardev", Chardev(channel, folder), "-device", $"virtserialport,id={channel.Alias},chardev=char{channel.Alias}{(channel.TargetName is null ? "" : $",name={Escape(channel.TargetName)}")}"]);
    }

    /// <summary>
    /// The host's end. <c>pty</c> becomes a socket in the domain's folder: consoles of libvirt's clients are streams of the daemon, and a socket can be opened again by
    /// the daemon's successor without becoming its terminal.
    /// </summary>
    private static string Chardev(CharacterConfig device, string folder)
    {
        string id = $"id=char{device.Alias}";
        return device.Type switch
        {
            "file" => $"file,{id},path={Escape(device.Path!)}{(device.Append is { } append ? $",append={(append ? "on" : "off")}" : "")}",
            "null" => $"null,{id}",
            "tcp" => $"socket,{id},host={Escape(device.Host!)},port={Escape(device.Service!)},server={(device.Listens ? "on,wait=off" : "off")}",
            "unix" when !device.Listens => $"socket,{id},path={Escape(device.Path ?? "")},server=off",
            _ => $"socket,{id},path={Escape(SocketOf(device, folder))},server=on,wait=off",
        };
    }

    private static void Rng(List<string> line, RngConfig rng)
    {
        line.AddRange(["-object", rng.Backend == "builtin" ? $"rng-builtin,id=obj{rng.Alias}" : $"rng-random,id=obj{rng.Alias},filename={Escape(rng.Source ?? "/dev/urandom")}"]);
        line.AddRange(["-device", $"virtio-rng-pci,id={rng.Alias},rng=obj{rng.Alias}"]);
    }

    private static void Balloon(List<string> line, BalloonConfig balloon)
    {
        string deflate = balloon.Autodeflate == true ? ",deflate-on-oom=on" : "", reporting = balloon.FreePageReporting == true ? ",free-page-reporting=on" : "";
        line.AddRange(["-device", $"virtio-balloon-pci,id={balloon.Alias}{deflate}{reporting}"]);
    }

    private static string Place(PciAddress? address) => address is null ? "" : $",addr=0x{address.Slot:x}{(address.Function == 0 ? "" : $".0x{address.Function:x}")}";

    private static string Escape(string value) => value.Replace(",", ",,", StringComparison.Ordinal);

    private static string Text<T>(T number) where T : IFormattable => DomainXmlWriter.Text(number);
}
