using Hospes.Hypervisor;

namespace Hospes.Builder;

/// <summary>What a guest is built from. Immutable.</summary>
public sealed record BootContext
{
    /// <summary>The guest's memory, with all of its RAM mapped.</summary>
    public required GuestMemory Memory { get; init; }

    /// <summary>The memory map that the guest is told. RAM entries must be mapped in <see cref="Memory"/>; entries must not overlap.</summary>
    public required IReadOnlyList<MemoryMapEntry> MemoryMap { get; init; }

    /// <summary>The kernel file.</summary>
    public required ReadOnlyMemory<byte> Kernel { get; init; }

    /// <summary>The kernel's name without blanks: a Multiboot kernel finds it as the first word of its command line.</summary>
    public string KernelName { get; init; } = "kernel";

    /// <summary>The command line.</summary>
    public string CommandLine { get; init; } = "";

    /// <summary>The initial RAM disk, given to the kernel as its only module, or null.</summary>
    public BootPayload? Initrd { get; init; }

    /// <summary>Guest-physical address of the ACPI RSDP that the machine wrote; 0 for none.</summary>
    public ulong RsdpAddress { get; init; }

    /// <summary>The protocol to use; null for the best that the kernel offers.</summary>
    public BootProtocol? Protocol { get; init; }
}
