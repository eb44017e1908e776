using Hospes.Hypervisor;

namespace Hospes.Vmm;

/// <summary>Who is told when processors stop for a debugger.</summary>
internal interface IDomainDebugger
{
    /// <summary>A life of the domain begins; its processors are held.</summary>
    /// <param name="life">The life.</param>
    void Began(Domain life);

    /// <summary>A processor stopped, on its thread, and waits until <see cref="Domain.EndStalls"/>; the others soon stop too. It must not block.</summary>
    /// <param name="vcpu">The processor's number.</param>
    /// <param name="packet">Why.</param>
    void Stopped(int vcpu, in Packet packet);
}
