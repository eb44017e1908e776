using System.Buffers.Binary;
using Hospes.Hypervisor;

namespace Hospes.Virtio;

using static BalloonLayout;

/// <summary>How a balloon is to be.</summary>
/// <param name="ReportsFreePages">Whether the driver may report pages that nothing uses, whose memory the host then gets back.</param>
/// <param name="DeflatesOnOom">Whether the driver may take pages back rather than end a program for want of memory.</param>
public readonly record struct BalloonSettings(bool ReportsFreePages = false, bool DeflatesOnOom = false);

/// <summary>
/// The memory balloon (virtio 1.2, 5.5): the driver gives it pages until as many are given as are wanted, and reports free ones; their memory
/// goes back to the host. A page reads as zero afterwards. What lies outside the guest's memory is passed over.
/// </summary>
public sealed class BalloonDevice : VirtioDevice
{
    /// <summary>PCI class of what fits none: QEMU has the same.</summary>
    private const uint ClassOther = 0x00FF00;

    /// <summary>Page numbers that are looked at in one buffer. Linux sends 256; of more, the rest stays in the host's memory, which does no harm.</summary>
    private const uint MostPages = 1 << 16;

    private const int PagesAtOnce = 256, PageNumberSize = 4, MostStatistics = 64;

    private readonly BalloonSettings _settings;
    private readonly byte[] _bytes = new byte[Math.Max(PagesAtOnce * PageNumberSize, MostStatistics * StatisticSize)];
    private readonly uint[] _pages = new uint[PagesAtOnce];
    private readonly ulong[] _statistics = new ulong[(int)BalloonStatistic.HugePagesFailed + 1];
    private readonly Lock _statisticsGate = new();
    private DescriptorChain? _held;
    private int _statisticsQueue = -1, _reportingQueue = -1;
    private uint _actual, _poison;
    private bool _hasPoison, _wantsStatistics;

    /// <summary>Makes the device.</summary>
    /// <param name="settings">How it is to be.</param>
    public BalloonDevice(BalloonSettings settings)
        : base(VirtioKind.Balloon, ClassOther, Queues, ConfigBytes) => _settings = settings;

    /// <inheritdoc/>
    public override ulong Features =>
        StatisticsQueue | PagePoison | (_settings.DeflatesOnOom ? DeflateOnOom : 0) | (_settings.ReportsFreePages ? PageReporting : 0);

    /// <summary>How many pages of 4 KiB the driver says that it has given. It may say anything.</summary>
    public uint Actual => Volatile.Read(ref _actual);

    /// <summary>Told of another <see cref="Actual"/>, on a vCPU's thread. It must not block.</summary>
    public Action<uint>? ActualChanged { get; set; }

    /// <summary>Told of new statistics, on the device's thread. It must not block.</summary>
    public Action? StatisticsCame { get; set; }

    /// <inheritdoc/>
    public override int QueueSize(int queue) => 128;

    /// <summary>Asks the driver for another number of pages. Any thread.</summary>
    /// <param name="pages">How many of 4 KiB it is to give in all.</param>
    public void SetTarget(uint pages)
    {
        SetConfig(TargetPages, pages, 4);
        NotifyConfig();
    }

    /// <summary>Asks the driver for statistics; <see cref="StatisticsCame"/> follows. Any thread.</summary>
    public void RequestStatistics()
    {
        int queue = Volatile.Read(ref _statisticsQueue);
        if (queue < 0) return;
        Volatile.Write(ref _wantsStatistics, true);
        RequestService(queue);
    }

    /// <summary>Copies what the driver told last.</summary>
    /// <param name="values">By <see cref="BalloonStatistic"/>; all ones for what it did not tell.</param>
    public void ReadStatistics(Span<ulong> values)
    {
        lock (_statisticsGate) _statistics.CopyTo(values);
    }

    /// <inheritdoc/>
    protected internal override void Started(ulong features)
    {
        _hasPoison = (features & PagePoison) != 0;
        bool hasStatistics = (features & StatisticsQueue) != 0, reports = (features & PageReporting) != 0;
        lock (_statisticsGate) Array.Fill(_statistics, ulong.MaxValue);
        // Linux has numbered the queues without gaps for long, which 5.5.2 does not: the queue that is there tells.
        int next = hasStatistics ? Statistics + 1 : Statistics;
        _reportingQueue = !reports ? -1 : Queue(Reporting) is not null ? Reporting : next;
        Volatile.Write(ref _statisticsQueue, hasStatistics ? Statistics : -1);
    }

    /// <inheritdoc/>
    protected internal override void Stopped()
    {
        _held = null;
        Volatile.Write(ref _statisticsQueue, -1);
        _reportingQueue = -1;
        _poison = 0;
        // A driver that starts over has all of its pages.
        ConfigWritten(ActualPages, 4, 0);
    }

    /// <inheritdoc/>
    protected internal override void QueueStopped(int queue)
    {
        if (queue == _statisticsQueue) _held = null;
    }

