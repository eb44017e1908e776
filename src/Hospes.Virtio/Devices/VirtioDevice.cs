namespace Hospes.Virtio;

/// <summary>
/// A device behind a transport. Threading: <see cref="Started"/>, <see cref="Serve"/>, <see cref="QueueStopped"/> and <see cref="Stopped"/> are called on
/// the device's worker thread, one at a time; <see cref="ConfigWritten"/> on a vCPU's, where it must not block.
/// </summary>
public abstract class VirtioDevice : IDisposable
{
    private readonly Lock _configGate = new();
    private readonly byte[] _config;
    private readonly QueueCounters[] _counters;
    private byte _generation;

    /// <summary>Makes a device.</summary>
    /// <param name="kind">What it is.</param>
    /// <param name="pciClass">Its PCI class: base class, subclass, programming interface.</param>
    /// <param name="queues">How many queues it has: 1 to <see cref="VirtioPciLayout.MaxQueues"/>.</param>
    /// <param name="configSize">Bytes of its configuration.</param>
    protected VirtioDevice(VirtioKind kind, uint pciClass, int queues, int configSize)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(queues, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(queues, VirtioPciLayout.MaxQueues);
        Kind = kind;
        PciClass = pciClass;
        QueueCount = queues;
        _counters = new QueueCounters[queues];
        for (int i = 0; i < queues; i++) _counters[i] = new QueueCounters();
        _config = new byte[configSize];
    }

    /// <summary>What it is.</summary>
    public VirtioKind Kind { get; }

    /// <summary>Its PCI class: base class, subclass, programming interface, as in 0x020000.</summary>
    public uint PciClass { get; }

    /// <summary>How many queues it has.</summary>
    public int QueueCount { get; }

    /// <summary>What went through its queues, in order.</summary>
    public IReadOnlyList<QueueCounters> Counters => _counters;

    /// <summary>Bytes of its configuration.</summary>
    public int ConfigSize => _config.Length;

    /// <summary>The feature bits of its type that it offers.</summary>
    public abstract ulong Features { get; }

    /// <summary>How many entries a queue has unless the driver asks for fewer: a power of two up to <see cref="VirtQueue.LargestSize"/>.</summary>
    /// <param name="queue">The queue's number.</param>
    public virtual int QueueSize(int queue) => 256;

    /// <summary>The transport while the device sits on one.</summary>
    internal ITransport? Transport { get; set; }

    internal byte ConfigGeneration
    {
        get
        {
            lock (_configGate) return _generation;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(true);
        GC.SuppressFinalize(this);
    }

    internal ulong ReadConfig(ulong offset, int size)
    {
        ulong value = 0;
        lock (_configGate)
        {
            for (int i = 0; i < size; i++)
            {
                if (offset + (ulong)i < (ulong)_config.Length) value |= (ulong)_config[offset + (ulong)i] << (i * 8);
            }
        }
        return value;
    }

    /// <summary>The driver agreed on features and is ready.</summary>
    /// <param name="features">What was agreed on.</param>
    protected internal virtual void Started(ulong features)
    {
    }

    /// <summary>The driver rang for a queue, or may have put buffers into it.</summary>
    /// <param name="queue">The queue's number.</param>
    protected internal abstract void Serve(int queue);

    /// <summary>A queue is to be reset: once this returns, the device touches no buffer of it.</summary>
    /// <param name="queue">The queue's number.</param>
    protected internal virtual void QueueStopped(int queue)
    {
    }

    /// <summary>The device is to be reset: once this returns, it touches no buffer of the guest.</summary>
    protected internal virtual void Stopped()
    {
    }

    /// <summary>The driver wrote to the configuration.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="size">1, 2, 4 or 8.</param>
    /// <param name="value">What it wrote.</param>
    protected internal virtual void ConfigWritten(int offset, int size, ulong value)
    {
    }

    /// <summary>Frees what the device holds. The transport was disposed before.</summary>
    /// <param name="disposing">Always true.</param>
    protected virtual void Dispose(bool disposing)
    {
    }

    /// <summary>Changes a part of the configuration, as one change for the driver.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="value">A little-endian number.</param>
    /// <param name="size">Its bytes.</param>
    protected void SetConfig(int offset, ulong value, int size)
    {
        lock (_configGate)
        {
            for (int i = 0; i < size; i++) _config[offset + i] = (byte)(value >> (i * 8));
            _generation++;
        }
    }

    /// <summary>Changes a part of the configuration, as one change for the driver.</summary>
    /// <param name="offset">The first byte.</param>
    /// <param name="bytes">What is there then.</param>
    protected void SetConfig(int offset, ReadOnlySpan<byte> bytes)
    {
        lock (_configGate)
        {
            bytes.CopyTo(_config.AsSpan(offset));
            _generation++;
        }
    }

    /// <summary>Tells the driver that the configuration changed (virtio 1.2, 4.1.5.4).</summary>
    protected void NotifyConfig() => Transport?.ConfigChanged();

    /// <summary>The queue, while the driver has it enabled and the device runs.</summary>
    /// <param name="index">The queue's number.</param>
    protected VirtQueue? Queue(int index) => Transport?.RunningQueue(index);

    /// <summary>The guest's memory, while the device sits on a transport.</summary>
    protected Hypervisor.GuestMemory? Memory => Transport?.Memory;

    /// <summary>Interrupts the driver for a queue if it asked for that.</summary>
    /// <param name="index">The queue's number.</param>
    /// <param name="queue">The queue.</param>
    protected void Signal(int index, VirtQueue queue)
    {
        if (queue.WantsInterrupt()) Transport?.Interrupt(index);
    }

    /// <summary>Has <see cref="Serve"/> called for a queue. Any thread.</summary>
    /// <param name="index">The queue's number.</param>
    protected void RequestService(int index) => Transport?.RequestService(index);

    /// <summary>Stops the worker with a fault of our own; any thread that the device made calls it instead of throwing.</summary>
    /// <param name="fault">What was thrown.</param>
    protected void Fail(Exception fault) => Transport?.Fail(fault);
}

/// <summary>What a device asks of its transport. Thread-safe.</summary>
internal interface ITransport
{
    /// <summary>The guest's memory.</summary>
    Hypervisor.GuestMemory Memory { get; }

    /// <summary>A queue, while it is enabled and the device runs.</summary>
    VirtQueue? RunningQueue(int index);

    /// <summary>Interrupts the driver for a queue.</summary>
    void Interrupt(int queue);

    /// <summary>Tells the driver that the configuration changed.</summary>
    void ConfigChanged();

    /// <summary>Has the worker serve a queue.</summary>
    void RequestService(int queue);

    /// <summary>A thread of the device met a fault of our own.</summary>
    void Fail(Exception fault);
}
