namespace Hospes.Machine;

/// <summary>The address windows of a machine by the property names of QEMU's <c>xenpvh</c>, as in <c>-M xenpvh,ram-low-size=…</c>.</summary>
public static class MachineProperties
{
    /// <summary>All names, in the order of the documentation.</summary>
    public static IReadOnlyList<string> Names { get; } =
    [
        "ram-low-base", "ram-low-size", "ram-high-base", "ram-high-size", "pci-ecam-base", "pci-ecam-size",
        "pci-mmio-base", "pci-mmio-size", "pci-mmio-high-base", "pci-mmio-high-size",
    ];

    /// <summary>Gives a configuration another value for one property.</summary>
    /// <param name="config">The configuration to start from.</param>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <param name="value">The new value in bytes.</param>
    /// <returns>The changed configuration, or null when there is no such property.</returns>
    public static MachineConfig? With(MachineConfig config, string name, ulong value) => name switch
    {
        "ram-low-base" => config with { RamLowBase = value },
        "ram-low-size" => config with { RamLowSize = value },
        "ram-high-base" => config with { RamHighBase = value },
        "ram-high-size" => config with { RamHighSize = value },
        "pci-ecam-base" => config with { PciEcamBase = value },
        "pci-ecam-size" => config with { PciEcamSize = value },
        "pci-mmio-base" => config with { PciMmioBase = value },
        "pci-mmio-size" => config with { PciMmioSize = value },
        "pci-mmio-high-base" => config with { PciMmioHighBase = value },
        "pci-mmio-high-size" => config with { PciMmioHighSize = value },
        _ => null,
    };
}
