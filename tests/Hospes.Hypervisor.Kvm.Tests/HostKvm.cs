namespace Hospes.Hypervisor.Kvm.Tests;

/// <summary>
/// The KVM of the host that the tests run on, whatever its kind. Where there is none, what is tested on it is tested only inside the nested guest of
/// <c>NestedGuestTests</c>, which every host can run.
/// </summary>
internal static class HostKvm
{
    public static KvmEngine? TryOpen(Predicate<string>? lacks = null) =>
        KvmEngine.TryOpen(KvmEngine.DevicePath, lacks, out KvmEngine? engine, out _) ? engine : null;
}
