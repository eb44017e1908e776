using Hospes.Hypervisor.Kvm.Native;

namespace Hospes.Hypervisor.Kvm.Tests;

/// <summary>
/// The KVM of the host that the tests run on, whatever its kind. Where there is none, these tests have nothing to run on and pass; <c>tests/nested</c> runs the
/// programs by hand on a KVM with hardware virtualization, emulated by QEMU, on every host.
/// </summary>
internal static class HostKvm
{
    public static KvmEngine? TryOpen(Predicate<KvmExtension>? lacks = null) =>
        KvmEngine.TryOpen(KvmEngine.DevicePath, lacks, out KvmEngine? engine, out _) ? engine : null;
}
