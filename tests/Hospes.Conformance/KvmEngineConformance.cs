using Hospes.Hypervisor;
using Hospes.Hypervisor.Kvm;

namespace Hospes.Conformance;

/// <summary>The conformance suite on KVM.</summary>
internal sealed class KvmEngineConformance : EngineConformance, IDisposable
{
    private readonly List<KvmEngine> _opened = [];

    public void Dispose() => _opened.ForEach(static engine => engine.Dispose());

    protected override IEngine CreateEngine()
    {
        KvmEngine.TryOpen(out KvmEngine? engine, out KvmRefusal? refusal).ShouldBeTrue(refusal?.Cause);
        _opened.Add(engine!);
        return engine!;
    }
}
