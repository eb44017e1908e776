namespace Hospes.Hypervisor.Soft.Cpu;

/// <summary>What the meaning of a decoded instruction depends on. A block is used only where its mode is the processor's.</summary>
[Flags]
internal enum Mode : uint
{
    /// <summary>16-bit code outside protected mode or with CS.D = 0.</summary>
    None = 0,

    /// <summary>CS.D: 32-bit default operand and address size.</summary>
    Code32 = 1 << 0,

    /// <summary>64-bit mode: EFER.LMA and CS.L.</summary>
    Code64 = 1 << 1,

    /// <summary>CR0.PE.</summary>
    Protected = 1 << 2,

    /// <summary>EFLAGS.VM.</summary>
    Virtual8086 = 1 << 3,

    /// <summary>CPL is 3.</summary>
    User = 1 << 4,

    /// <summary>EFLAGS.TF: blocks of one instruction.</summary>
    SingleStep = 1 << 5,

    /// <summary>CR0.EM.</summary>
    Emulate = 1 << 6,

    /// <summary>CR0.TS.</summary>
    TaskSwitched = 1 << 7,

    /// <summary>CR4.OSFXSR.</summary>
    SseEnabled = 1 << 8,

    /// <summary>CR4.OSXSAVE with SSE and AVX in XCR0.</summary>
    AvxEnabled = 1 << 9,

    /// <summary>SS.B: a 32-bit stack pointer outside 64-bit mode.</summary>
    Stack32 = 1 << 10,

    /// <summary>All of CS, DS, ES, SS are flat (base 0, limit 4 GiB): addresses need no segment work in 32-bit code.</summary>
    Flat = 1 << 11,

    /// <summary>An enabled instruction breakpoint may be hit: blocks of one instruction.</summary>
    Breakpoints = 1 << 12,

    /// <summary>Supervisor mode that may touch user pages: EFLAGS.AC is set or CR4.SMAP is clear.</summary>
    Open = 1 << 13,

    /// <summary>Every access is looked at: alignment checks or data breakpoints are on.</summary>
    Inspected = 1 << 14,

    /// <summary>A debugger outside of the guest looks: blocks end before breakpoints, and are not translated.</summary>
    Debugged = 1 << 15,

    /// <summary>A debugger looks at every instruction: blocks of one.</summary>
    Traced = 1 << 16,
}
