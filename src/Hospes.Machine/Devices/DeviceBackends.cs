using System.Net.NetworkInformation;
using System.Runtime.InteropServices;
using Hospes.Display;
using Hospes.Network;
using Hospes.Virtio;
using Hospes.Virtio.FileSystem;

namespace Hospes.Machine;

/// <summary>
/// What is behind a domain's devices on the host. It is opened once and stays over resets, while the devices themselves are made anew for each
/// life of the domain.
/// </summary>
public sealed partial class DeviceBackends : IDisposable
{
    private readonly SharedConsole _console;
    // Replaced, not changed: others read them meanwhile.
    private List<Maker> _makers = [];
    private List<Disk> _disks = [];
    private List<NetworkCard> _cards = [];
    private readonly List<PluggedMemory> _memories = [];

    private readonly TimeProvider _time;
    private readonly Dictionary<DeviceOptions, SharedFolder> _folders = new(ReferenceEqualityComparer.Instance);
    private readonly Seat _seat;
    private VsockSockets? _vsock;
    private readonly List<Graphics> _graphics = [];

    private DeviceBackends(IConsoleSink console, TimeProvider time, Seat seat)
    {
        _console = new SharedConsole(console);
        _time = time;
        _seat = seat;
    }

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

    /// <summary>The memory balloon, or null.</summary>
    public Balloon? Balloon { get; private set; }

    /// <summary>The memory that comes and goes in blocks, in the order of its devices' places.</summary>
    public IReadOnlyList<PluggedMemory> Memories => _memories;

    /// <summary>Told of requests to disks that fail, on the devices' threads. It must not block.</summary>
    public Action<Disk, DiskFailure>? DiskFailed { get; set; }

    /// <summary>Told that a drive's tray opened (true) or closed, on whatever thread moved it. It must not block.</summary>
    public Action<Disk, bool>? TrayMoved { get; set; }

    /// <summary>Told how many bytes the guest gave to the balloon, when that changes; on a vCPU's thread. It must not block.</summary>
    public Action<ulong>? BalloonChanged { get; set; }

    /// <summary>Told of memory of which the guest plugged in or took out blocks, on the device's thread. It must not block.</summary>
    public Action<PluggedMemory>? MemoryChanged { get; set; }

