using System.Text;

namespace Hospes.Virtio;

using static BlockLayout;

/// <summary>What a block device is made of.</summary>
public sealed record BlockSettings
{
    /// <summary>What the guest reads as the serial: up to 20 bytes of ASCII.</summary>
    public string Serial { get; init; } = "";

    /// <summary>Whether the guest is refused writes, even if the backend could take them.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>How many queues it has, 1 to 16.</summary>
    public int Queues { get; init; } = 1;

    /// <summary>Bytes of a block that the guest is to read and write whole: 512 or 4096.</summary>
    public int BlockSize { get; init; } = 512;

    /// <summary>What lets requests begin; null for no limits. Not owned.</summary>
    public RequestGate? Gate { get; init; }
}

/// <summary>
/// The block device (virtio 1.2, 5.2). The worker takes requests; where more than one waits, all but the last are done by the runtime's thread
/// pool, so that a slow one holds up none. One that comes alone is done at once, which saves it two changes of threads.
/// </summary>
public sealed class BlockDevice : VirtioDevice
{
    /// <summary>How many requests are in flight at most; the others wait in the ring.</summary>
    internal const int MostInFlight = 32;

    /// <summary>How many ranges a discard has at most, and sectors a range.</summary>
    internal const int MostRanges = 16, MostRangeSectors = 1 << 22;

    /// <summary>PCI class: SCSI mass storage, as QEMU has it.</summary>
    private const uint ClassStorage = 0x010000;

    private const int Entries = 256;

    private readonly BlockSettings _settings;
    private readonly byte[] _serial = new byte[SerialSize];
    private readonly object _gate = new();
    private readonly Stack<BlockRequest> _idle = new();
    private readonly HeldRequests? _held;
    private int _inFlight;
    private ulong _waiting;
    private long _capacity;

    /// <summary>Makes the device.</summary>
    /// <param name="backend">Where its data are; not owned.</param>
    /// <param name="settings">What it is made of.</param>
    public BlockDevice(IBlockBackend backend, BlockSettings settings)
        : base(VirtioKind.Block, ClassStorage, Check(settings).Queues, ConfigBytes)
    {
        Backend = backend;
        _settings = settings;
        Encoding.ASCII.GetBytes(settings.Serial, _serial);
        SetConfig(SegmentsMaxField, Entries - 2, 4);
        SetConfig(BlockSizeField, (ulong)settings.BlockSize, 4);
        SetConfig(PhysicalBlockExponent, (ulong)int.Log2(4096 / settings.BlockSize), 1);
        SetConfig(Queues, (ulong)settings.Queues, 2);
        SetConfig(MaxDiscardSectors, MostRangeSectors, 4);
        SetConfig(MaxDiscardSegments, MostRanges, 4);
        SetConfig(DiscardAlignment, 8, 4);
        SetConfig(MaxZeroesSectors, MostRangeSectors, 4);
        SetConfig(MaxZeroesSegments, MostRanges, 4);
        SetConfig(ZeroesMayUnmap, 1, 1);
        ReadCapacity();
        if (settings.Gate is { } gate) _held = new HeldRequests(gate, () => RequestService(0));
    }

    /// <inheritdoc/>
    public override ulong Features =>
        SegmentsMax | BlockSize | FlushCommand | Topology | (_settings.Queues > 1 ? MultiQueue : 0) | (IsReadOnly ? ReadOnly : DiscardCommand | WriteZeroesCommand);

    /// <summary>The capacity that the guest reads, in sectors of 512 bytes.</summary>
    public long Sectors => Volatile.Read(ref _capacity) / Sector;

    internal IBlockBackend Backend { get; }

    internal bool IsReadOnly => _settings.IsReadOnly || Backend.IsReadOnly;

    internal bool IsWriteThrough { get; private set; }

    internal ReadOnlySpan<byte> Serial => _serial;

    /// <inheritdoc/>
    public override int QueueSize(int queue) => Entries;

    /// <summary>Tells the guest that the backend has another length now.</summary>
    public void CapacityChanged()
    {
        ReadCapacity();
        NotifyConfig();
    }

