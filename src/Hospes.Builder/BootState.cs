using Hospes.Hypervisor;

namespace Hospes.Builder;

/// <summary>A stretch of guest memory that the builder filled.</summary>
/// <param name="Name">What is there: "kernel", "initrd", "start info"…</param>
/// <param name="Address">The first guest-physical address.</param>
/// <param name="Size">How many bytes.</param>
public readonly record struct PlacedRegion(string Name, ulong Address, ulong Size);

/// <summary>How the boot processor is to be entered, and what was put where. Immutable.</summary>
public sealed record BootState
{
    /// <summary>The protocol that the kernel is entered with.</summary>
    public required BootProtocol Protocol { get; init; }

    /// <summary>Guest-physical address of the first instruction.</summary>
    public required ulong Entry { get; init; }

    /// <summary>Guest-physical address of hvm_start_info, boot_params or the Multiboot information.</summary>
    public required ulong StartInfo { get; init; }

    /// <summary>Guest-physical address of the descriptor table (<see cref="Boot.BootDescriptors"/>).</summary>
    internal ulong GdtAddress { get; init; }

    /// <summary>Guest-physical address of the identity page tables; 0 when paging is off.</summary>
    internal ulong PageTables { get; init; }

    /// <summary>What the builder put into guest memory, in order of placement.</summary>
    public required IReadOnlyList<PlacedRegion> Regions { get; init; }

    /// <summary>
    /// Sets the registers of the boot processor as the protocol has them at entry. What no protocol speaks of (MSRs, local APIC,
    /// extended state) stays: read the state of the fresh processor first, apply, write it back.
    /// </summary>
    /// <param name="state">The boot processor's state, as read from it after creation.</param>
    public void ApplyTo(VcpuState state) => Boot.EntryState.Apply(this, state);
}
