using Hospes.Hypervisor;

namespace Hospes.Virtio.Testing;

/// <summary>A part of a buffer that a driver makes available.</summary>
/// <param name="Address">Guest-physical address.</param>
/// <param name="Length">Bytes.</param>
/// <param name="IsWritable">Whether the device writes it.</param>
public readonly record struct DriverBuffer(ulong Address, uint Length, bool IsWritable);

/// <summary>The driver's end of a virtqueue in a guest's memory, for tests of devices: it does what virtio 1.2 asks of a driver, and nothing else.
/// For one thread.</summary>
public abstract class DriverQueue
{
    /// <summary>Bytes of a descriptor in either layout.</summary>
    protected const int DescriptorSize = 16;

    /// <summary>Descriptor flags (virtio 1.2, 2.7.5).</summary>
    protected const ushort FlagNext = 1, FlagWrite = 2, FlagIndirect = 4;

    private protected DriverQueue(GuestMemory memory, ulong area, int size, ulong features, int driverSize)
    {
        Memory = memory;
        Size = size;
        Features = features;
        Descriptors = area;
        DriverArea = area + (ulong)(size * DescriptorSize);
        DeviceArea = (DriverArea + (ulong)driverSize + 3) & ~3UL;
    }

    /// <summary>How many entries it has.</summary>
    public int Size { get; }

    /// <summary>The features that were agreed on.</summary>
    public ulong Features { get; }

    /// <summary>Guest-physical address of the descriptor area.</summary>
    public ulong Descriptors { get; }

    /// <summary>Guest-physical address of the driver area.</summary>
    public ulong DriverArea { get; }

    /// <summary>Guest-physical address of the device area.</summary>
    public ulong DeviceArea { get; }

    /// <summary>The guest's memory.</summary>
    protected GuestMemory Memory { get; }

    /// <summary>Whether event indexes are agreed on.</summary>
    protected bool HasEventIndex => (Features & VirtioFeatures.EventIndex) != 0;

    /// <summary>Makes a queue of the layout that the features say, in zeroed memory.</summary>
    /// <param name="memory">The guest's memory.</param>
    /// <param name="area">Where its parts go: aligned to 16, room for <see cref="Bytes"/>.</param>
    /// <param name="size">How many entries.</param>
    /// <param name="features">The features that were agreed on.</param>
    public static DriverQueue Create(GuestMemory memory, ulong area, int size, ulong features) => (features & VirtioFeatures.PackedRing) != 0
        ? new PackedDriverQueue(memory, area, size, features)
        : new SplitDriverQueue(memory, area, size, features);

    /// <summary>How much room a queue takes in either layout.</summary>
    /// <param name="size">How many entries.</param>
    public static ulong Bytes(int size) => (ulong)(size * (DescriptorSize + 2 + 8) + 64);

    /// <summary>Makes a buffer available.</summary>
    /// <param name="parts">Its parts, those that the device reads first.</param>
    /// <param name="table">Where an indirect table goes, or null for descriptors in the queue.</param>
    /// <returns>A number by which <see cref="TryTakeUsed"/> names it, or -1 when the queue has no room.</returns>
    public abstract int Add(ReadOnlySpan<DriverBuffer> parts, ulong? table = null);

    /// <summary>Takes a buffer that the device gave back.</summary>
    /// <param name="token">What <see cref="Add"/> gave for it.</param>
    /// <param name="written">How many bytes the device says it wrote.</param>
    public abstract bool TryTakeUsed(out int token, out uint written);

    /// <summary>Whether the device wants to be told of what was added since the last call.</summary>
    public abstract bool NeedsNotification();

    /// <summary>Says whether the device is to interrupt for the next buffer that it gives back.</summary>
    /// <param name="wanted">Whether it is to.</param>
    public abstract void SetInterrupts(bool wanted);

    /// <summary>Writes a number into the guest's memory; the test's own addresses are good.</summary>
    private protected void Store<T>(ulong address, T value)
        where T : unmanaged
    {
        if (!Memory.TryWrite(address, value)) throw new InvalidOperationException("the test's memory does not hold its queue");
    }

    /// <summary>Reads a number from the guest's memory.</summary>
    private protected T Load<T>(ulong address)
        where T : unmanaged =>
        Memory.TryRead(address, out T value) ? value : throw new InvalidOperationException("the test's memory does not hold its queue");
}
