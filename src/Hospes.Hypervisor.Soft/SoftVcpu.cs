using System.Runtime.InteropServices;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Interpret;
using Hospes.Hypervisor.Soft.Interrupts;
using Hospes.Hypervisor.Soft.Memory;
using Hospes.Hypervisor.Soft.Translate;

namespace Hospes.Hypervisor.Soft;

/// <summary>A virtual processor of the software engine. Its state is native; its thread is whoever calls <see cref="Run"/>.</summary>
internal sealed unsafe partial class SoftVcpu : IVcpuEngine, IDeviceAccess, ICodeFence
{
    // SAFETY: the native state is allocated in the constructor and freed in Dispose, which the contract calls after the last Run.

    private readonly GuestFault _fault = new();
    private readonly CpuState* _state;
    private readonly BlockCache _blocks;
    private readonly SoftGuest _guest;
    private GCHandle _self;

    public SoftVcpu(SoftGuest guest, int id)
    {
        _guest = guest;
        Id = id;
        _state = CpuArea.Allocate();
        _self = GCHandle.Alloc(this);
        _state->Owner = GCHandle.ToIntPtr(_self);
        Mmu = new Mmu(_state, guest.Map, this, guest.SplitLock);
        Msrs = new MsrFile(this, guest.Model);
        Apic = new LocalApic(this, guest.Clock, guest.Model);
        _blocks = new BlockCache(new BlockDecoder(guest.Handlers, guest.Traits), Mmu, this);
        _threshold = guest.Settings.Threshold;
        _translates = guest.Settings.Translation != Translation.Off;
        Reset.PowerOn(this);
        Activity = id == 0 ? VcpuActivity.Running : VcpuActivity.WaitForSipi;
    }

    /// <summary>The APIC id.</summary>
    public int Id { get; }

    /// <summary>The native state.</summary>
    public CpuState* State => _state;

    /// <summary>Its view of memory.</summary>
    public Mmu Mmu { get; }

    /// <summary>Its local APIC.</summary>
    public LocalApic Apic { get; }

    /// <summary>Model-specific registers.</summary>
    public MsrFile Msrs { get; }

    /// <summary>The guest that it belongs to.</summary>
    public SoftGuest Guest => _guest;

    /// <summary>What it does. Changed on its own thread only.</summary>
    public VcpuActivity Activity { get; set; }

    /// <summary>Whether non-maskable interrupts are blocked until the next IRET.</summary>
    public bool NmiBlocked { get; set; }

    /// <summary>A debug trap to be delivered after the instruction, as DR6 bits; 0 for none.</summary>
    public ulong PendingDebug { get; set; }

    /// <summary>Blocks decoded since creation.</summary>
    public long BlocksDecoded => _blocks.Decoded;

    /// <summary>The managed object of a native state.</summary>
    public static SoftVcpu From(CpuState* s) => (SoftVcpu)GCHandle.FromIntPtr(s->Owner).Target!;

    /// <summary>Fills the exception object that <see cref="Fault"/> throws.</summary>
    public GuestFault PrepareFault(Vector vector, int error)
    {
        _fault.Vector = vector;
        _fault.ErrorCode = error;
        return _fault;
    }

    /// <inheritdoc/>
    public void ReadState(VcpuState state) => StateTransfer.Read(this, state);

    /// <inheritdoc/>
    public Status WriteState(VcpuState state) => StateTransfer.Write(this, state);

    /// <summary>Everything decoded and translated is dropped: the state was replaced, or there is no more room.</summary>
    public void DropBlocks() => _blocks.Reset();

    /// <summary>Decoded code of a page was overwritten. Any thread.</summary>
    public void CodeChanged(PageInfo* page)
    {
        CodeCache? code = Volatile.Read(ref _code);
        if (code is null) return;
        code.PageChanged(page);
        Post(CpuEvents.CodeChanged);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (!_self.IsAllocated) return;
        if (_guest.Profile is { } to) ReportProfile(to);
        Apic.Dispose();
        _blocks.Dispose();
        _code?.Dispose();
        _lockstep?.Dispose();
        _profile?.Dispose();
        _self.Free();
        CpuArea.Free(_state);
    }
}
