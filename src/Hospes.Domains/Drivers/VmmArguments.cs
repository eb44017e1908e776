using System.Text;
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

    private const string NodePrefix = "n-";

    /// <summary>Limits as the command line calls them, in the order of <see cref="IoTuneConfig.Kinds"/>.</summary>
    private static readonly string[] Throttles = ["bps-total", "bps-read", "bps-write", "iops-total", "iops-read", "iops-write"];

    /// <summary>The command line, without the program.</summary>
    /// <param name="config">The domain, its devices named.</param>
    /// <param name="folder">The domain's folder.</param>
    /// <param name="networks">The sockets of networks in user mode, by the cards' names; a card without one has the machine's own.</param>
    /// <param name="userMtu">The largest packet of such networks.</param>
    /// <param name="time">The host's clock; null for the system's.</param>
    public static IReadOnlyList<string> For(DomainConfig config, string folder, IReadOnlyDictionary<string, string>? networks = null, int? userMtu = null, TimeProvider? time = null)
    {
        var line = new List<string>
        {
            "-nodefaults", "-S", "-no-shutdown",
            "-name", $"guest={Escape(config.Name)}",
            "-uuid", config.Uuid.ToString(),
            "-pidfile", Path.Combine(folder, PidName),
            "-qmp", $"unix:{Escape(Path.Combine(folder, MonitorName))},server=on,wait=off",
            "-machine", GuestServiceArguments.Machine(config),
            "-accel", Engine(config.Type),
            "-m", $"{config.MemoryKiB}k",
            "-smp", Processors(config),
        };
        if (config.IsConfined) line.AddRange(["-sandbox", $"on,rules={Escape(Path.Combine(folder, ConfinementPlan.RulesName))}"]);
        if (config.OnReboot != LifecycleAction.Restart) line.Add("-no-reboot");
        ClockArguments.Add(line, config.Clock, time ?? TimeProvider.System);
        Boot(line, config.Os);
        DiskConfig[] disks = [.. config.Devices.Disks.Where(static disk => disk.Source is not null)];
        int ports = RootBus.Ports(disks.Length + config.Devices.Interfaces.Count), next = 0;
        for (int port = 0; port < ports; port++) line.AddRange(["-device", $"pcie-root-port,id=port{Text(port)}"]);
        string Place(PciAddress? address) => address is not null
            ? $",addr=0x{address.Slot:x}{(address.Function == 0 ? "" : $".0x{address.Function:x}")}"
            : next < ports ? $",bus=port{Text(next++)}" : "";

        foreach (DiskConfig disk in disks) Disk(line, disk, Place(disk.Address));
        foreach (InterfaceConfig card in config.Devices.Interfaces) Card(line, card, Place(card.Address), networks?.GetValueOrDefault(card.Alias!), userMtu);
        Characters(line, config.Devices, folder);
        foreach (RngConfig rng in config.Devices.Rngs) Rng(line, rng);
        GuestServiceArguments.Add(line, config, folder);
        ScreenArguments.Add(line, config.Devices);
        foreach (PanicConfig panic in config.Devices.Panics)
        {
            if (panic.Model == "pvpanic") line.AddRange(["-device", $"pvpanic-pci,id={panic.Alias}"]);
        }
        if (config.Devices.Balloon is { Model: "virtio" } balloon) Balloon(line, balloon);
        return line;
    }

    /// <summary>The socket of a device's other end where the configuration leaves it to the host.</summary>
    public static string SocketOf(CharacterConfig device, string folder)
        => device is { Type: "unix", Listens: true, Path: { } path } ? path : Path.Combine(folder, $"{device.Alias}.sock");

    /// <summary>The name of a disk's block node.</summary>
    public static string NodeOf(string alias) => NodePrefix + alias;

    /// <summary>The name of the disk that a block node is of, or null.</summary>
    public static string? DiskOfNode(string node) => node.StartsWith(NodePrefix, StringComparison.Ordinal) ? node[NodePrefix.Length..] : null;

    /// <summary>The name of a card's backend.</summary>
    public static string BackendOf(string alias) => $"host{alias}";

    private static string Engine(DomainType type) => type switch
    {
        DomainType.Kvm => "kvm",
        DomainType.Qemu => "soft",
        _ => "auto",
    };

    private static string Processors(DomainConfig config)
    {
        VcpuConfig vcpus = config.Vcpus;
        string count = vcpus.Current == vcpus.Maximum ? Text(vcpus.Current) : $"{Text(vcpus.Current)},maxcpus={Text(vcpus.Maximum)}";
        return config.Cpu?.Topology is { } topology ? $"{count},sockets={Text(topology.Sockets)},cores={Text(topology.Cores * topology.Dies)},threads={Text(topology.Threads)}" : count;
    }

    private static void Boot(List<string> line, OsConfig os)
    {
        if (os.Kernel is not null) line.AddRange(["-kernel", os.Kernel]);
        if (os.Initrd is not null) line.AddRange(["-initrd", os.Initrd]);
        if (os.CommandLine is not null) line.AddRange(["-append", os.CommandLine]);
    }

    private static void Disk(List<string> line, DiskConfig disk, string place)
    {
        string alias = disk.Alias!;
        line.AddRange(["-drive", $"if=none,id=drive-{alias},node-name={NodeOf(alias)},file={Escape(disk.Source!)},format={disk.Format}{(disk.ReadOnly ? ",readonly=on" : "")}{Limits(disk.IoTune)}"]);
        line.AddRange(["-device", $"virtio-blk-pci,id={alias},drive=drive-{alias}{(disk.Serial is null ? "" : $",serial={Escape(disk.Serial)}")}{place}"]);
    }

    private static string Limits(IoTuneConfig limits)
    {
        var text = new StringBuilder();
        void Add(string name, ulong value)
        {
            if (value != 0) text.Append(System.Globalization.CultureInfo.InvariantCulture, $",throttling.{name}={value}");
        }

        for (int kind = 0; kind < Throttles.Length; kind++)
        {
            IoLimit limit = limits.Limits[kind];
            Add(Throttles[kind], limit.Rate);
            Add($"{Throttles[kind]}-max", limit.Burst);
            Add($"{Throttles[kind]}-max-length", limit.BurstSeconds);
        }
        Add("iops-size", limits.OperationSize);
        return text.ToString();
    }

    private static string Limits(BandwidthConfig bandwidth)
        => bandwidth.IsLimited ? string.Concat(CardLimits.Of(bandwidth).Where(static limit => limit.Value > 0).Select(static limit => $",throttling.{limit.Name}={Text(limit.Value)}")) : "";

    private static void Card(List<string> line, InterfaceConfig card, string place, string? socket, int? userMtu)
    {
        string backend = card.Type == "ethernet" ? $"tap{(card.Target is null ? "" : $",ifname={Escape(card.Target)}")},script=no,downscript=no"
            : socket is null ? "user" : $"stream,addr.type=unix,addr.path={Escape(socket)}";
        uint? mtu = card.Mtu ?? (socket is null ? null : (uint?)userMtu);
        line.AddRange(["-netdev", $"{backend},id={BackendOf(card.Alias!)}"]);
        line.AddRange(["-device", $"virtio-net-pci,id={card.Alias},netdev={BackendOf(card.Alias!)},mac={card.Mac}{(mtu is { } largest ? $",host_mtu={Text(largest)}" : "")}{Limits(card.Bandwidth)}{place}"]);
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
        string period = balloon.StatsPeriod is { } seconds ? $",guest-stats-polling-interval={Text(seconds)}" : "";
        line.AddRange(["-device", $"virtio-balloon-pci,id={balloon.Alias}{deflate}{reporting}{period}"]);
    }

    internal static string Escape(string value) => value.Replace(",", ",,", StringComparison.Ordinal);

    private static string Text<T>(T number) where T : IFormattable => DomainXmlWriter.Text(number);
}
