namespace Hospes.Hypervisor.Kvm.State;

/// <summary>KVM's numbers for what a processor is doing (<c>KVM_MP_STATE_*</c>).</summary>
internal static class ActivityNumbers
{
    public const uint Runnable = 0, Uninitialized = 1, InitReceived = 2, Halted = 3, SipiReceived = 4;
}
