namespace Hospes.Hypervisor;

/// <summary>The kinds of resource that a process can hold (Zircon, "Resource").</summary>
public enum ResourceKind
{
    /// <summary>The right to create guests (ZX_RSRC_KIND_HYPERVISOR).</summary>
    Hypervisor,

    /// <summary>A resource that gives no right to create guests; what an attenuated holder is left with.</summary>
    None,
}

/// <summary>The capability that <see cref="Guest.Create"/> asks for: who holds none creates no guest.</summary>
public sealed class HypervisorResource : Handle<HypervisorResource>
{
    /// <summary>Makes a resource of the given kind over an engine.</summary>
    /// <param name="engine">The engine that guests created with this resource run on.</param>
    /// <param name="kind">What the resource allows.</param>
    public HypervisorResource(IEngine engine, ResourceKind kind = ResourceKind.Hypervisor)
        : this(engine, kind, Rights.Duplicate | Rights.Transfer, new HandleCount())
    {
    }

    private HypervisorResource(IEngine engine, ResourceKind kind, Rights rights, HandleCount count)
        : base(rights, count)
    {
        Engine = engine;
        Kind = kind;
    }

    /// <summary>What the resource allows.</summary>
    public ResourceKind Kind { get; }

    /// <summary>The engine behind it.</summary>
    public IEngine Engine { get; }

    private protected override HypervisorResource With(Rights rights, HandleCount count) => new(Engine, Kind, rights, count);

    private protected override void EndObject()
    {
    }
}
