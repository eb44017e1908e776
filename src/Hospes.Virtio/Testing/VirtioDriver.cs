using Hospes.Hypervisor;

namespace Hospes.Virtio.Testing;

using static VirtioPciLayout;

/// <summary>
/// A driver for a device on the virtio-pci transport, for tests: it goes through the steps of virtio 1.2, 3.1.1, and lays its queues and buffers
/// out in a stretch of the guest's memory. For one thread.
/// </summary>
/// <param name="transport">The device's transport.</param>
/// <param name="memory">The guest's memory.</param>
/// <param name="start">The first byte of a stretch that is the driver's, aligned to 4096.</param>
public sealed class VirtioDriver(VirtioPci transport, GuestMemory memory, ulong start)
{
    private readonly Dictionary<int, DriverQueue> _queues = [];
    private ulong _next = start;

    /// <summary>The features that were agreed on.</summary>
    public ulong Features { get; private set; }

    /// <summary>The device status.</summary>
    public VirtioStatus Status => (VirtioStatus)transport.Read(StatusRegister, 1);

    /// <summary>The queue of that number, once it was set up.</summary>
    /// <param name="index">The queue's number.</param>
    public DriverQueue this[int index] => _queues[index];

    /// <summary>Takes memory from the driver's stretch; it is not given back.</summary>
    /// <param name="bytes">How many bytes.</param>
    /// <param name="alignment">A power of two.</param>
    public ulong Take(ulong bytes, ulong alignment = 16)
    {
        _next = (_next + alignment - 1) & ~(alignment - 1);
        ulong at = _next;
        _next += bytes;
        return at;
    }

    /// <summary>Takes memory and fills it.</summary>
    /// <param name="bytes">What it is to hold.</param>
    public DriverBuffer Fill(ReadOnlySpan<byte> bytes)
    {
        ulong at = Take((ulong)bytes.Length);
        if (!memory.TryWrite(at, bytes)) throw new InvalidOperationException("the driver's stretch is used up");
        return new DriverBuffer(at, (uint)bytes.Length, IsWritable: false);
    }

    /// <summary>Takes memory for the device to write.</summary>
    /// <param name="bytes">How many bytes.</param>
    public DriverBuffer Room(uint bytes) => new(Take(bytes), bytes, IsWritable: true);

    /// <summary>Reads what the device wrote.</summary>
    /// <param name="buffer">The buffer.</param>
    public byte[] Read(DriverBuffer buffer)
    {
        byte[] bytes = new byte[buffer.Length];
        return memory.TryRead(buffer.Address, bytes) ? bytes : throw new InvalidOperationException("the buffer is not in the guest's memory");
    }

    /// <summary>Resets the device and waits until it is.</summary>
    public void Reset()
    {
        transport.Write(StatusRegister, 1, 0);
        while (Status != VirtioStatus.None) Thread.Yield();
        _queues.Clear();
    }

    /// <summary>Agrees on features.</summary>
    /// <param name="wanted">What the driver knows; what the device does not offer is left out.</param>
    /// <returns>Whether the device agreed.</returns>
    public bool Negotiate(ulong wanted)
    {
        AddStatus(VirtioStatus.Acknowledge | VirtioStatus.Driver);
        ulong offered = 0;
        for (uint half = 0; half < 2; half++)
        {
            transport.Write(DeviceFeatureSelect, 4, half);
            offered |= transport.Read(DeviceFeature, 4) << (int)(half * 32);
        }
        Features = offered & wanted;
        for (uint half = 0; half < 2; half++)
        {
            transport.Write(DriverFeatureSelect, 4, half);
            transport.Write(DriverFeature, 4, (uint)(Features >> (int)(half * 32)));
        }
        AddStatus(VirtioStatus.FeaturesOk);
        return (Status & VirtioStatus.FeaturesOk) != 0;
    }

    /// <summary>Sets a queue up and enables it.</summary>
    /// <param name="index">The queue's number.</param>
    /// <param name="size">How many entries; 0 for as many as the device offers.</param>
    /// <param name="vector">Its MSI-X vector.</param>
    public DriverQueue SetUpQueue(int index, int size = 0, ushort vector = NoVector)
    {
        transport.Write(QueueSelect, 2, (ulong)index);
        if (size == 0) size = (int)transport.Read(QueueSize, 2);
        else transport.Write(QueueSize, 2, (ulong)size);
        ulong area = Take(DriverQueue.Bytes(size), 4096);
        if (!memory.TryFill(area, DriverQueue.Bytes(size), 0)) throw new InvalidOperationException("the driver's stretch is used up");
        var queue = DriverQueue.Create(memory, area, size, Features);
        transport.Write(QueueVector, 2, vector);
        transport.Write(QueueDescriptors, 8, queue.Descriptors);
        transport.Write(QueueDriver, 8, queue.DriverArea);
        transport.Write(QueueDevice, 8, queue.DeviceArea);
        transport.Write(QueueEnable, 2, 1);
        return _queues[index] = queue;
    }

    /// <summary>Resets one queue and waits until it is (virtio 1.2, 2.6.1).</summary>
    /// <param name="index">The queue's number.</param>
    public void ResetQueue(int index)
    {
        transport.Write(QueueSelect, 2, (ulong)index);
        transport.Write(QueueReset, 2, 1);
        while (transport.Read(QueueReset, 2) != 0) Thread.Yield();
        _queues.Remove(index);
    }

    /// <summary>Tells the device that the driver is ready.</summary>
    public void Start() => AddStatus(VirtioStatus.DriverOk);

    /// <summary>The whole way: reset, features, all queues, ready.</summary>
    /// <param name="wanted">The features that the driver knows.</param>
    /// <param name="size">Entries of each queue; 0 for as many as the device offers.</param>
    public void Bring(ulong wanted, int size = 0)
    {
        Reset();
        if (!Negotiate(wanted)) throw new InvalidOperationException("the device did not agree on features");
        for (int queue = 0; queue < transport.Device.QueueCount; queue++) SetUpQueue(queue, size, (ushort)(queue + 1));
        Start();
    }

    /// <summary>Makes a buffer available, and rings if the device wants that.</summary>
    /// <param name="index">The queue's number.</param>
    /// <param name="parts">The buffer's parts.</param>
    /// <returns>The buffer's number.</returns>
    public int Send(int index, params ReadOnlySpan<DriverBuffer> parts)
    {
        int token = _queues[index].Add(parts);
        if (_queues[index].NeedsNotification()) Ring(index);
        return token;
    }

    /// <summary>Rings for a queue.</summary>
    /// <param name="index">The queue's number.</param>
    public void Ring(int index) => transport.Write(Bells + (ulong)(index * BellStride), 2, (ulong)index);

    /// <summary>Waits for the device to give a buffer back.</summary>
    /// <param name="index">The queue's number.</param>
    /// <param name="patience">How long to wait.</param>
    /// <returns>The buffer's number and how many bytes were written; null when none came.</returns>
    public (int Token, uint Written)? Await(int index, TimeSpan patience)
    {
        long end = Environment.TickCount64 + (long)patience.TotalMilliseconds;
        while (true)
        {
            if (_queues[index].TryTakeUsed(out int token, out uint written)) return (token, written);
            if (Environment.TickCount64 > end || (Status & VirtioStatus.NeedsReset) != 0) return null;
            Thread.Yield();
        }
    }

    private void AddStatus(VirtioStatus bits) => transport.Write(StatusRegister, 1, (ulong)(Status | bits));
}
