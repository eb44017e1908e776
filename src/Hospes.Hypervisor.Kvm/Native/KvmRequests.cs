namespace Hospes.Hypervisor.Kvm.Native;

/// <summary>Numbers of KVM's requests (Linux, <c>include/uapi/linux/kvm.h</c>; described in Documentation/virt/kvm/api.rst).</summary>
internal static class KvmRequests
{
    /// <summary>The one version of the interface that there is since 2007.</summary>
    public const int ApiVersion = 12;

    // On the system.
    public const uint GetApiVersion = 0xAE00, CreateVm = 0xAE01, GetMsrIndexList = 0xC004AE02, CheckExtension = 0xAE03, GetVcpuMapSize = 0xAE04,
        GetSupportedCpuId = 0xC008AE05;

    // On a VM.
    public const uint CreateVcpu = 0xAE41, GetDirtyLog = 0x4010AE42, SetUserMemoryRegion = 0x4020AE46, SetTssAddress = 0xAE47,
        SetIdentityMapAddress = 0x4008AE48, SetRouting = 0x4008AE6A, IrqFd = 0x4020AE76, IoEventFd = 0x4040AE79, EnableCapability = 0x4068AEA3,
        SignalMessage = 0x4020AEA5, ClearDirtyLog = 0xC018AEC0, ResetDirtyRings = 0xAEC7;

    // On a vCPU.
    public const uint Run = 0xAE80, GetRegisters = 0x8090AE81, SetRegisters = 0x4090AE82, GetSpecialRegisters = 0x8138AE83,
        SetSpecialRegisters = 0x4138AE84, Interrupt = 0x4004AE86, GetMsrs = 0xC008AE88, SetMsrs = 0x4008AE89, GetLocalApic = 0x8400AE8E,
        SetLocalApic = 0x4400AE8F, SetCpuId = 0x4008AE90, GetActivity = 0x8004AE98, SetActivity = 0x4004AE99, GetEvents = 0x8040AE9F,
        SetEvents = 0x4040AEA0, GetDebugRegisters = 0x8080AEA1, SetDebugRegisters = 0x4080AEA2, GetTscKhz = 0xAEA3, GetExtendedArea = 0x9000AEA4,
        SetExtendedArea = 0x5000AEA5, GetExtendedControl = 0x8188AEA6, SetExtendedControl = 0x4188AEA7;
}

/// <summary>Numbers of KVM's capabilities, as <c>KVM_CHECK_EXTENSION</c> takes them.</summary>
internal enum KvmExtension
{
    MpState = 14,
    UserMemory = 3,
    ExtendedCpuId = 7,
    MemorySlots = 10,
    IrqRouting = 25,
    IrqFd = 32,
    IoEventFd = 36,
    VcpuEvents = 41,
    DebugRegisters = 50,
    ExtendedArea = 55,
    ExtendedControl = 56,
    TscControl = 60,
    MaxVcpus = 66,
    TscDeadline = 72,
    SignalMessage = 77,
    SplitIrqChip = 121,
    IoEventFdAnyLength = 122,
    X2ApicApi = 129,
    ImmediateExit = 136,
    ManualDirtyLog = 168,
    StealTime = 187,
    DirtyRing = 192,
    DirtyRingOrdered = 223,
}

/// <summary>Why <c>KVM_RUN</c> came back.</summary>
internal enum KvmExit : uint
{
    Unknown = 0,
    Io = 2,
    Debug = 4,
    Halt = 5,
    Mmio = 6,
    WindowOpen = 7,
    Shutdown = 8,
    FailEntry = 9,
    Interrupted = 10,
    InternalError = 17,
    EndOfInterrupt = 26,
    DirtyRingFull = 31,
}
