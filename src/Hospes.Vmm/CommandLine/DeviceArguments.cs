using System.Net.NetworkInformation;
using System.Numerics;
using Hospes.Display;
using Hospes.Hypervisor;
using Hospes.Machine;
using Hospes.Virtio;
using Hospes.Virtio.FileSystem;

namespace Hospes.Vmm.CommandLine;

/// <summary>What devices refer to by name: for a command line what it names, for a domain that runs what it has.</summary>
internal interface IDeviceReferences
{
    /// <summary>Gives a device its disk.</summary>
    /// <param name="model">The device's model.</param>
    /// <param name="name">The name of a drive or of a block node.</param>
    /// <param name="error">What is wrong, or null.</param>
    DiskOptions? TakeDisk(string model, string name, out string? error);

    /// <summary>Gives a card its backend.</summary>
    /// <param name="name">The backend's name.</param>
    /// <param name="error">What is wrong, or null.</param>
    NetworkOptions? TakeNetwork(string name, out string? error);

    /// <summary>Whether there is a source of entropy of that name.</summary>
    bool HasObject(string name);

    /// <summary>Gives a device its memory.</summary>
    /// <param name="name">The name of a memory backend.</param>
    /// <param name="error">What is wrong, or null.</param>
    MemoryBackend? TakeMemory(string name, out string? error);
}

/// <summary>Makes devices of <c>-device</c> and <c>device_add</c>, once everything that they refer to is known.</summary>
internal sealed class DeviceArguments(IDeviceReferences references, ChardevArguments chardevs)
{
    /// <summary>The bus that is there without being asked for.</summary>
    public const string RootBus = "pcie.0";

    private const int MostQueues = 16, LargestMode = 16384;

    private readonly List<DeviceOptions> _devices = [];
    private readonly List<SerialBus> _buses = [];
    private readonly ScsiArguments _scsi = new(references);
    private readonly HashSet<string> _ids = [];
    private int _cards;

    /// <summary>The devices, in the order of their places.</summary>
    public IReadOnlyList<DeviceOptions> All =>
        [.. _devices.Select(device => _buses.Find(bus => ReferenceEquals(bus.Place, device)) is { } bus ? new ConsoleOptions { Id = device.Id, Ports = [.. bus.Ports.OrderBy(static port => port.Number)] } : _scsi.Complete(device))];

    /// <summary>Reads <c>-device</c>.</summary>
    /// <returns>Null, or what is wrong.</returns>
    public string? Add(OptionSet set)
    {
        var reader = new OptionReader(set);
        string name = reader.Required("driver");
        if (reader.Error is not null) return reader.Error;
        if (DeviceModels.Find(name) is not { } model) return $"'{name}' is not a valid device model name";
        foreach ((string key, _) in set.Entries)
        {
            if (key is not ("driver" or "id") && !model.Properties.Any(property => property.Name == key)) return $"Property '{model.Name}.{key}' not found";
        }
        string? id = reader.Identifier("id");
        if (id is not null && !_ids.Add(id)) reader.Fail($"Duplicate ID '{id}' for device");
        foreach (DeviceProperty property in model.Properties)
        {
            if (property.Values is { } values) reader.Only(property.Name, values);
        }
        if (model.Bus == "PCI")
        {
            reader.Number("bootindex", -1, int.MaxValue);
            int slot = set.Entries.Any(static entry => entry.Key == "bus" && entry.Value != RootBus) ? 0 : _devices.Count(static other => other.Bus is null) + 1;
            reader.Only("addr", $"{slot}", $"0x{slot:x}", $"{slot:x2}", $"{slot:x}", $"{slot:x}.0", $"{slot:x2}.0", $"0x{slot:x}.0", $"0x{slot:x2}");
        }
        string? bus = model.Bus == "PCI" ? ReadBus(reader, model) : null;
        DeviceOptions? device = model.Name switch
        {
            DeviceModels.RootPort => ReadPort(reader),
            DeviceModels.Balloon => ReadBalloon(reader),
            DeviceModels.Memory => ReadMemory(reader),
            DeviceModels.Generation => ReadGeneration(reader),
            DeviceModels.Panic => new PanicNoticeOptions(),
            DeviceModels.Watchdog => new WatchdogOptions(),
            DeviceModels.Gpu => ReadGpu(reader),
            DeviceModels.Keyboard or DeviceModels.Tablet => new InputOptions(model.Name == DeviceModels.Tablet),
            DeviceModels.Vsock => ReadVsock(reader),
            DeviceModels.FileSystem => ReadShare(reader),
            DeviceModels.Net => ReadNet(reader),
            DeviceModels.Block => ReadBlock(reader),
            DeviceModels.Entropy => ReadEntropy(reader),
            DeviceModels.Serial => ReadSerial(reader, id),
            DeviceModels.ScsiHost => _scsi.ReadHost(reader, id),
            DeviceModels.ScsiDisk or DeviceModels.ScsiDrive => ReadUnit(reader, model, id),
            _ => ReadPort(reader, model),
        };
        if (!reader.Finish()) return reader.Error;
        if (device is not null) _devices.Add(device with { Id = id, Bus = bus });
        if (device is ConsoleOptions) _buses[^1].Place = _devices[^1];
        if (device is ScsiOptions) _scsi.Place(_devices[^1]);
        return null;
    }

