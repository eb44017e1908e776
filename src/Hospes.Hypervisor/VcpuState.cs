namespace Hospes.Hypervisor;

/// <summary>A segment register with its hidden part (Intel SDM vol. 3, 3.4.3).</summary>
public struct SegmentState
{
    /// <summary>The visible selector.</summary>
    public ushort Selector;

    /// <summary>The access rights as in bytes 5 and 6 of a descriptor: type (bits 0-3), S (4), DPL (5-6), P (7), AVL (12), L (13), D/B (14), G (15).
    /// Bit 16 set means unusable.</summary>
    public uint Attributes;

    /// <summary>The last offset inside the segment, in bytes.</summary>
    public uint Limit;

    /// <summary>The linear address of its first byte.</summary>
    public ulong Base;
}

/// <summary>What a virtual processor is doing.</summary>
public enum VcpuActivity
{
    /// <summary>It executes instructions.</summary>
    Running = 0,

    /// <summary>It waits for an interrupt (HLT).</summary>
    Halted = 1,

    /// <summary>It waits for a start-up IPI.</summary>
    WaitForSipi = 2,

    /// <summary>It shut down (triple fault); only INIT wakes it.</summary>
    Shutdown = 3,
}

/// <summary>
/// The whole architectural state of a virtual processor, the same for every engine. A mutable bag that the caller owns and reuses;
/// the processor copies into it and out of it.
/// </summary>
public sealed class VcpuState
{
    /// <summary>Bytes of the extended save area that <see cref="ExtendedArea"/> holds: the standard format's legacy region, header, AVX and PKRU
    /// (Intel SDM vol. 1, 13.4; PKRU at its CPUID offset 2688).</summary>
    public const int ExtendedAreaSize = 2696;

    /// <summary>Index of RAX in <see cref="General"/>; the rest follow in encoding order: RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8 to R15.</summary>
    public const int Rax = 0, Rcx = 1, Rdx = 2, Rbx = 3, Rsp = 4, Rbp = 5, Rsi = 6, Rdi = 7;

    /// <summary>The sixteen general registers in encoding order.</summary>
    public ulong[] General { get; } = new ulong[16];

    /// <summary>The instruction pointer.</summary>
    public ulong Rip { get; set; }

    /// <summary>The flags register.</summary>
    public ulong Rflags { get; set; } = 2;

    /// <summary>ES, CS, SS, DS, FS, GS in encoding order.</summary>
    public SegmentState[] Segments { get; } = new SegmentState[6];

    /// <summary>The local descriptor table register.</summary>
    public SegmentState Ldtr { get; set; }

    /// <summary>The task register.</summary>
    public SegmentState Tr { get; set; }

    /// <summary>Linear address of the global descriptor table.</summary>
    public ulong GdtBase { get; set; }

    /// <summary>Last byte's offset of the global descriptor table.</summary>
    public ushort GdtLimit { get; set; }

    /// <summary>Linear address of the interrupt descriptor table.</summary>
    public ulong IdtBase { get; set; }

    /// <summary>Last byte's offset of the interrupt descriptor table.</summary>
    public ushort IdtLimit { get; set; }

    /// <summary>Control register 0.</summary>
    public ulong Cr0 { get; set; }

    /// <summary>Control register 2: the address of the last page fault.</summary>
    public ulong Cr2 { get; set; }

    /// <summary>Control register 3: the page-map base and PCID.</summary>
    public ulong Cr3 { get; set; }

    /// <summary>Control register 4.</summary>
    public ulong Cr4 { get; set; }

    /// <summary>Control register 8: the task priority.</summary>
    public ulong Cr8 { get; set; }

    /// <summary>IA32_EFER.</summary>
    public ulong Efer { get; set; }

    /// <summary>Extended control register 0.</summary>
    public ulong Xcr0 { get; set; } = 1;

    /// <summary>DR0 to DR3, DR6, DR7.</summary>
    public ulong[] Debug { get; } = new ulong[6];

    /// <summary>Model-specific registers by number; those that have a field of their own here are left out.</summary>
    public SortedDictionary<uint, ulong> Msrs { get; } = [];

    /// <summary>x87, SSE, AVX and PKRU state as XSAVE's standard format lays it out.</summary>
    public byte[] ExtendedArea { get; } = new byte[ExtendedAreaSize];

    /// <summary>The local APIC's register page: 32-bit registers at their xAPIC offsets (SDM vol. 3, table 12-1).</summary>
    public byte[] LocalApic { get; } = new byte[1024];

    /// <summary>The time stamp counter.</summary>
    public ulong Tsc { get; set; }

    /// <summary>What the processor is doing.</summary>
    public VcpuActivity Activity { get; set; }

    /// <summary>Whether interrupts are held off for one instruction (after STI, MOV SS, POP SS).</summary>
    public bool InterruptShadow { get; set; }

    /// <summary>Whether a non-maskable interrupt is pending.</summary>
    public bool NmiPending { get; set; }

    /// <summary>Whether non-maskable interrupts are blocked until the next IRET.</summary>
    public bool NmiBlocked { get; set; }
}
