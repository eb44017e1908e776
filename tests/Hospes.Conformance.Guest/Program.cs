using Hospes.Conformance;
using Hospes.Hypervisor.Kvm;
using Hospes.Hypervisor.Kvm.Tests;
using Hospes.Hypervisor.Soft;

// The conformance suite on the KVM of wherever this runs, the KVM engine's own tests, and its agreement with the software engine.
// Arguments: names of programs to leave out.
(int passed, int failed) = await SuiteRunner.RunAsync<KvmEngineConformance>(Console.WriteLine, args);
foreach ((int more, int broken) in new[]
{
    await SuiteRunner.RunFactsAsync<NotifyTests>(Console.WriteLine),
    await SuiteRunner.RunFactsAsync<AllocationTests>(Console.WriteLine),
    await SuiteRunner.RunFactsAsync<DirtyRingTests>(Console.WriteLine),
}) (passed, failed) = (passed + more, failed + broken);
Console.WriteLine($"conformance: {passed} passed, {failed} failed");

(List<string> differences, int compared) = await EngineAgreement.CompareEndsAsync<KvmEngineConformance>(args);
foreach (string difference in differences) Console.WriteLine($"DIFFERS {difference}");
Console.WriteLine($"agreement: {compared} compared, {differences.Count} different");

bool moved = false;
if (KvmEngine.TryOpen(out KvmEngine? kvm, out _))
{
    using (kvm)
    {
        (ulong up, ulong down) = (EngineAgreement.Move(new SoftEngine(), kvm), EngineAgreement.Move(kvm, new SoftEngine()));
        moved = up == EngineAgreement.Moved && down == EngineAgreement.Moved;
        Console.WriteLine($"moved: {up:x} {down:x} of {EngineAgreement.Moved:x}");
    }
}
return failed == 0 && passed > 0 && differences.Count == 0 && compared > 0 && moved ? 0 : 1;
