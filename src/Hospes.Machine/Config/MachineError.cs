namespace Hospes.Machine;

/// <summary>Why a machine can't be made: a closed set.</summary>
public enum MachineError
{
    /// <summary>Nothing is wrong.</summary>
    None = 0,

    /// <summary>The memory size is 0.</summary>
    NoMemory,

    /// <summary>The memory size is below <see cref="MachineConfigCheck.SmallestMemory"/>.</summary>
    MemoryTooSmall,

    /// <summary>The memory size is no multiple of 4096.</summary>
    MemoryNotWholePages,

    /// <summary>The RAM windows together are smaller than the memory size.</summary>
    MemoryBeyondWindows,

    /// <summary>The host has less memory than the guest would.</summary>
    MemoryBeyondHost,

    /// <summary>The number of virtual processors is outside 1 to 255.</summary>
    VcpuCount,

    /// <summary>The low RAM window does not start at 0.</summary>
    LowRamNotAtZero,

    /// <summary>The configuration window is neither 0 nor 256 MiB.</summary>
    EcamSize,

    /// <summary>The machine has PCI but no window for 32-bit BARs.</summary>
    NoPciMmio,

    /// <summary>A window is not made of whole pages, or the configuration window is not aligned to its size.</summary>
    WindowMisaligned,

    /// <summary>A window ends behind the highest address that it may have.</summary>
    WindowOutOfRange,

    /// <summary>Two windows overlap, or one overlaps a fixed device.</summary>
    WindowsOverlap,

    /// <summary>The debug-exit port is one that another device has.</summary>
    DebugExitPortTaken,

    /// <summary>The PCI bus or its windows have too little room for the devices, or there is no PCI.</summary>
    PciRoom,

    /// <summary>The host refused the memory.</summary>
    HostRefusedMemory,

    /// <summary>The guest was already given memory or traps, so the machine's did not fit.</summary>
    GuestNotEmpty,
}
