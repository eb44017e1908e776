namespace Hospes.Hypervisor.Soft.Cpu;

/// <summary>Numbers of model-specific registers (Intel SDM vol. 4, table 2-2).</summary>
internal static class MsrNumbers
{
    public const uint Tsc = 0x10, ApicBase = 0x1B, FeatureControl = 0x3A, TscAdjust = 0x3B, SpecCtrl = 0x48, PredCmd = 0x49, BiosSignature = 0x8B,
        PlatformInfo = 0xCE, MtrrCap = 0xFE, ArchCapabilities = 0x10A, SysenterCs = 0x174, SysenterEsp = 0x175, SysenterEip = 0x176, McgCap = 0x179,
        McgStatus = 0x17A, MiscEnable = 0x1A0, DebugCtl = 0x1D9, MtrrPhysBase0 = 0x200, MtrrPhysLast = 0x20F, MtrrFix64K = 0x250, MtrrFix16K80000 = 0x258,
        MtrrFix16KA0000 = 0x259, MtrrFix4KFirst = 0x268, MtrrFix4KLast = 0x26F, Pat = 0x277, MtrrDefType = 0x2FF, TscDeadline = 0x6E0,
        X2ApicFirst = 0x800, X2ApicLast = 0x8FF, Xss = 0xDA0, Efer = 0xC0000080, Star = 0xC0000081, Lstar = 0xC0000082, Cstar = 0xC0000083,
        Fmask = 0xC0000084, FsBase = 0xC0000100, GsBase = 0xC0000101, KernelGsBase = 0xC0000102, TscAux = 0xC0000103;
}
