using Hospes.Hypervisor.Kvm.Bells;
using Hospes.Hypervisor.Kvm.Cpu;
using Hospes.Hypervisor.Kvm.Interrupts;
using Hospes.Hypervisor.Kvm.Memory;
using Hospes.Hypervisor.Kvm.Native;
using Hospes.Hypervisor.Kvm.State;

namespace Hospes.Hypervisor.Kvm;

/// <summary>KVM's side of one guest: what its vCPUs share. Thread-safe.</summary>
internal sealed unsafe class KvmGuest : IGuestEngine, IMemoryObserver
{
    /// <summary>The trigger mode of a message's data: level (Intel SDM vol. 3, 12.11.2).</summary>
    private const uint LevelTriggered = 1 << 15;

    private const uint NonMaskable = 4 << 8;

    private const ulong MessageBase = 0xFEE0_0000;

    private readonly Lock _gate = new();
    private readonly HashSet<RoutedMessage> _messages = [];
    private readonly uint _ringEntries;
    private KvmVcpu[] _vcpus = [];
    private Func<byte>? _acknowledge;
    private int _externalLine;

    public KvmGuest(KvmHost host, VmFile vm, GuestOptions options, KvmCpuModel model, GuestMemory memory, TrapTable traps, uint ringEntries)
    {
        Host = host;
        Vm = vm;
        Options = options;
        Model = model;
        Memory = memory;
        Traps = traps;
        _ringEntries = ringEntries;
        Routes = new MessageRoutes(vm);
        HasIrqFd = host.Check(KvmExtension.IrqFd) != 0;
        Slots = new MemorySlots(vm, traps);
        Bells = new BellBoard(host, vm);
        Msrs = new MsrList(host);
        foreach (MemoryRange range in memory.Ranges) Slots.Add(range);
        memory.Observe(this);
    }

    public KvmHost Host { get; }

    public VmFile Vm { get; }

    public GuestOptions Options { get; }

    public KvmCpuModel Model { get; }

    public GuestMemory Memory { get; }

    public TrapTable Traps { get; }

    public MemorySlots Slots { get; }

    public BellBoard Bells { get; }

    public MsrList Msrs { get; }

    public MessageRoutes Routes { get; }

    /// <summary>Whether eventfds can raise messages.</summary>
    public bool HasIrqFd { get; }

    /// <summary>Whether an 8259 asks for processor 0.</summary>
    public bool ExternalAsserted => Volatile.Read(ref _externalLine) != 0;

    /// <inheritdoc/>
    public Status CreateVcpu(int id, out IVcpuEngine? vcpu)
    {
        lock (_gate)
        {
            Status status = KvmVcpu.TryCreate(this, id, _ringEntries, out KvmVcpu? made);
            vcpu = made;
            if (made is not null) Volatile.Write(ref _vcpus, [.. _vcpus, made]);
            return status;
        }
    }

    /// <summary>Whether a message asks for an interrupt whose end the I/O APIC is told of.</summary>
    public static bool IsLevelTriggered(uint data) => (data & LevelTriggered) != 0;

    /// <inheritdoc/>
    public IMessageEngine CreateMessage()
    {
        var message = new RoutedMessage(this);
        lock (_gate) _messages.Add(message);
        return message;
    }

    /// <summary>How many messages eventfds raise.</summary>
    public int CountRouted()
    {
        lock (_gate) return _messages.Count(static message => message.IsRouted);
    }

    /// <summary>A message has ended.</summary>
    public void Forget(RoutedMessage message)
    {
        lock (_gate) _messages.Remove(message);
    }

    /// <inheritdoc/>
    public bool DeliverMessage(ulong address, uint data)
    {
        if (IsLevelTriggered(data)) Routes.Watch(address, data);
        var message = new KvmMessage { AddressLow = (uint)address, AddressHigh = (uint)(address >> 32), Data = data };
        return Vm.Control(KvmRequests.SignalMessage, (nint)(&message)) > 0;
    }

    /// <summary>Queues a fixed interrupt at one processor: as a message to it, because requests on a vCPU wait until it leaves the guest.</summary>
    public void Interrupt(int id, byte vector) => DeliverMessage(MessageBase | (uint)id << 12, vector);

    /// <summary>Queues a non-maskable interrupt at one processor.</summary>
    public void InterruptNonMaskable(int id) => DeliverMessage(MessageBase | (uint)id << 12, NonMaskable);

    /// <inheritdoc/>
    public void SetExternalInterrupt(bool asserted, Func<byte> acknowledge)
    {
        Volatile.Write(ref _acknowledge, acknowledge);
        Volatile.Write(ref _externalLine, asserted ? 1 : 0);
        KvmVcpu[] vcpus = Volatile.Read(ref _vcpus);
        if (asserted && vcpus.Length > 0) vcpus[0].Attend();
    }

    /// <summary>The INTA cycle, on processor 0's thread.</summary>
    public byte Acknowledge() => Volatile.Read(ref _acknowledge)?.Invoke() ?? 0;

    /// <inheritdoc/>
    public void TrapAdded(Trap trap)
    {
        if (trap.Kind != TrapKind.Io) Slots.Cover(trap);
    }

    /// <inheritdoc/>
    public void SetDirtyLogging(bool enabled) => Slots.SetLogging(enabled);

    /// <inheritdoc/>
    public void SynchronizeDirtyLog()
    {
        if (_ringEntries == 0) Slots.Collect();
        else CollectRings();
    }

    /// <summary>Empties the dirty rings of all processors.</summary>
    public void CollectRings()
    {
        lock (_gate)
        {
            bool any = false;
            foreach (KvmVcpu vcpu in _vcpus) any |= vcpu.CollectRing(Slots);
            if (any) _ = Vm.Control(KvmRequests.ResetDirtyRings, 0);
        }
    }

    /// <inheritdoc/>
    public void HostWrote(ulong address, ulong size)
    {
        // The kernel shares the pages: there is nothing to drop.
    }

    /// <inheritdoc/>
    public void RangeMapped(MemoryRange range) => Slots.Add(range);

    /// <inheritdoc/>
    public void BlocksChanged(MemoryRange range, ulong address, ulong size, bool areThere) => Slots.Change(range, address, size);

    /// <inheritdoc/>
    public void Dispose()
    {
        RoutedMessage[] messages;
        lock (_gate) messages = [.. _messages];
        foreach (RoutedMessage message in messages) message.End();
        Bells.Dispose();
        Vm.Dispose();
    }
}
