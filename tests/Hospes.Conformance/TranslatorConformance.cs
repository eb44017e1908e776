using Hospes.Hypervisor;
using Hospes.Hypervisor.Soft;

namespace Hospes.Conformance;

/// <summary>The conformance suite with every block translated at its first execution.</summary>
public sealed class TranslatorConformance : EngineConformance
{
    protected override IEngine CreateEngine() => new ConfiguredEngine(new SoftEngine(), "translate", "always");

    protected override int RandomGuests => 2_000;
}
