namespace Hospes.Hypervisor;

/// <summary>What a guest is created with, beyond its memory. Immutable.</summary>
public sealed record GuestOptions
{
    /// <summary>The largest number of virtual processors that the guest can have: 1 to 255 (the xAPIC id space).</summary>
    public int MaxVcpus { get; init; } = 1;

    /// <summary>The processor model's name, as the engine's list has it; null for the engine's default.</summary>
    public string? CpuModel { get; init; }

    /// <summary>Where time comes from: counters, timers.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Further settings that one engine knows by name (as in <c>--engine soft,translate=off</c>); an unknown name is refused.</summary>
    public IReadOnlyDictionary<string, string> EngineSettings { get; init; } = new Dictionary<string, string>();
}

/// <summary>A hypervisor behind the contract. Engines implement this; machines and toolstacks use <see cref="Guest"/>. Thread-safe.</summary>
public interface IEngine
{
    /// <summary>The engine's short name, as in <c>--engine soft</c>.</summary>
    string Name { get; }

    /// <summary>Whether the engine, on this host, has a capability.</summary>
    /// <param name="capability">The capability asked for.</param>
    bool Supports(Capability capability);

    /// <summary>Makes the engine's side of a guest.</summary>
    /// <param name="options">What was asked for.</param>
    /// <param name="memory">The guest-physical address space; ranges may be mapped later.</param>
    /// <param name="traps">The guest's traps; entries are only ever added.</param>
    /// <param name="guest">The engine's guest, or null.</param>
    /// <returns><see cref="Status.NotSupported"/> when the host can't, <see cref="Status.InvalidArgs"/> for an unknown model or setting.</returns>
    Status CreateGuest(GuestOptions options, GuestMemory memory, TrapTable traps, out IGuestEngine? guest);
}

/// <summary>The engine's side of one guest. Rights and arguments were checked by <see cref="Guest"/>. Thread-safe.</summary>
public interface IGuestEngine : IDisposable
{
    /// <summary>Makes the engine's side of a virtual processor. Processor 0 can run at once; others wait for INIT and SIPI.</summary>
    /// <param name="id">The APIC id: 0, 1, … in order of creation.</param>
    /// <param name="vcpu">The engine's virtual processor, or null.</param>
    Status CreateVcpu(int id, out IVcpuEngine? vcpu);

    /// <summary>Delivers a message-signalled interrupt (Intel SDM vol. 3, 12.11 "Message Signalled Interrupts").</summary>
    /// <param name="address">The message address: 0xFEE00000 with destination and mode bits.</param>
    /// <param name="data">The message data: vector, delivery mode, level, trigger mode.</param>
    /// <returns>Whether some local APIC accepted it.</returns>
    bool DeliverMessage(ulong address, uint data);

    /// <summary>Makes the engine's side of a message-signalled interrupt, which is sent often: by default one that delivers each message.</summary>
    IMessageEngine CreateMessage() => new DeliveredMessage(this);

    /// <summary>Raises or lowers the INTR line of processor 0's LINT0, as an 8259 wired to it would (ExtINT delivery).</summary>
    /// <param name="asserted">The level of the line.</param>
    /// <param name="acknowledge">Called on the vCPU's thread at the INTA cycle; returns the vector.</param>
    void SetExternalInterrupt(bool asserted, Func<byte> acknowledge);

    /// <summary>A trap was added to the table.</summary>
    /// <param name="trap">The new trap.</param>
    void TrapAdded(Trap trap);

    /// <summary>Starts or ends the logging of written pages.</summary>
    /// <param name="enabled">Whether pages are logged from now on.</param>
    void SetDirtyLogging(bool enabled);

    /// <summary>Brings what virtual processors have written up to now into <see cref="GuestMemory"/>'s log, and arms it anew.</summary>
    void SynchronizeDirtyLog();
}

/// <summary>The engine's side of one virtual processor. <see cref="Run"/> is called on one thread at a time.</summary>
public interface IVcpuEngine : IDisposable
{
    /// <summary>Runs guest code until there is a packet for the machine.</summary>
    /// <param name="packet">What happened, when the answer is <see cref="Status.Ok"/>.</param>
    /// <returns><see cref="Status.Ok"/>, <see cref="Status.Canceled"/> after a kick, or <see cref="Status.Internal"/>.</returns>
    Status Run(out Packet packet);

    /// <summary>Makes the current or next <see cref="Run"/> return <see cref="Status.Canceled"/>. Any thread; repeated kicks coalesce.</summary>
    void Kick();

    /// <summary>Queues a fixed interrupt at the processor's local APIC. Any thread.</summary>
    /// <param name="vector">16 to 255.</param>
    void Interrupt(byte vector);

    /// <summary>Queues a non-maskable interrupt. Any thread.</summary>
    void InterruptNonMaskable();

    /// <summary>Gives the value for the read that the last packet asked for.</summary>
    /// <param name="value">The value in the low bytes; higher ones are ignored.</param>
    void CompleteRead(ulong value);

    /// <summary>Copies the whole architectural state out. The processor is stopped.</summary>
    /// <param name="state">The state to fill.</param>
    void ReadState(VcpuState state);

    /// <summary>Replaces the whole architectural state. The processor is stopped.</summary>
    /// <param name="state">The state to take.</param>
    /// <returns><see cref="Status.InvalidArgs"/> when a value is one that the processor would refuse; nothing was changed then.</returns>
    Status WriteState(VcpuState state);

    /// <summary>Says at what the processor is to stop for a debugger. The processor is stopped.</summary>
    /// <param name="settings">At what; null for nothing.</param>
    /// <returns><see cref="Status.NotSupported"/> without <see cref="Capability.Debugging"/>.</returns>
    Status SetDebug(DebugSettings? settings) => Status.NotSupported;
}
