using System.Runtime.InteropServices;

namespace Hospes.Hypervisor.Kvm.Native;

// The structures of Linux' uapi headers linux/kvm.h and asm/kvm.h (x86), field by field.

[StructLayout(LayoutKind.Sequential)]
internal struct KvmMemoryRegion
{
    public uint Slot, Flags;
    public ulong GuestAddress, Size, HostAddress;

    public const uint LogDirtyPages = 1;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct KvmEnableCapability
{
    public uint Capability, Flags;
    public fixed ulong Arguments[4];
    public fixed byte Padding[64];
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct KvmMessage
{
    public uint AddressLow, AddressHigh, Data, Flags, Device;
    public fixed byte Padding[12];
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct KvmRoute
{
    public uint Gsi, Type, Flags, Padding;
    public uint AddressLow, AddressHigh, Data, Device;
    public fixed uint Rest[4];

    public const uint TypeMessage = 2;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct KvmIoEventFd
{
    public ulong DataMatch, Address;
    public uint Length;
    public int File;
    public uint Flags;
    public fixed byte Padding[36];
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct KvmIrqFd
{
    public int File;
    public uint Gsi, Flags;
    public int ResampleFile;
    public fixed byte Padding[16];

    public const uint Deassign = 1;
}

[StructLayout(LayoutKind.Sequential)]
internal struct KvmDirtyLog
{
    public uint Slot, Padding;
    public nint Bitmap;
}

[StructLayout(LayoutKind.Sequential)]
internal struct KvmClearDirtyLog
{
    public uint Slot, Pages;
    public ulong FirstPage;
    public nint Bitmap;
}

[StructLayout(LayoutKind.Sequential)]
internal struct KvmDirtyEntry
{
    public uint Flags, Slot;
    public ulong Offset;

    public const uint Dirty = 1, Reset = 2;
}

[StructLayout(LayoutKind.Sequential)]
internal struct KvmCpuIdEntry
{
    public uint Leaf, Subleaf, Flags, Eax, Ebx, Ecx, Edx;
    private readonly uint _padding0, _padding1, _padding2;

    public const uint SignificantSubleaf = 1;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct KvmRegisters
{
    // In the kernel's order: RAX, RBX, RCX, RDX, RSI, RDI, RSP, RBP, R8 to R15.
    public fixed ulong General[16];
    public ulong Rip, Rflags;
}

[StructLayout(LayoutKind.Sequential)]
internal struct KvmSegment
{
    public ulong Base;
    public uint Limit;
    public ushort Selector;
    public byte Type, Present, Dpl, Db, S, L, G, Avl, Unusable, Padding;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct KvmTable
{
    public ulong Base;
    public ushort Limit;
    public fixed ushort Padding[3];
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct KvmSpecialRegisters
{
    public KvmSegment Cs, Ds, Es, Fs, Gs, Ss, Tr, Ldt;
    public KvmTable Gdt, Idt;
    public ulong Cr0, Cr2, Cr3, Cr4, Cr8, Efer, ApicBase;
    public fixed ulong InterruptBitmap[4];
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct KvmDebugRegisters
{
    public fixed ulong Addresses[4];
    public ulong Dr6, Dr7, Flags;
    public fixed ulong Reserved[9];
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct KvmEvents
{
    public byte ExceptionInjected, ExceptionNumber, ExceptionHasCode, ExceptionPending;
    public uint ExceptionCode;
    public byte InterruptInjected, InterruptNumber, InterruptSoft, InterruptShadow;
    public byte NmiInjected, NmiPending, NmiMasked, NmiPadding;
    public uint SipiVector, Flags;
    public fixed byte Rest[40];

    public const uint ValidNmiPending = 1, ValidShadow = 4;
    public const byte ShadowMovSs = 1, ShadowSti = 2;
}

[StructLayout(LayoutKind.Sequential)]
internal unsafe struct KvmExtendedControl
{
    public uint Count, Flags;
    public fixed byte Registers[16 * 16];
    public fixed ulong Padding[16];
}

/// <summary>The head of <c>struct kvm_run</c>, the page that a vCPU shares with its monitor.</summary>
[StructLayout(LayoutKind.Explicit, Size = 2352)]
internal unsafe struct KvmRun
{
    [FieldOffset(0)] public byte RequestWindow;
    [FieldOffset(1)] public byte ImmediateExit;
    [FieldOffset(8)] public KvmExit ExitReason;
    [FieldOffset(12)] public byte ReadyForInterrupt;
    [FieldOffset(13)] public byte InterruptFlag;

    // KVM_EXIT_IO
    [FieldOffset(32)] public byte IoIsOut;
    [FieldOffset(33)] public byte IoSize;
    [FieldOffset(34)] public ushort IoPort;
    [FieldOffset(36)] public uint IoCount;
    [FieldOffset(40)] public ulong IoOffset;

    // KVM_EXIT_MMIO
    [FieldOffset(32)] public ulong MmioAddress;
    [FieldOffset(40)] public fixed byte MmioData[8];
    [FieldOffset(48)] public uint MmioLength;
    [FieldOffset(52)] public byte MmioIsWrite;

    // KVM_EXIT_IOAPIC_EOI
    [FieldOffset(32)] public byte EndedVector;

    // KVM_EXIT_INTERNAL_ERROR and KVM_EXIT_FAIL_ENTRY
    [FieldOffset(32)] public uint SubError;
    [FieldOffset(32)] public ulong EntryFailure;
}
