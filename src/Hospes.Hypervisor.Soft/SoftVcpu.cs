using System.Runtime.InteropServices;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Interpret;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft;

/// <summary>A virtual processor of the software engine.</summary>
internal sealed unsafe class SoftVcpu
{
    private readonly GuestFault _fault = new();

    public SoftVcpu(Mmu mmu) => Mmu = mmu;

    /// <summary>Its view of memory.</summary>
    public Mmu Mmu { get; }

    /// <summary>The managed object of a native state.</summary>
    public static SoftVcpu From(CpuState* s) => (SoftVcpu)GCHandle.FromIntPtr(s->Owner).Target!;

    /// <summary>Fills the exception object that <see cref="Fault"/> throws.</summary>
    public GuestFault PrepareFault(Vector vector, int error)
    {
        _fault.Vector = vector;
        _fault.ErrorCode = error;
        return _fault;
    }
}
