using System.Net.NetworkInformation;
using System.Security.Cryptography;
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
    private readonly List<IDisposable> _open = [];

    private DeviceBackends(IConsoleSink console) => _console = new SharedConsole(console);

    /// <summary>Where all consoles of the domain write to.</summary>
    public IConsoleSink Console => _console;

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
        foreach (IDisposable opened in _open) opened.Dispose();
    }

    private DeviceFailure? Open(DeviceOptions option)
    {
        switch (option)
        {
            case EntropyOptions:
                _makers.Add(static set => set.Add(new EntropyDevice()));
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

    private DeviceFailure? OpenDisk(DiskOptions disk)
    {
        ImageFormat? format = null;
        if (disk.Format is { } name)
        {
            if (!ImageFormats.TryParse(name, out ImageFormat parsed)) return new DeviceFailure($"there is no image format '{name}'", "give raw or qcow2");
            format = parsed;
        }
        var opening = new ImageOpening { Format = format, ReadOnly = disk.IsReadOnly };
        if (!DiskImage.TryOpen(disk.Path, opening, out IBlockImage? image, out StorageFailure? failure))
            return new DeviceFailure($"the disk '{disk.Path}' cannot be opened: {failure.Cause}", failure.Remedy);
        _open.Add(image);
        var backend = new ImageBackend(image);
        var settings = new BlockSettings { Serial = disk.Serial, IsReadOnly = disk.IsReadOnly, Queues = disk.Queues };
        _makers.Add(set => set.Add(new BlockDevice(backend, settings)));
        return null;
    }

    private DeviceFailure? OpenNetwork(NetworkOptions network)
    {
        INetworkLink? link;
        NetworkFailure? failure;
        switch (network)
        {
            case UserNetworkOptions user:
                failure = PasstLink.TryStart(user.Forwards, out PasstLink? passt);
                link = passt;
                break;
            case TapNetworkOptions tap:
                failure = TapLink.TryOpen(tap.Name, out TapLink? device);
                link = device;
                break;
            case StreamNetworkOptions stream:
                failure = stream.Listens ? StreamLink.TryListen(stream.Path, out StreamLink? socket) : StreamLink.TryConnect(stream.Path, out socket);
                link = socket;
                break;
            case DatagramNetworkOptions datagram:
                failure = DatagramLink.TryOpen(datagram.Local, datagram.Remote, out DatagramLink? udp);
                link = udp;
                break;
            default:
                throw new ArgumentException("a network of no known kind", nameof(network));
        }
        if (link is null) return new DeviceFailure(failure!.Cause, failure.Remedy);
        var backend = new LinkBackend(link);
        _open.Add(backend);
        var settings = new NetSettings
        {
            Mac = network.Mac ?? MakeMac(),
            Mtu = network.Mtu ?? (network is UserNetworkOptions ? PasstLink.Mtu : null),
            Pairs = network.Pairs,
        };
        _makers.Add(set => set.Add(new NetDevice(backend, settings)));
        return null;
    }

    /// <summary>An address under the prefix that QEMU and libvirt use, 52:54:00.</summary>
    private static PhysicalAddress MakeMac()
    {
        byte[] address = [0x52, 0x54, 0x00, 0, 0, 0];
        RandomNumberGenerator.Fill(address.AsSpan(3));
        return new PhysicalAddress(address);
    }
}