    /// <inheritdoc/>
    protected internal override void ConfigWritten(int offset, int size, ulong value)
    {
        if (size != 4) return;
        if (offset == PoisonValue)
        {
            SetConfig(PoisonValue, value, 4);
            Volatile.Write(ref _poison, (uint)value);
        }
        else if (offset == ActualPages)
        {
            SetConfig(ActualPages, value, 4);
            if (Interlocked.Exchange(ref _actual, (uint)value) != (uint)value) ActualChanged?.Invoke((uint)value);
        }
    }

    /// <inheritdoc/>
    protected internal override void Serve(int queue)
    {
        if (Queue(queue) is not { } buffers) return;
        if (queue == _statisticsQueue)
        {
            ServeStatistics(queue, buffers);
            return;
        }
        do
        {
            buffers.StopNotifications();
            while (buffers.TryTake(out DescriptorChain? chain))
            {
                if (queue == Inflate) TakePages(chain);
                else if (queue == _reportingQueue) TakeReport(chain);
                // A page that is taken back needs nothing: the host gives it memory again where it is touched.
                buffers.Complete(chain, 0);
                Signal(queue, buffers);
            }
        }
        while (buffers.StartNotifications());
    }

    /// <summary>Gives the memory of an array of page numbers to the host (5.5.6), neighbours together.</summary>
    private void TakePages(DescriptorChain chain)
    {
        uint count = Math.Min(chain.ReadableBytes / PageNumberSize, MostPages);
        for (uint at = 0; at < count;)
        {
            int part = (int)Math.Min(count - at, PagesAtOnce);
            Span<byte> bytes = _bytes.AsSpan(0, part * PageNumberSize);
            if (!chain.Read(at * PageNumberSize, bytes)) return;
            Span<uint> pages = _pages.AsSpan(0, part);
            for (int i = 0; i < part; i++) pages[i] = BinaryPrimitives.ReadUInt32LittleEndian(bytes[(i * PageNumberSize)..]);
            pages.Sort();
            for (int i = 0; i < part;)
            {
                int first = i++;
                while (i < part && pages[i] - pages[i - 1] <= 1) i++;
                GiveToHost((ulong)pages[first] << PageShift, ((ulong)(pages[i - 1] - pages[first]) + 1) << PageShift);
            }
            at += (uint)part;
        }
    }

    /// <summary>Gives the memory of reported pages to the host (5.5.6.7), unless they are to keep what is in them.</summary>
    private void TakeReport(DescriptorChain chain)
    {
        if (_hasPoison && Volatile.Read(ref _poison) != 0) return;
        for (int i = 0; chain.TryGetWritable(i, out ulong address, out uint length); i++)
        {
            if (address >= GuestMemory.AddressLimit) continue;
            ulong first = (address + PageSize - 1) & ~(PageSize - 1UL), end = (address + length) & ~(PageSize - 1UL);
            if (first < end) GiveToHost(first, end - first);
        }
    }

    /// <summary>Discards a stretch as far as it is memory; it may reach over the end of a range.</summary>
    private void GiveToHost(ulong address, ulong size)
    {
        if (Memory is not { } memory) return;
        for (ulong end = address + size; address < end;)
        {
            if (memory.Find(address) is not { } range)
            {
                // On to what is memory next: a guest may name gigabytes that are none.
                address = memory.Ranges.FirstOrDefault(next => next.Address > address)?.Address ?? end;
                continue;
            }
            ulong part = Math.Min(end, range.End) - address;
            memory.Discard(address, part);
            address += part;
        }
    }

    /// <summary>The driver's buffer is kept until statistics are wanted; it then comes again with new ones (5.5.6.3).</summary>
    private void ServeStatistics(int queue, VirtQueue buffers)
    {
        do
        {
            buffers.StopNotifications();
            while (buffers.TryTake(out DescriptorChain? chain))
            {
                // One that a driver gives while another is kept takes its place.
                if (_held is { } before) buffers.Complete(before, 0);
                _held = chain;
                TakeStatistics(chain);
            }
        }
        while (buffers.StartNotifications());
        if (_held is not { } held || !Volatile.Read(ref _wantsStatistics)) return;
        Volatile.Write(ref _wantsStatistics, false);
        _held = null;
        buffers.Complete(held, 0);
        Signal(queue, buffers);
    }

    private void TakeStatistics(DescriptorChain chain)
    {
        Span<byte> bytes = _bytes.AsSpan(0, (int)Math.Min(chain.ReadableBytes, MostStatistics * StatisticSize) / StatisticSize * StatisticSize);
        if (!chain.Read(0, bytes)) return;
        lock (_statisticsGate)
        {
            Array.Fill(_statistics, ulong.MaxValue);
            for (; !bytes.IsEmpty; bytes = bytes[StatisticSize..])
            {
                int tag = BinaryPrimitives.ReadUInt16LittleEndian(bytes);
                if (tag < _statistics.Length) _statistics[tag] = BinaryPrimitives.ReadUInt64LittleEndian(bytes[2..]);
            }
        }
        StatisticsCame?.Invoke();
    }
}
