using Hospes.Hypervisor;

namespace Hospes.Builder.Boot;

/// <summary>
/// The registers at entry: Xen's "x86/HVM direct boot ABI" (docs/misc/pvh.pandoc), Linux' "64-bit Boot Protocol"
/// (Documentation/arch/x86/boot.rst), and Multiboot Specification 0.6.96, 3.2 "Machine state".
/// </summary>
internal static class EntryState
{
    /// <summary>EAX of a Multiboot entry.</summary>
    public const uint MultibootMagic = 0x2BADB002;

    private const ulong ProtectionEnable = 1, ExtensionType = 1 << 4, Paging = 1UL << 31;
    private const ulong PhysicalAddressExtension = 1 << 5;
    private const ulong LongModeEnable = 1 << 8, LongModeActive = 1 << 10;

    /// <summary>Reset value of RFLAGS: only the bit that always reads 1. IF, TF and VM are clear, as every protocol asks.</summary>
    private const ulong Flags = 2;

    public static void Apply(BootState boot, VcpuState state)
    {
        bool longMode = boot.Protocol == BootProtocol.Linux64;
        Array.Clear(state.General);
        Array.Clear(state.Debug);
        state.Debug[4] = 0xFFFF0FF0;
        state.Debug[5] = 0x400;
        state.Rip = boot.Entry;
        state.Rflags = Flags;
        for (int i = 0; i < state.Segments.Length; i++)
        {
            state.Segments[i] = new SegmentState { Selector = BootDescriptors.DataSelector, Attributes = BootDescriptors.Data, Limit = uint.MaxValue };
        }
        state.Segments[1] = new SegmentState { Selector = BootDescriptors.CodeSelector, Attributes = longMode ? BootDescriptors.Code64 : BootDescriptors.Code32, Limit = uint.MaxValue };
        state.Ldtr = new SegmentState { Attributes = BootDescriptors.Unusable };
        state.Tr = new SegmentState { Selector = BootDescriptors.TaskSelector, Attributes = BootDescriptors.Task, Limit = BootDescriptors.TaskLimit };
        state.GdtBase = boot.GdtAddress;
        state.GdtLimit = BootDescriptors.TableSize - 1;
        state.IdtBase = 0;
        state.IdtLimit = 0;
        state.Cr0 = ProtectionEnable | ExtensionType | (longMode ? Paging : 0);
        state.Cr2 = 0;
        state.Cr3 = boot.PageTables;
        state.Cr4 = longMode ? PhysicalAddressExtension : 0;
        state.Cr8 = 0;
        state.Efer = longMode ? LongModeEnable | LongModeActive : 0;
        state.Activity = VcpuActivity.Running;
        state.InterruptShadow = state.NmiPending = state.NmiBlocked = false;
        switch (boot.Protocol)
        {
            case BootProtocol.Pvh:
                state.General[VcpuState.Rbx] = boot.StartInfo;
                break;
            case BootProtocol.Multiboot:
                state.General[VcpuState.Rax] = MultibootMagic;
                state.General[VcpuState.Rbx] = boot.StartInfo;
                break;
            default:
                state.General[VcpuState.Rsi] = boot.StartInfo;
                break;
        }
    }
}