    /// <summary>Adds the device of a drive that asked for one.</summary>
    /// <param name="device">The device.</param>
    public void AddDevice(DeviceOptions device) => _devices.Add(device);

    /// <summary>The root port that a device is behind; null for bus 0.</summary>
    private string? ReadBus(OptionReader reader, DeviceModel model)
    {
        string? bus = reader.Text("bus");
        if (bus is null or RootBus) return null;
        if (model.Name == DeviceModels.RootPort) reader.Fail($"Bus '{bus}' does not take a root port; the root ports are on '{RootBus}'");
        else if (Ports is { } ports ? !ports.Contains(bus) : !_devices.Exists(port => port is RootPortOptions && port.Id == bus)) reader.Fail($"Bus '{bus}' not found");
        else if (_devices.Exists(other => other.Bus == bus)) reader.Fail($"PCI: slot 0 function 0 not available for {model.Name}, in use by another device");
        return bus;
    }

    /// <summary>The root ports of a domain that runs; null for those of the command line.</summary>
    public IReadOnlyCollection<string>? Ports { get; init; }

    private static RootPortOptions ReadPort(OptionReader reader)
    {
        // Numbers for people: the guest is told the order of the ports.
        foreach (string name in (string[])["port", "chassis", "slot"]) reader.Number(name, 0, ushort.MaxValue);
        return new RootPortOptions();
    }

    private NetworkOptions? ReadNet(OptionReader reader)
    {
        string? netdev = reader.Text("netdev");
        bool multiple = reader.Switch("mq", false);
        long? mtu = reader.Number("host_mtu", 0, ushort.MaxValue);
        if (mtu is > 0 and < 68) reader.Fail("Parameter 'host_mtu' expects a number from 68 to 65535");
        // QEMU counts its cards up from this address.
        PhysicalAddress mac = new([0x52, 0x54, 0x00, 0x12, 0x34, (byte)(0x56 + _cards)]);
        if (reader.Text("mac") is { } text && (!PhysicalAddress.TryParse(text, out mac!) || mac.GetAddressBytes() is not { Length: 6 } bytes || (bytes[0] & 1) != 0))
            reader.Fail($"Property 'virtio-net-pci.mac' doesn't take value '{text}'");
        RequestLimits limits = ThrottleArguments.Read(reader);
        if (netdev is null) reader.Fail("netdev property not set");
        if (reader.Error is not null) return null;
        NetworkOptions? network = references.TakeNetwork(netdev!, out string? error);
        if (network is null) reader.Fail(error!);
        _cards++;
        return network is null ? null : network with { Mac = mac, Mtu = mtu > 0 ? (int)mtu : null, Pairs = multiple ? network.Pairs : 1, Limits = limits };
    }

    private DiskOptions? ReadBlock(OptionReader reader)
    {
        string? drive = reader.Text("drive");
        long queues = reader.Number("num-queues", 1, MostQueues) ?? 1;
        string serial = ReadSerial(reader, DeviceModels.Find(DeviceModels.Block)!);
        if (string.IsNullOrEmpty(drive)) reader.Fail("drive property not set");
        if (reader.Error is not null) return null;
        DiskOptions? disk = references.TakeDisk(DeviceModels.Block, drive!, out string? error);
        if (disk is null) reader.Fail(error!);
        else if (disk.IsEmpty) reader.Fail("Device needs media, but drive is empty");
        return disk is null ? null : disk with { Serial = serial, Queues = (int)queues };
    }

