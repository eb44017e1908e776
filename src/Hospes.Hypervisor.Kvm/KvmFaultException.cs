namespace Hospes.Hypervisor.Kvm;

/// <summary>KVM refused a request that it has no reason to refuse: a fault of the engine or of the kernel, not of the guest.</summary>
/// <param name="request">The request's number.</param>
/// <param name="error">The error number.</param>
public sealed class KvmFaultException(uint request, int error)
    : Exception($"KVM refused the request {request:x} ({System.Runtime.InteropServices.Marshal.GetPInvokeErrorMessage(error)})");
