using Hospes.Virtio;

namespace Hospes.Machine;

/// <summary>What a machine has on its PCI bus: a device, or a root port that one can be plugged into.</summary>
/// <param name="Device">The device; null for a root port, a panic notice or a watchdog.</param>
/// <param name="Name">Its name; null for none.</param>
/// <param name="Bus">The name of the root port that the device is behind; null for bus 0.</param>
public sealed record MachineDevice(VirtioDevice? Device, string? Name = null, string? Bus = null)
{
    /// <summary>Whether it is a panic notice and not a root port.</summary>
    public bool IsPanicNotice { get; init; }

    /// <summary>Whether it is a watchdog and not a root port.</summary>
    public bool IsWatchdog { get; init; }

    /// <summary>What the memory of a memory device is made of; null for another device.</summary>
    public MemoryOptions? Memory { get; init; }
}

/// <summary>How an attempt to plug a device in, or to take one out, ended: a closed set.</summary>
public enum PlugResult
{
    /// <summary>It is done.</summary>
    Done,

    /// <summary>The guest was asked to let the device go, and does so when it likes.</summary>
    Requested,

    /// <summary>The guest was asked before.</summary>
    AlreadyRequested,

    /// <summary>There is no root port, or no device, of that name.</summary>
    NotFound,

    /// <summary>The root port has a device, or there is no free one.</summary>
    NoRoom,

    /// <summary>The device is not behind a root port.</summary>
    NotHotpluggable,
}
