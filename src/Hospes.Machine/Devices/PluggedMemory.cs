using Hospes.Virtio;

namespace Hospes.Machine;

/// <summary>Memory that comes and goes in blocks, over all lives of the domain: what the host wants, and what the guest has. A life begins with none of it plugged in. Thread-safe.</summary>
public sealed class PluggedMemory
{
    private readonly Lock _gate = new();
    private MemoryDevice? _device;
    private ulong _requested;

    internal PluggedMemory(MemoryOptions options)
    {
        Options = options;
        _requested = options.Requested;
    }

    /// <summary>What the device is made of.</summary>
    public MemoryOptions Options { get; }

    /// <summary>Told when <see cref="Plugged"/> changes, on the device's thread. It must not block.</summary>
    public Action<PluggedMemory>? Changed { get; set; }

    /// <summary>How many bytes are plugged in.</summary>
    public ulong Plugged => Volatile.Read(ref _device)?.Plugged ?? 0;

    /// <summary>The guest-physical address of the first byte; 0 before the machine is made.</summary>
    public ulong Address => Volatile.Read(ref _device)?.Start ?? 0;

    /// <summary>How many bytes the guest is to have of it.</summary>
    public ulong Requested
    {
        get
        {
            lock (_gate) return _requested;
        }
    }

    /// <summary>Asks the guest to plug blocks in or to take some out. It stays wanted over all lives.</summary>
    /// <param name="bytes">How many bytes it is to have: a multiple of a block, at most all.</param>
    /// <returns>Whether it is such a number.</returns>
    public bool TryRequest(ulong bytes)
    {
        if (bytes > Options.Size || bytes % Options.BlockSize != 0) return false;
        lock (_gate)
        {
            _requested = bytes;
            _device?.SetRequested(bytes);
        }
        return true;
    }

    /// <summary>Makes the device for a life.</summary>
    internal MemoryDevice MakeDevice()
    {
        var device = new MemoryDevice(Options.Size, Options.BlockSize) { PluggedChanged = _ => Changed?.Invoke(this) };
        lock (_gate)
        {
            device.SetRequested(_requested);
            Volatile.Write(ref _device, device);
        }
        return device;
    }
}
