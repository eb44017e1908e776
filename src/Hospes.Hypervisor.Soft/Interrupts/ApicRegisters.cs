namespace Hospes.Hypervisor.Soft.Interrupts;

/// <summary>The local APIC's register offsets and bits (Intel SDM vol. 3, table 12-1 and chapter 12).</summary>
internal static class ApicRegisters
{
    public const uint Id = 0x20, Version = 0x30, TaskPriority = 0x80, ArbitrationPriority = 0x90, ProcessorPriority = 0xA0, Eoi = 0xB0,
        RemoteRead = 0xC0, LogicalDestination = 0xD0, DestinationFormat = 0xE0, Spurious = 0xF0, InService = 0x100, TriggerMode = 0x180,
        Request = 0x200, ErrorStatus = 0x280, CommandLow = 0x300, CommandHigh = 0x310, LvtTimer = 0x320, LvtThermal = 0x330,
        LvtPerformance = 0x340, LvtLint0 = 0x350, LvtLint1 = 0x360, LvtError = 0x370, InitialCount = 0x380, CurrentCount = 0x390,
        DivideConfiguration = 0x3E0, SelfIpi = 0x3F0;

    /// <summary>Version 0x14 with six local vector table entries.</summary>
    public const uint VersionValue = 0x00050014;

    public const uint LvtMasked = 1 << 16, SpuriousEnabled = 1 << 8;

    /// <summary>Timer modes in LVT bits 17-18.</summary>
    public const uint TimerOneShot = 0, TimerPeriodic = 1, TimerDeadline = 2;

    /// <summary>Delivery modes in bits 8-10.</summary>
    public const uint ModeFixed = 0, ModeLowestPriority = 1, ModeSmi = 2, ModeNmi = 4, ModeInit = 5, ModeStartUp = 6, ModeExternal = 7;

    /// <summary>IA32_APIC_BASE bits.</summary>
    public const ulong BaseBootstrap = 1 << 8, BaseX2Apic = 1 << 10, BaseEnabled = 1 << 11, DefaultBase = 0xFEE00000;

    /// <summary>Error status: an illegal vector was sent or received, or an illegal register was touched.</summary>
    public const uint ErrorSendIllegalVector = 1 << 5, ErrorReceiveIllegalVector = 1 << 6, ErrorIllegalRegister = 1 << 7;
}
