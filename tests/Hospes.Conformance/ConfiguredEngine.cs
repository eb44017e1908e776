using Hospes.Hypervisor;

namespace Hospes.Conformance;

/// <summary>An engine whose guests all get one setting.</summary>
internal sealed class ConfiguredEngine(IEngine engine, string name, string value) : IEngine
{
    public string Name => engine.Name;

    public bool Supports(Capability capability) => engine.Supports(capability);

    public Status CreateGuest(GuestOptions options, GuestMemory memory, TrapTable traps, out IGuestEngine? guest)
    {
        var configured = new GuestOptions
        {
            MaxVcpus = options.MaxVcpus,
            CpuModel = options.CpuModel,
            Time = options.Time,
            EngineSettings = new Dictionary<string, string> { [name] = value },
        };
        return engine.CreateGuest(configured, memory, traps, out guest);
    }
}
