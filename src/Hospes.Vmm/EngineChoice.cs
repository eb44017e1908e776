using Hospes.Hypervisor;
using Hospes.Hypervisor.Soft;

namespace Hospes.Vmm;

/// <summary>The engines that a domain can run on.</summary>
public static class EngineChoice
{
    /// <summary>Lets Hospes choose the best engine of this host.</summary>
    public const string Auto = "auto";

    /// <summary>The names that <see cref="TryChoose"/> knows, the best engine first.</summary>
    public static IReadOnlyList<string> Names { get; } = [Auto, "soft"];

    /// <summary>Makes the engine that is asked for.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="engine">The engine, or null.</param>
    /// <param name="failure"><see cref="VmmError.UnknownEngine"/>, or null.</param>
    public static bool TryChoose(string name, out IEngine? engine, out VmmFailure? failure)
    {
        // The software engine is the one that every host can run; so far it is also the only one.
        engine = name is Auto or "soft" ? new SoftEngine() : null;
        failure = engine is null ? new VmmFailure(VmmError.UnknownEngine, $"there is no engine '{name}'", $"choose one of {string.Join(", ", Names)}") : null;
        return engine is not null;
    }
}
