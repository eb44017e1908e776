using Hospes.Hypervisor.Kvm;
using Hospes.Hypervisor.Kvm.Probe;
using Hospes.Hypervisor.Soft;

namespace Hospes.Conformance;

/// <summary>The conformance suite on the KVM that this host shows, whatever its kind. On a real one it runs too inside the nested guest, on every host.</summary>
public sealed class KvmOnThisHost
{
    /// <summary>What a stand-in without hardware behind it does not do: it loops over a triple fault for ever, and over the return from a handler in protected
    /// mode; random code may take minutes on it.</summary>
    private static readonly string[] BeyondAStandIn =
    [
        nameof(EngineConformance.ATripleFaultIsAShutdown), nameof(EngineConformance.NoInterruptIsSleptThrough),
        nameof(EngineConformance.ThousandsOfGuestsOfRandomCodeEndOnlyThemselves),
    ];

    /// <summary>A stand-in forgets that an interrupt is in service.</summary>
    private const string OwnApicState = nameof(EngineConformance.TheInterruptThatWaitsForStiIsTakenBehindTheNextInstruction);

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

        (List<string> differences, int compared) = await EngineAgreement.CompareEndsAsync<KvmEngineConformance>(unreal is null ? [] : [.. BeyondAStandIn, OwnApicState]);
        differences.ShouldBeEmpty();
        compared.ShouldBeGreaterThan(15);
    }

    [Fact]
    public void ASavedStateGoesOnOnTheOtherEngine()
    {
        if (!KvmEngine.TryOpen(out KvmEngine? kvm, out _)) return;
        using (kvm)
        {
            // A stand-in may go round for ever where x87 and vector state was loaded; the nested guest takes a state both ways on a real one.
            if (KvmProbe.Judge(kvm) is not null) return;
            EngineAgreement.Move(new SoftEngine(), kvm).ShouldBe(EngineAgreement.Moved);
            EngineAgreement.Move(kvm, new SoftEngine()).ShouldBe(EngineAgreement.Moved);
        }
    }
}
