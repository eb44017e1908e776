namespace Hospes.Domains.Configuration;

/// <summary>The second phase: fills in what a document leaves open, so that the same document means the same for ever.</summary>
public static class DomainDefaults
{
    /// <summary>Fills in a configuration.</summary>
    /// <param name="config">What was read.</param>
    /// <param name="host">What the host has.</param>
    /// <param name="random">Where UUIDs and addresses come from.</param>
    public static DomainConfig Apply(DomainConfig config, HostProfile host, Random random)
    {
        ulong current = config.CurrentMemoryKiB == 0 || config.CurrentMemoryKiB > config.MemoryKiB ? config.MemoryKiB : config.CurrentMemoryKiB;
        return config with
        {
            Uuid = config.Uuid == Guid.Empty ? NewUuid(random) : config.Uuid,
            CurrentMemoryKiB = current,
            Vcpus = config.Vcpus.Current == 0 ? config.Vcpus with { Current = config.Vcpus.Maximum } : config.Vcpus,
            Os = config.Os with { Machine = config.Os.Machine ?? HostProfile.Machine },
            Devices = Devices(config.Devices, host, random),
        };
    }

    private static DeviceConfig Devices(DeviceConfig devices, HostProfile host, Random random)
    {
        ValueList<CharacterConfig> serials = [.. devices.Serials.Select(static (port, index) => Serial(port, (uint)index))];
        ValueList<CharacterConfig> consoles = [.. devices.Consoles.Select(static (console, index) => Console(console, (uint)index))];
        // The first console is the first serial port: each brings the other along (formatdomain, "Console").
        if (serials.Count == 0 && consoles.Count > 0 && consoles[0].TargetType == "serial")
            serials = [consoles[0] with { TargetType = "isa-serial", TargetModel = "isa-serial", Port = 0 }];
        if (serials.Count > 0)
        {
            CharacterConfig first = serials[0] with { TargetType = "serial", TargetModel = null, Port = 0 };
            bool aliased = consoles.Count > 0 && consoles[0].TargetType == "serial";
            consoles = [first, .. consoles.Skip(aliased ? 1 : 0)];
        }
        return ScreenRules.Complete(devices) with
        {
            Emulator = devices.Emulator ?? host.Emulator,
            Disks = [.. devices.Disks.Select(static disk => disk with { Format = disk.Format ?? "raw", Bus = disk.Bus ?? BusOf(disk.Target) })],
            Interfaces = [.. devices.Interfaces.Select(card => card with { Mac = card.Mac ?? MacAddress.Generate(random), Model = card.Model ?? "virtio" })],
            Serials = serials,
            Consoles = consoles,
            Channels = [.. devices.Channels.Select(static (channel, index) => channel with { TargetType = channel.TargetType ?? "virtio", Port = null })],
            Balloon = devices.Balloon ?? new BalloonConfig(host.HasBalloon ? "virtio" : "none"),
        };
    }

    /// <summary>The bus that a disk's name speaks of (formatdomain, "Hard drives, floppy disks, CDROMs").</summary>
    private static string BusOf(string target) => target switch
    {
        ['h', 'd', ..] => "ide",
        ['s', 'd', ..] => "scsi",
        ['f', 'd', ..] => "fdc",
        ['x', 'v', 'd', ..] => "xen",
        ['u', 'b', 'd', ..] => "uml",
        _ => "virtio",
    };

    private static CharacterConfig Serial(CharacterConfig port, uint index) => port with
    {
        TargetType = port.TargetType ?? "isa-serial",
        TargetModel = port.TargetModel ?? (port.TargetType is null or "isa-serial" ? "isa-serial" : null),
        Port = port.Port ?? index,
    };

    private static CharacterConfig Console(CharacterConfig console, uint index) => console with { TargetType = console.TargetType ?? "serial", Port = console.Port ?? index };

    /// <summary>A random UUID (RFC 4122, 4.4).</summary>
    internal static Guid NewUuid(Random random)
    {
        Span<byte> bytes = stackalloc byte[16];
        random.NextBytes(bytes);
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x40);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new Guid(bytes, bigEndian: true);
    }
}
