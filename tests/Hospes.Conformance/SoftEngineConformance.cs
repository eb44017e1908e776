using Hospes.Hypervisor;
using Hospes.Hypervisor.Soft;

namespace Hospes.Conformance;

/// <summary>The conformance suite on the software engine.</summary>
public sealed class SoftEngineConformance : EngineConformance
{
    protected override IEngine CreateEngine() => new SoftEngine();
}
