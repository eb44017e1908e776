using System.Net.NetworkInformation;
using Hospes.Network;
using Hospes.Storage;
using Hospes.Virtio;

namespace Hospes.Machine;

/// <summary>
/// What is behind a domain's devices on the host. It is opened once and stays over resets, while the devices themselves are made anew for each
/// life of the domain.
/// </summary>
public sealed class DeviceBackends : IDisposable
{
    private readonly SharedConsole _console;
    private readonly List<Action<DeviceSet>> _makers = [];
    private readonly List<Disk> _disks = [];
    private readonly List<NetworkCard> _cards = [];

    private DeviceBackends(IConsoleSink console) => _console = new SharedConsole(console);

    /// <summary>Where all consoles of the domain write to.</summary>
    public IConsoleSink Console => _console;

    /// <summary>The block nodes, also those that no disk uses.</summary>
    public BlockGraph Blocks { get; } = new();

    /// <summary>The network backends, also those that no card uses.</summary>
    public NetworkBackends Networks { get; } = new();

    /// <summary>The disks, in the order of their places.</summary>
    public IReadOnlyList<Disk> Disks => _disks;

    /// <summary>The network cards, in the order of their places.</summary>
    public IReadOnlyList<NetworkCard> Cards => _cards;

    /// <summary>Opens everything.</summary>
    /// <param name="options">The devices that are wanted.</param>
    /// <param name="console">Where the console's output goes.</param>
    /// <param name="devices">What was opened, or null.</param>
    /// <returns>Null, or why not.</returns>
    public static DeviceFailure? TryOpen(IReadOnlyList<DeviceOptions> options, IConsoleSink console, out DeviceBackends? devices)
    {
        devices = new DeviceBackends(console);
        foreach (DeviceOptions option in options)
        {
            DeviceFailure? failure = devices.Open(option);
            if (failure is null) continue;
            devices.Dispose();
            devices = null;
            return failure;
        }
        return null;
    }

    /// <summary>Makes the devices for one life.</summary>
    public DeviceSet Create()
    {
        var set = new DeviceSet();
        foreach (Action<DeviceSet> maker in _makers) maker(set);
        return set;
    }

    /// <summary>Closes everything. The devices were disposed before.</summary>
    public void Dispose()
    {
        Networks.Dispose();
        Blocks.Dispose();
    }

    private DeviceFailure? Open(DeviceOptions option)
    {
        switch (option)
        {
            case EntropyOptions:
                _makers.Add(static set => set.Add(new EntropyDevice()));
                return null;
            case ConsoleOptions { Ports: { } ports }:
                _makers.Add(set => set.AddPorts(ports));
                return null;
            case ConsoleOptions:
                _makers.Add(AddConsole);
                return null;
            case DiskOptions disk:
                return OpenDisk(disk);
            case NetworkOptions network:
                return OpenNetwork(network);
            default:
                throw new ArgumentException("a device of no known kind", nameof(option));
        }
    }

    private void AddConsole(DeviceSet set)
    {
        var port = new ConsolePort(_console);
        set.Console = new VirtioInput(port);
        set.Add(new ConsoleDevice(port));
    }

    private DeviceFailure? OpenDisk(DiskOptions options)
    {
        BlockDriver? format = null;
        if (options.Format is { } name)
        {
            if (!ImageFormats.TryParse(name, out ImageFormat parsed)) return new DeviceFailure($"there is no image format '{name}'", "give raw or qcow2");
            format = parsed == ImageFormat.Qcow2 ? BlockDriver.Qcow2 : BlockDriver.Raw;
        }
        var file = new BlockNodeOptions { Name = options.FileNodeName, Driver = BlockDriver.File, Path = options.Path };
        if (!Blocks.TryAdd(new BlockNodeOptions { Name = options.NodeName, Driver = format, File = file, IsReadOnly = options.IsReadOnly }, out BlockNode? node, out BlockGraphFailure? failure))
        {
            return failure.Cause is { } cause
                ? new DeviceFailure($"the disk '{options.Path}' cannot be opened: {cause.Cause}", cause.Remedy)
                : new DeviceFailure($"there are two block nodes '{failure.Name}'", "give each a name of its own");
        }
        var disk = new Disk(options, Blocks, node);
        Blocks.TryUse(node, disk);
        _disks.Add(disk);
        _makers.Add(set => set.Add(disk.MakeDevice()));
        return null;
    }

    private DeviceFailure? OpenNetwork(NetworkOptions options)
    {
        if (!Networks.TryAdd(options, out NetworkBackend? backend, out DeviceFailure? failure)) return failure;
        var settings = new NetSettings
        {
            Mac = options.Mac ?? MakeMac(),
            Mtu = options.Mtu ?? (options is UserNetworkOptions ? PasstLink.Mtu : null),
            Pairs = options.Pairs,
        };
        var card = new NetworkCard(backend, settings);
        _cards.Add(card);
        _makers.Add(set => set.Add(card.MakeDevice()));
        return null;
    }

    /// <summary>An address under the prefix that QEMU and libvirt use, 52:54:00. No secret: the host's library of cryptography, which it may lack, is not asked.</summary>
    private static PhysicalAddress MakeMac()
    {
        byte[] address = [0x52, 0x54, 0x00, 0, 0, 0];
        Random.Shared.NextBytes(address.AsSpan(3));
        return new PhysicalAddress(address);
    }
}
