using Hospes.Hypervisor;

namespace Hospes.Virtio;

/// <summary>How a driver set a queue up.</summary>
/// <param name="Size">How many entries it has.</param>
/// <param name="Descriptors">Guest-physical address of the descriptor area.</param>
/// <param name="DriverArea">Guest-physical address of the driver area: the available ring, or the driver's event suppression.</param>
/// <param name="DeviceArea">Guest-physical address of the device area: the used ring, or the device's event suppression.</param>
/// <param name="Features">The features that were agreed on.</param>
public readonly record struct QueueSetup(int Size, ulong Descriptors, ulong DriverArea, ulong DeviceArea, ulong Features);

/// <summary>
/// The device's end of a virtqueue. Thread-safe: any thread may take and give back. A fault of the driver breaks the queue for good: it gives
/// nothing more, and what comes back is dropped. Nothing is allocated once as many chains have been made as are in use at once.
/// </summary>
public abstract class VirtQueue
{
    /// <summary>The largest queue that is offered: virtio-pci could have 32768 (4.1.4.3), Linux and QEMU stop here too.</summary>
    public const int LargestSize = 1024;

    private protected const int DescriptorSize = 16;

    /// <summary>Descriptor flags (virtio 1.2, 2.7.5): it goes on, the device writes it, it is a table.</summary>
    private protected const ushort FlagNext = 1, FlagWrite = 2, FlagIndirect = 4;

    private readonly Stack<DescriptorChain> _idle = new();
    private readonly Action<QueueFault> _broke;
    private int _fault;

    private protected VirtQueue(GuestMemory memory, in QueueSetup setup, Action<QueueFault> broke)
    {
        Memory = memory;
        Setup = setup;
        _broke = broke;
        HasEventIndex = (setup.Features & VirtioFeatures.EventIndex) != 0;
        HasIndirect = (setup.Features & VirtioFeatures.IndirectDescriptors) != 0;
    }

    /// <summary>What broke the queue, if it is broken.</summary>
    public QueueFault Fault => (QueueFault)Volatile.Read(ref _fault);

    /// <summary>How the driver set it up.</summary>
    public QueueSetup Setup { get; }

    /// <summary>What went through it.</summary>
    internal QueueCounters Counters { get; private init; } = new();

    private protected Lock Gate { get; } = new();

    private protected GuestMemory Memory { get; }

    private protected bool HasEventIndex { get; }

    private protected bool HasIndirect { get; }

    /// <summary>Makes the device's end of a queue.</summary>
    /// <param name="memory">The guest's memory.</param>
    /// <param name="setup">What the driver wrote.</param>
    /// <param name="broke">Told once when the queue breaks, on the thread that met the fault.</param>
    /// <param name="fault">Why there is no queue.</param>
    /// <param name="counters">Counts what goes through it; null for counters of its own.</param>
    public static VirtQueue? TryCreate(GuestMemory memory, in QueueSetup setup, Action<QueueFault> broke, out QueueFault fault, QueueCounters? counters = null)
    {
        bool packed = (setup.Features & VirtioFeatures.PackedRing) != 0;
        fault = Check(setup, packed);
        if (fault != QueueFault.None) return null;
        counters ??= new QueueCounters();
        counters.Begin();
        return packed ? new PackedQueue(memory, setup, broke) { Counters = counters } : new SplitQueue(memory, setup, broke) { Counters = counters };
    }

