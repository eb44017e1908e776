using Hospes.Hypervisor.Kvm;
using Hospes.Hypervisor.Kvm.Probe;

namespace Hospes.Conformance;

/// <summary>The conformance suite on the KVM that this host shows, whatever its kind. On a real one it runs too inside the nested guest, on every host.</summary>
public sealed class KvmOnThisHost
{
    /// <summary>What a stand-in without hardware behind it does not do: it loops over a triple fault for ever, and random code may take minutes on it.</summary>
    private static readonly string[] BeyondAStandIn =
        [nameof(EngineConformance.ATripleFaultIsAShutdown), nameof(EngineConformance.ThousandsOfGuestsOfRandomCodeEndOnlyThemselves)];

    [Fact]
    public async Task TheProgramsDoOnItWhatTheyDoOnEveryEngine()
    {
        if (!KvmEngine.TryOpen(out KvmEngine? engine, out KvmRefusal? refusal))
        {
            refusal.Kind.ShouldBeOneOf(KvmRefusalKind.Absent, KvmRefusalKind.Denied, KvmRefusalKind.Foreign, KvmRefusalKind.Incomplete);
            return;
        }
        KvmRefusal? unreal;
        using (engine) unreal = KvmProbe.Judge(engine);
        var lines = new List<string>();
        (int passed, int failed) = await SuiteRunner.RunAsync<KvmEngineConformance>(lines.Add, unreal is null ? [] : BeyondAStandIn);
        failed.ShouldBe(0, string.Join('\n', lines));
        passed.ShouldBeGreaterThan(15);
    }
}