    /// <summary>Opens everything.</summary>
    /// <param name="options">The devices that are wanted.</param>
    /// <param name="console">Where the console's output goes.</param>
    /// <param name="devices">What was opened, or null.</param>
    /// <param name="time">Where time comes from; null for the host's.</param>
    /// <param name="seat">Where people use the devices that are for people; null for nowhere.</param>
    /// <returns>Null, or why not.</returns>
    public static DeviceFailure? TryOpen(IReadOnlyList<DeviceOptions> options, IConsoleSink console, out DeviceBackends? devices, TimeProvider? time = null, Seat? seat = null)
    {
        devices = new DeviceBackends(console, time ?? TimeProvider.System, seat ?? new Seat());
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

    /// <summary>What the devices are made of, in the order of their places; those that were plugged in last.</summary>
    public IReadOnlyList<DeviceOptions> Options => [.. _makers.Select(static maker => maker.Options)];

    /// <summary>Makes the devices for one life.</summary>
    public DeviceSet Create()
    {
        var set = new DeviceSet();
        foreach (Maker maker in _makers) set.Add(maker.Options, maker.Make(set));
        return set;
    }

    /// <summary>Opens what is behind a further device, and makes the device for the current life.</summary>
    /// <param name="options">The device that is wanted; it has a name that no other has.</param>
    /// <param name="set">The devices of the current life.</param>
    /// <param name="device">The device, for the machine.</param>
    /// <returns>Null, or why not.</returns>
    public DeviceFailure? TryAdd(DeviceOptions options, DeviceSet set, out MachineDevice? device)
    {
        device = null;
        DeviceFailure? failure = Open(options);
        if (failure is not null) return failure;
        set.Add(options, _makers[^1].Make(set));
        device = set.All[^1];
        return null;
    }

    /// <summary>Lets go what is behind a device that is no longer there: a block node and a network backend stay, for another device.</summary>
    /// <param name="options">One of <see cref="Options"/>.</param>
    public void Remove(DeviceOptions options)
    {
        _makers = [.. _makers.Where(maker => !ReferenceEquals(maker.Options, options))];
        if (options is DiskOptions disk) RemoveDisk(disk);
        else if (options is ScsiOptions scsi) foreach (ScsiUnitOptions unit in scsi.Units) RemoveDisk(unit.Disk);
        if (_cards.Find(card => ReferenceEquals(card.Options, options)) is { } card)
        {
            _cards = [.. _cards.Where(other => other != card)];
            Networks.Release(card);
        }
        if (_graphics.Find(graphics => ReferenceEquals(graphics.Options, options)) is { } gone)
        {
            _graphics.Remove(gone);
            gone.Dispose();
        }
        if (options is VsockOptions)
        {
            _vsock?.Dispose();
            _vsock = null;
        }
        if (_folders.Remove(options, out SharedFolder? folder)) folder.Dispose();
        if (Balloon is not null && ReferenceEquals(Balloon.Options, options))
        {
            Balloon.Dispose();
            Balloon = null;
        }
    }

    /// <summary>Closes everything. The devices were disposed before.</summary>
    public void Dispose()
    {
        foreach (Graphics graphics in _graphics) graphics.Dispose();
        Balloon?.Dispose();
        _vsock?.Dispose();
        foreach (SharedFolder folder in _folders.Values) folder.Dispose();
        Networks.Dispose();
        Blocks.Dispose();
    }

    private DeviceFailure? Open(DeviceOptions option)
    {
        switch (option)
        {
            case RootPortOptions or PanicNoticeOptions or WatchdogOptions:
                _makers = [.. _makers, new Maker(option, static _ => null)];
                return null;
            case EntropyOptions:
                _makers = [.. _makers, new Maker(option, static _ => new EntropyDevice())];
                return null;
            case BalloonOptions balloon:
                if (Balloon is not null) return new DeviceFailure("there are two memory balloons", "give one");
                Balloon = new Balloon(balloon, _time) { Changed = given => BalloonChanged?.Invoke(given) };
                _makers = [.. _makers, new Maker(option, _ => Balloon.MakeDevice())];
                return null;
            case MemoryOptions memory:
                var plugged = new PluggedMemory(memory) { Changed = changed => MemoryChanged?.Invoke(changed) };
                _memories.Add(plugged);
                _makers = [.. _makers, new Maker(option, _ => plugged.MakeDevice())];
                return null;
            case VsockOptions vsock:
                if (_vsock is not null) return new DeviceFailure("there are two socket devices", "give one");
                _vsock = VsockSockets.TryListen(vsock.Path, out DeviceFailure? refused);
                if (_vsock is null) return refused;
                _makers = [.. _makers, new Maker(option, _ => _vsock.MakeDevice(vsock.GuestCid))];
                return null;
            case ShareOptions share:
                return OpenShare(share);
            case InputOptions input:
                _makers = [.. _makers, new Maker(option, set => set.MakeInput(input, _seat.Inputs))];
                return null;
            case GpuOptions gpu:
                var graphics = new Graphics(gpu, _seat);
                _graphics.Add(graphics);
                _makers = [.. _makers, new Maker(option, _ => graphics.MakeDevice())];
                return null;
            case ConsoleOptions { Ports: { } ports }:
                _makers = [.. _makers, new Maker(option, set => set.MakePorts(ports))];
                return null;
            case ConsoleOptions:
                _makers = [.. _makers, new Maker(option, MakeConsole)];
                return null;
            case DiskOptions disk:
                if (OpenDisk(disk, isRemovable: false, out Disk? opened) is { } closed) return closed;
                _makers = [.. _makers, new Maker(option, _ => opened!.MakeDevice())];
                return null;
            case ScsiOptions scsi:
                return OpenScsi(scsi);
            case NetworkOptions network:
                return OpenNetwork(network);
            default:
                throw new ArgumentException("a device of no known kind", nameof(option));
        }
    }

    private ConsoleDevice MakeConsole(DeviceSet set)
    {
        var port = new ConsolePort(_console);
        set.Console = new VirtioInput(port);
        return new ConsoleDevice(port);
    }

    private DeviceFailure? OpenShare(ShareOptions options)
    {
        if (_makers.Exists(other => other.Options is ShareOptions share && share.Tag == options.Tag)) return new DeviceFailure($"there are two shared folders '{options.Tag}'", "give each a tag of its own");
        if (SharedFolder.TryOpen(options.Path, options.IsReadOnly, out int error) is not { } folder)
        {
            return error == SharedFolder.NoSystemCall
                ? new DeviceFailure($"the folder '{options.Path}' cannot be shared: the host's kernel has no openat2", "use Linux 5.6 or later, and nothing that forbids the call")
                : new DeviceFailure($"the folder '{options.Path}' cannot be opened: {Marshal.GetPInvokeErrorMessage(error)}", "give a folder that is there and yours to open");
        }
        _folders.Add(options, folder);
        _makers = [.. _makers, new Maker(options, _ => new FileSystemDevice(options.Tag, folder))];
        return null;
    }

    private DeviceFailure? OpenNetwork(NetworkOptions options)
    {
        NetworkBackend? backend;
        if (options is PresentNetworkOptions)
        {
            backend = Networks.Find(options.Backend!);
            if (backend is null or { Card: not null }) return new DeviceFailure($"there is no free network backend '{options.Backend}'", "add it first");
        }
        else if (!Networks.TryAdd(options, out backend, out DeviceFailure? failure))
        {
            return failure;
        }
        var settings = new NetSettings
        {
            Mac = options.Mac ?? MakeMac(),
            Mtu = options.Mtu ?? (backend.Options is UserNetworkOptions ? PasstLink.Mtu : null),
            Pairs = options.Pairs,
        };
        var card = new NetworkCard(backend, options, settings, _time);
        _cards = [.. _cards, card];
        _makers = [.. _makers, new Maker(options, _ => card.MakeDevice())];
        return null;
    }

    /// <summary>An address under the prefix that QEMU and libvirt use, 52:54:00. No secret: the host's library of cryptography, which it may lack, is not asked.</summary>
    private static PhysicalAddress MakeMac()
    {
        byte[] address = [0x52, 0x54, 0x00, 0, 0, 0];
        Random.Shared.NextBytes(address.AsSpan(3));
        return new PhysicalAddress(address);
    }

    /// <summary>A device's options, and what makes it for each life; null for a root port.</summary>
    private sealed record Maker(DeviceOptions Options, Func<DeviceSet, VirtioDevice?> Make);
}
