using Hospes.Hypervisor;

namespace Hospes.Virtio;

using static VirtioPciLayout;

/// <summary>
/// The virtio-pci transport of one device (virtio 1.2, 4.1), modern interface only. Registers are served on vCPU threads under a lock that no
/// one keeps; everything that takes time (a start, a reset, a queue's buffers) is done by the device's worker thread, and the driver sees a
/// reset as done when it reads status 0, as 4.1.4.3.2 has it.
/// </summary>
public sealed partial class VirtioPci : ITransport, IDisposable
{
    private readonly Lock _gate = new();
    private readonly Lock _interruptGate = new();
    private readonly GuestMemory _memory;
    private readonly QueueState[] _queues;
    private readonly ulong _offered;
    private IPciHost? _host;
    private uint _deviceSelect, _driverSelect;
    private ulong _accepted;
    private ushort _configVector = NoVector, _queueSelect;
    private VirtioStatus _status;
    private uint _interrupts;
    private bool _wasStarted;

    /// <summary>Puts a device on a transport. The device's worker starts with <see cref="Connect"/>.</summary>
    /// <param name="device">The device; the transport does not own it.</param>
    /// <param name="memory">The guest's memory.</param>
    public VirtioPci(VirtioDevice device, GuestMemory memory)
    {
        Device = device;
        _memory = memory;
        _offered = device.Features | VirtioFeatures.Common;
        _queues = new QueueState[device.QueueCount];
        for (int i = 0; i < _queues.Length; i++) _queues[i] = new QueueState(device.QueueSize(i));
        device.Transport = this;
        _worker = new Thread(Work) { Name = $"virtio {device.Kind}", IsBackground = true };
    }

    /// <summary>The device.</summary>
    public VirtioDevice Device { get; }

    /// <summary>How many MSI-X vectors make every interrupt distinct: one per queue, and one for the configuration.</summary>
    public int VectorCount => _queues.Length + 1;

    /// <summary>What the driver sees in the status register.</summary>
    public VirtioStatus Status
    {
        get
        {
            lock (_gate) return _status;
        }
    }

    /// <summary>Connects the function to its bus and starts the worker. Once.</summary>
    /// <param name="host">The bus.</param>
    public void Connect(IPciHost host)
    {
        _host = host;
        _worker.Start();
    }

    /// <summary>Answers a read in the BAR.</summary>
    /// <param name="offset">Bytes from its start, below <see cref="MsixTable"/>.</param>
    /// <param name="size">1, 2, 4 or 8.</param>
    public ulong Read(ulong offset, int size)
    {
        ulong inside = offset % PartSize;
        switch (offset - inside)
        {
            case CommonConfig:
                lock (_gate) return ReadCommon((int)inside, size);
            case InterruptStatus when inside == 0:
                return TakeInterrupts();
            case DeviceConfig:
                return Device.ReadConfig(inside, size);
            default:
                return 0;
        }
    }

    /// <summary>Takes a write in the BAR.</summary>
    /// <param name="offset">Bytes from its start, below <see cref="MsixTable"/>.</param>
    /// <param name="size">1, 2, 4 or 8.</param>
    /// <param name="value">What the guest wrote.</param>
    public void Write(ulong offset, int size, ulong value)
    {
        ulong inside = offset % PartSize;
        switch (offset - inside)
        {
            case CommonConfig:
                // A 64-bit field may be written whole or in halves (4.1.3.1).
                lock (_gate)
                {
                    WriteCommon((int)inside, Math.Min(size, 4), (uint)value);
                    if (size == 8) WriteCommon((int)inside + 4, 4, (uint)(value >> 32));
                }
                break;
            case DeviceConfig:
                if (inside < (ulong)Device.ConfigSize) Device.ConfigWritten((int)inside, size, value);
                break;
            case Bells:
                RequestService((int)inside / BellStride);
                break;
        }
    }

    /// <inheritdoc/>
    GuestMemory ITransport.Memory => _memory;

    /// <inheritdoc/>
    VirtQueue? ITransport.RunningQueue(int index) => RunningQueue(index);

    /// <inheritdoc/>
    void ITransport.Interrupt(int queue) => Raise(Volatile.Read(ref _queues[queue].Vector), QueueInterrupt);

    /// <inheritdoc/>
    void ITransport.ConfigChanged()
    {
        lock (_gate)
        {
            if ((_status & VirtioStatus.DriverOk) == 0) return;
        }
        Raise(Volatile.Read(ref _configVector), ConfigInterrupt);
    }

    private VirtQueue? RunningQueue(int index)
    {
        VirtQueue? queue = Volatile.Read(ref _queues[index].Queue);
        return queue is { Fault: QueueFault.None } && Volatile.Read(ref _isRunning) ? queue : null;
    }

    private void Raise(ushort vector, uint bit)
    {
        if (_host is not { } host) return;
        if (host.MessagesEnabled)
        {
            if (vector != NoVector) host.SendMessage(vector);
            return;
        }
        lock (_interruptGate)
        {
            _interrupts |= bit;
            host.SetInterruptLine(true);
        }
    }

    /// <summary>Reading the interrupt status clears it and lets the line go (4.1.4.5.1).</summary>
    private uint TakeInterrupts()
    {
        lock (_interruptGate)
        {
            uint interrupts = _interrupts;
            _interrupts = 0;
            _host?.SetInterruptLine(false);
            return interrupts;
        }
    }

    /// <summary>The driver did something that only a reset leads on from (2.1.2). Any thread.</summary>
    private void NeedReset()
    {
        bool tell;
        lock (_gate)
        {
            tell = (_status & (VirtioStatus.DriverOk | VirtioStatus.NeedsReset)) == VirtioStatus.DriverOk;
            _status |= VirtioStatus.NeedsReset;
        }
        if (tell) Raise(Volatile.Read(ref _configVector), ConfigInterrupt);
    }

    /// <summary>What the driver set up for one queue. Guarded by the transport's lock; the queue itself is read without.</summary>
    private sealed class QueueState(int largest)
    {
        public VirtQueue? Queue;
        public ushort Vector = NoVector;

        public int Largest => largest;

        public ushort Size { get; set; } = (ushort)largest;

        public bool IsEnabled { get; set; }

        public bool IsResetting { get; set; }

        public ulong Descriptors { get; set; }

        public ulong DriverArea { get; set; }

        public ulong DeviceArea { get; set; }

        public void Reset()
        {
            Volatile.Write(ref Queue, null);
            Volatile.Write(ref Vector, NoVector);
            Size = (ushort)Largest;
            IsEnabled = IsResetting = false;
            Descriptors = DriverArea = DeviceArea = 0;
        }
    }
}