    /// <summary>Reads the serial of a disk.</summary>
    internal static string ReadSerial(OptionReader reader, DeviceModel model)
    {
        string serial = reader.Text("serial") ?? "";
        if (serial.Length > 20 || !serial.All(char.IsAscii)) reader.Fail($"Property '{model.Name}.serial' doesn't take value '{serial}'");
        return serial;
    }

    /// <summary>A unit has no place of its own on the bus of the machine.</summary>
    private DeviceOptions? ReadUnit(OptionReader reader, DeviceModel model, string? id)
    {
        reader.Number("bootindex", -1, int.MaxValue);
        _scsi.ReadUnit(reader, model, id);
        return null;
    }

    private BalloonOptions ReadBalloon(OptionReader reader)
    {
        if (_devices.Exists(static other => other is BalloonOptions)) reader.Fail("Only one balloon device is supported");
        return new BalloonOptions
        {
            ReportsFreePages = reader.Switch("free-page-reporting", false),
            DeflatesOnOom = reader.Switch("deflate-on-oom", false),
            PollingInterval = TimeSpan.FromSeconds(reader.Number("guest-stats-polling-interval", 0, uint.MaxValue / 1000) ?? 0),
        };
    }

    /// <summary>The generation id that was asked for, or null.</summary>
    public Guid? GenerationId { get; private set; }

    /// <summary>Part of the machine: there is no device on the bus.</summary>
    private DeviceOptions? ReadGeneration(OptionReader reader)
    {
        string text = reader.Text("guid") ?? "auto";
        if (GenerationId is not null) reader.Fail("at most one vmgenid device is permitted");
        if (text == "auto") GenerationId = Guid.NewGuid();
        else if (Guid.TryParseExact(text, "D", out Guid guid)) GenerationId = guid;
        else reader.Fail($"Invalid GUID '{text}'");
        return null;
    }

    private MemoryOptions? ReadMemory(OptionReader reader)
    {
        const string Block = "block-size", Backend = "memdev", Requested = "requested-size";
        ulong block = reader.Size(Block) ?? MemoryOptions.UsualBlock, requested = reader.Size(Requested) ?? 0;
        string? memdev = reader.Text(Backend);
        if (block < MemoryDevice.LeastBlock) reader.Fail($"'{Block}' property has to be at least 0x{MemoryDevice.LeastBlock:x}");
        else if (!BitOperations.IsPow2(block)) reader.Fail($"'{Block}' property has to be a power of two");
        if (memdev is null) reader.Fail($"'{Backend}' property must be set");
        if (reader.Error is not null) return null;
        MemoryBackend? memory = references.TakeMemory(memdev!, out string? error);
        if (memory is null) reader.Fail(error!);
        else if (memory.HugePages is HugePages.Size1G && block % (1UL << 30) != 0 || memory.HugePages is HugePages.Size2M && block % (2UL << 20) != 0) reader.Fail($"'{Block}' property has to be at least the page size of '{memdev}'");
        else if (requested % block != 0) reader.Fail($"'{Requested}' property has to be multiples of '{Block}' (0x{block:x})");
        else if (memory.Size % block != 0) reader.Fail($"backend memory size must be multiple of 0x{block:x}");
        else if (requested > memory.Size) reader.Fail($"'{Requested}' property exceeds the memory backend size(0x{memory.Size:x})");
        return memory is null ? null : new MemoryOptions(memory.Size) { BlockSize = block, Requested = requested, Backend = memdev, HugePages = memory.HugePages, IsShared = memory.IsShared };
    }

    private static GpuOptions ReadGpu(OptionReader reader)
    {
        var usual = new GpuOptions();
        return usual with
        {
            Screens = (int)(reader.Number("max_outputs", 1, GpuLayout.MostScanouts) ?? usual.Screens),
            Width = (int)(reader.Number("xres", Screen.LeastSide, LargestMode) ?? usual.Width),
            Height = (int)(reader.Number("yres", Screen.LeastSide, LargestMode) ?? usual.Height),
            HostMemory = reader.Size("max_hostmem", 1) ?? usual.HostMemory,
            HasEdid = reader.Switch("edid", usual.HasEdid),
        };
    }

