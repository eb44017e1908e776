namespace Hospes.Hypervisor.Soft.Interpret;

/// <summary>What asks a running processor to stop between two blocks. Bits of <see cref="Cpu.CpuState.Events"/>.</summary>
internal static class CpuEvents
{
    /// <summary>The local APIC may have an interrupt to deliver.</summary>
    public const int Interrupt = 1;

    /// <summary>Run is to return <see cref="Status.Canceled"/>.</summary>
    public const int Kick = 2;

    /// <summary>A non-maskable interrupt is pending.</summary>
    public const int Nmi = 4;

    /// <summary>INIT arrived.</summary>
    public const int Init = 8;

    /// <summary>The TLB is to be flushed: traps, memory ranges or the dirty log changed, or another processor decodes code from a page.</summary>
    public const int FlushTlb = 16;

    /// <summary>An 8259 asks for the processor through LINT0.</summary>
    public const int ExternalInterrupt = 32;

    /// <summary>After the running block something is to be done: single-step trap, packet to return.</summary>
    public const int BlockEnd = 64;

    /// <summary>Blocks of one instruction: TF is set or a breakpoint is armed. Stays set while that is so.</summary>
    public const int Stepping = 256;

    /// <summary>Decoded code was overwritten: translations of it must go.</summary>
    public const int CodeChanged = 512;

    /// <summary>A start-up IPI arrived.</summary>
    public const int Sipi = 128;
}