    /// <inheritdoc/>
    protected internal override void Started(ulong features) => IsWriteThrough = (features & FlushCommand) == 0;

    /// <inheritdoc/>
    protected internal override void Stopped() => Drain(null);

    /// <inheritdoc/>
    protected internal override void QueueStopped(int queue) => Drain(queue);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing) => _held?.Dispose();

    /// <inheritdoc/>
    protected internal override void Serve(int queue)
    {
        while (_held?.Take() is { } freed) ThreadPool.UnsafeQueueUserWorkItem(freed, preferLocal: false);
        if (Queue(queue) is not { } requests) return;
        do
        {
            requests.StopNotifications();
            while (TryBegin(queue) is { } request)
            {
                if (!requests.TryTake(out DescriptorChain? chain))
                {
                    End(request);
                    break;
                }
                request.Begin(queue, requests, chain);
                if (_held?.Holds(request) == true) continue;
                if (requests.HasMore) ThreadPool.UnsafeQueueUserWorkItem(request, preferLocal: false);
                else request.Execute();
            }
            // With as many in flight as may be, the end of one calls again; until then the driver need not ring.
            if (IsWaiting(queue)) return;
        }
        while (requests.StartNotifications());
    }

    /// <summary>Whether a stretch lies inside the disk and is made of sectors.</summary>
    internal bool IsInside(ulong sector, ulong length)
    {
        ulong sectors = (ulong)Volatile.Read(ref _capacity) / Sector;
        return length % Sector == 0 && sector <= sectors && length / Sector <= sectors - sector;
    }

    /// <summary>A request was given back.</summary>
    internal void Done(BlockRequest request, int index, VirtQueue queue)
    {
        Signal(index, queue);
        End(request);
    }

    internal void Failed(Exception fault) => Fail(fault);

    private static BlockSettings Check(BlockSettings settings)
    {
        if (settings.Queues is < 1 or > 16) throw new ArgumentOutOfRangeException(nameof(settings), "a block device has 1 to 16 queues");
        if (settings.BlockSize is not (512 or 4096)) throw new ArgumentOutOfRangeException(nameof(settings), "a block has 512 or 4096 bytes");
        if (settings.Serial.Length > SerialSize || !Ascii.IsValid(settings.Serial)) throw new ArgumentOutOfRangeException(nameof(settings), "a serial has up to 20 bytes of ASCII");
        return settings;
    }

    private void ReadCapacity()
    {
        long capacity = Backend.Length;
        Volatile.Write(ref _capacity, capacity);
        SetConfig(Capacity, (ulong)capacity / Sector, 8);
    }

    /// <summary>A request object, or null while too many are in flight; the queue is remembered then.</summary>
    private BlockRequest? TryBegin(int queue)
    {
        lock (_gate)
        {
            if (_inFlight == MostInFlight)
            {
                _waiting |= 1UL << queue;
                return null;
            }
            _inFlight++;
            return _idle.Count > 0 ? _idle.Pop() : new BlockRequest(this);
        }
    }

    private bool IsWaiting(int queue)
    {
        lock (_gate) return (_waiting & 1UL << queue) != 0;
    }

    private void End(BlockRequest request)
    {
        ulong waiting;
        lock (_gate)
        {
            _idle.Push(request);
            _inFlight--;
            waiting = _waiting;
            _waiting = 0;
            if (_inFlight == 0) Monitor.PulseAll(_gate);
        }
        for (; waiting != 0; waiting &= waiting - 1) RequestService(System.Numerics.BitOperations.TrailingZeroCount(waiting));
    }

    /// <summary>Waits until no request is in flight. What is held back for want of a permit never begins.</summary>
    /// <param name="queue">The queue that is reset; null for all.</param>
    private void Drain(int? queue)
    {
        while (_held?.Drop(queue) is { } dropped) End(dropped);
        // What others hold back begins, so that it ends: a reset is not to wait for a permit.
        while (_held?.Drop(null) is { } early) ThreadPool.UnsafeQueueUserWorkItem(early, preferLocal: false);
        lock (_gate)
        {
            _waiting = 0;
            while (_inFlight > 0) Monitor.Wait(_gate);
        }
    }
}