    private static VsockOptions ReadVsock(OptionReader reader)
    {
        string path = reader.Text("uds-path") ?? "";
        if (path.Length == 0) reader.Fail("uds-path property not set");
        long cid = reader.Number("guest-cid", (long)VsockDevice.FirstGuestCid, uint.MaxValue - 1) ?? (long)VsockDevice.FirstGuestCid;
        return new VsockOptions(path) { GuestCid = (ulong)cid };
    }

    private ShareOptions ReadShare(OptionReader reader)
    {
        string path = reader.Text("path") ?? "", tag = reader.Text("tag") ?? "";
        if (path.Length == 0) reader.Fail("path property not set");
        if (tag.Length == 0) reader.Fail("tag property not set");
        else if (!FileSystemDevice.IsTag(tag)) reader.Fail($"tag property must be {FileSystemDevice.LongestTag} bytes or less");
        return new ShareOptions(path, tag) { IsReadOnly = reader.Switch("readonly", false) };
    }

    private EntropyOptions ReadEntropy(OptionReader reader)
    {
        if (reader.Text("rng") is { } name && !references.HasObject(name)) reader.Fail($"Device '{name}' not found");
        return new EntropyOptions();
    }

    private ConsoleOptions ReadSerial(OptionReader reader, string? id)
    {
        long most = reader.Number("max_ports", 1, SerialBus.MostPorts) ?? SerialBus.MostPorts;
        var options = new ConsoleOptions();
        _buses.Add(new SerialBus($"{id ?? "virtio-serial"}.0", (int)most));
        return options;
    }

    private DeviceOptions? ReadPort(OptionReader reader, DeviceModel model)
    {
        string? wanted = reader.Text("bus"), name = reader.Text("name"), chardev = reader.Text("chardev");
        long? number = reader.Number("nr", 0, SerialBus.MostPorts - 1);
        SerialBus? bus = wanted is null ? _buses.FirstOrDefault() : _buses.Find(bus => bus.Name == wanted);
        if (bus is null) reader.Fail(wanted is null ? $"No 'virtio-serial-bus' bus found for device '{model.Name}'" : $"Bus '{wanted}' not found");
        if (reader.Error is not null) return null;
        string? error = chardev is null ? null
            : chardevs.Find(chardev) is null ? $"Property '{model.Name}.chardev' can't find value '{chardev}'"
            : chardevs.Use(chardev) is not null ? $"Property '{model.Name}.chardev' can't take value '{chardev}', it's in use" : null;
        bool isConsole = model.Name == DeviceModels.Console;
        error ??= bus!.Add(new ConsolePortOptions { IsConsole = isConsole, Name = name, Backend = chardev }, (int?)number);
        if (error is not null) reader.Fail(error);
        return null;
    }

    /// <summary>The ports of a virtio-serial-pci.</summary>
    private sealed class SerialBus(string name, int most)
    {
        public const int MostPorts = 31;

        public string Name => name;

        /// <summary>The device that stands for the bus among the others.</summary>
        public DeviceOptions? Place { get; set; }

        public List<ConsolePortOptions> Ports { get; } = [];

        /// <summary>Adds a port under a number, or under the next one that is free. Number 0 is for a console (virtio 1.2, 5.3.2).</summary>
        public string? Add(ConsolePortOptions port, int? number)
        {
            int next = port.IsConsole ? 0 : 1;
            while (number is null && Ports.Exists(other => other.Number == next)) next++;
            int chosen = number ?? next;
            if (chosen >= most) return $"virtio-serial-bus: Out-of-range port id specified, max. allowed: {most - 1}";
            if (chosen == 0 && !port.IsConsole) return "virtio-serial-bus: Port number 0 on virtio-serial devices reserved for virtconsole devices for backward compatibility.";
            if (Ports.Exists(other => other.Number == chosen)) return $"virtio-serial-bus: A port already exists at id {chosen}";
            Ports.Add(port with { Number = chosen });
            return null;
        }
    }
}