    /// <summary>Takes the next buffer.</summary>
    /// <param name="chain">The buffer; give it back with <see cref="Complete(DescriptorChain, uint)"/>.</param>
    /// <returns>False when there is none, or the queue is broken.</returns>
    public bool TryTake([System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out DescriptorChain? chain)
    {
        chain = null;
        QueueFault fault;
        lock (Gate)
        {
            if (Fault != QueueFault.None) return false;
            DescriptorChain next = _idle.Count > 0 ? _idle.Pop() : new DescriptorChain(this, Memory);
            next.Clear();
            fault = Take(next, out bool taken);
            if (taken && fault == QueueFault.None)
            {
                Counters.Took(next);
                chain = next;
                return true;
            }
            _idle.Push(next);
        }
        if (fault != QueueFault.None) Break(fault);
        return false;
    }

    /// <summary>Whether <see cref="TryTake"/> would give a buffer, or find a fault.</summary>
    public bool HasMore
    {
        get
        {
            lock (Gate) return Fault == QueueFault.None && IsAvailable(out QueueFault fault) | fault != QueueFault.None;
        }
    }

    /// <summary>Gives a buffer back to the driver. Ask <see cref="WantsInterrupt"/> afterwards.</summary>
    /// <param name="chain">The buffer.</param>
    /// <param name="written">How many bytes the device wrote, from the first writable one on.</param>
    public void Complete(DescriptorChain chain, uint written) => Complete([chain], [written]);

    /// <summary>Gives buffers back so that the driver sees all of them or none.</summary>
    /// <param name="chains">The buffers.</param>
    /// <param name="written">How many bytes the device wrote into each.</param>
    public void Complete(ReadOnlySpan<DescriptorChain> chains, ReadOnlySpan<uint> written)
    {
        QueueFault fault;
        lock (Gate)
        {
            fault = Fault == QueueFault.None ? Give(chains, written) : QueueFault.None;
            foreach (uint bytes in written) Counters.Gave(bytes);
            foreach (DescriptorChain chain in chains) _idle.Push(chain);
        }
        if (fault != QueueFault.None) Break(fault);
    }

    /// <summary>Puts the buffer that was taken last back, as if it had not been taken. Only where one thread takes.</summary>
    /// <param name="chain">That buffer.</param>
    public void Return(DescriptorChain chain)
    {
        lock (Gate)
        {
            Untake(chain);
            Counters.PutBack(chain);
            _idle.Push(chain);
        }
    }

    /// <summary>Whether the driver asked to be interrupted for what was given back since the last call.</summary>
    public bool WantsInterrupt()
    {
        bool wants;
        QueueFault fault;
        lock (Gate)
        {
            if (Fault != QueueFault.None) return false;
            fault = AskInterrupt(out wants);
        }
        if (fault != QueueFault.None) Break(fault);
        return wants && fault == QueueFault.None;
    }

    /// <summary>Tells the driver that it need not ring: the device looks by itself.</summary>
    public void StopNotifications() => SetNotifications(false);

    /// <summary>Tells the driver to ring for the next buffer.</summary>
    /// <returns>Whether buffers came meanwhile, so that the device has to look once more.</returns>
    public bool StartNotifications()
    {
        SetNotifications(true);
        return HasMore;
    }

    /// <summary>Breaks the queue.</summary>
    /// <param name="fault">What the driver did.</param>
    /// <returns>Always false, for the caller to return.</returns>
    public bool Break(QueueFault fault)
    {
        if (Interlocked.CompareExchange(ref _fault, (int)fault, 0) == 0) _broke(fault);
        return false;
    }

    private protected abstract bool IsAvailable(out QueueFault fault);

    private protected abstract QueueFault Take(DescriptorChain chain, out bool taken);

    private protected abstract void Untake(DescriptorChain chain);

    private protected abstract QueueFault Give(ReadOnlySpan<DescriptorChain> chains, ReadOnlySpan<uint> written);

    private protected abstract QueueFault AskInterrupt(out bool wants);

    private protected abstract bool ShowNotifications(bool wanted);

    /// <summary>Reads a descriptor: its address, and its last eight bytes, which the layouts split differently.</summary>
    private protected bool ReadDescriptor(ulong table, uint index, out ulong address, out ulong rest)
    {
        ulong at = table + index * (ulong)DescriptorSize;
        rest = 0;
        return Memory.TryRead(at, out address) && Memory.TryRead(at + 8, out rest);
    }

    private void SetNotifications(bool wanted)
    {
        bool written;
        lock (Gate)
        {
            if (Fault != QueueFault.None) return;
            written = ShowNotifications(wanted);
        }
        if (!written) Break(QueueFault.BadAddress);
    }

    private static QueueFault Check(in QueueSetup setup, bool packed)
    {
        if (setup.Size is < 1 or > LargestSize || (!packed && !int.IsPow2(setup.Size))) return QueueFault.BadSize;
        ulong driver = packed ? 4u : 2u;
        if (setup.Descriptors % DescriptorSize != 0 || setup.DriverArea % driver != 0 || setup.DeviceArea % 4 != 0) return QueueFault.Misaligned;
        ulong highest = Math.Max(setup.Descriptors, Math.Max(setup.DriverArea, setup.DeviceArea));
        return highest >= GuestMemory.AddressLimit ? QueueFault.BadAddress : QueueFault.None;
    }
}
