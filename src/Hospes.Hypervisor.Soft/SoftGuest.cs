using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Interpret;
using Hospes.Hypervisor.Soft.Interrupts;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft;

/// <summary>The software engine's side of one guest: what its vCPUs share.</summary>
internal sealed class SoftGuest : IGuestEngine
{
    private readonly Lock _gate = new();
    private readonly GuestOptions _options;
    private readonly TrapTable _traps;
    private SoftVcpu[] _vcpus = [];
    private Func<byte>? _acknowledge;
    private int _externalLine;
    private bool _dirtyLogging;

    public SoftGuest(GuestOptions options, SoftSettings settings, CpuModel model, GuestMemory memory, TrapTable traps)
    {
        _options = options;
        _traps = traps;
        Settings = settings;
        Model = model;
        Clock = new GuestClock(options.Time, model.TscHz);
        Map = new PhysicalMap(memory, traps) { TranslationsChanged = DropAllTranslations };
        unsafe
        {
            Map.CodeChanged = CodeChanged;
        }
        Handlers = InstructionSet.Create();
        Traits = new CodeTraits(model.Offers);
    }

    /// <summary>The processor model.</summary>
    public CpuModel Model { get; }

    /// <summary>Counters and timers.</summary>
    public GuestClock Clock { get; }

    /// <summary>RAM.</summary>
    public PhysicalMap Map { get; }

    /// <summary>Which handler executes which instruction.</summary>
    public HandlerTable Handlers { get; }

    /// <summary>What the decoder knows of each code under this model.</summary>
    public CodeTraits Traits { get; }

    /// <summary>Held by locked instructions that memory can't serve in place.</summary>
    public object SplitLock { get; } = new();

    /// <summary>How many vCPUs the guest may have.</summary>
    public int MaxVcpus => _options.MaxVcpus;

    /// <summary>The engine's settings.</summary>
    public SoftSettings Settings { get; }

    /// <summary>Where processors write their profiles when they are disposed; null when nobody asked for any. The guest disposes it.</summary>
    public TextWriter? Profile { get; init; }

    /// <summary>Whether written pages are logged.</summary>
    public bool DirtyLogging => Volatile.Read(ref _dirtyLogging);

    /// <summary>The vCPUs in order of their APIC ids.</summary>
    public ReadOnlySpan<SoftVcpu> Vcpus => Volatile.Read(ref _vcpus);

    /// <inheritdoc/>
    public Status CreateVcpu(int id, out IVcpuEngine? vcpu)
    {
        lock (_gate)
        {
            var made = new SoftVcpu(this, id);
            Volatile.Write(ref _vcpus, [.. _vcpus, made]);
            vcpu = made;
            return Status.Ok;
        }
    }

    /// <inheritdoc/>
    public bool DeliverMessage(ulong address, uint data) => InterruptRouter.Message(Vcpus, address, data);

    /// <inheritdoc/>
    public void SetExternalInterrupt(bool asserted, Func<byte> acknowledge)
    {
        Volatile.Write(ref _acknowledge, acknowledge);
        Volatile.Write(ref _externalLine, asserted ? 1 : 0);
        if (asserted && Vcpus.Length > 0) Vcpus[0].Post(CpuEvents.ExternalInterrupt);
    }

    /// <summary>The vector of an 8259 that asks for this processor, or -1.</summary>
    public int TakeExternalInterrupt(SoftVcpu vcpu)
    {
        if (vcpu.Id != 0 || Volatile.Read(ref _externalLine) == 0 || !vcpu.Apic.AcceptsExternalInterrupts) return -1;
        return Volatile.Read(ref _acknowledge)?.Invoke() ?? -1;
    }

    /// <summary>The trap that covers a port.</summary>
    public Trap? FindPort(ushort port) => _traps.FindPort(port);

    /// <inheritdoc/>
    public void TrapAdded(Trap trap)
    {
        if (trap.Kind != TrapKind.Io) DropAllTranslations();
    }

    /// <inheritdoc/>
    public void SetDirtyLogging(bool enabled)
    {
        Volatile.Write(ref _dirtyLogging, enabled);
        DropAllTranslations();
    }

    /// <inheritdoc/>
    public void SynchronizeDirtyLog() => DropAllTranslations();

    /// <summary>Returns once every other vCPU has dropped its translations, or executes nothing and will drop them first.</summary>
    public void DropTranslationsOfOthers(SoftVcpu? self)
    {
        foreach (SoftVcpu vcpu in Vcpus)
        {
            if (vcpu != self) WaitForDrop(vcpu);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Clock.Dispose();
        Map.Dispose();
        Profile?.Dispose();
    }

    private unsafe void CodeChanged(PageInfo* page)
    {
        foreach (SoftVcpu vcpu in Vcpus) vcpu.CodeChanged(page);
    }

    private static void WaitForDrop(SoftVcpu vcpu)
    {
        int before = vcpu.TranslationDrops;
        vcpu.Post(CpuEvents.FlushTlb);
        var spin = new SpinWait();
        while (!vcpu.IsOutside && vcpu.TranslationDrops == before) spin.SpinOnce();
    }

    private void DropAllTranslations() => DropTranslationsOfOthers(null);
}
