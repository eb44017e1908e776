using Hospes.Hypervisor;

namespace Hospes.Conformance;

/// <summary>
/// Compares two states bit for bit, but for what two processors may differ in. Every such difference stands here with its reason; docs/kvm.md lists them.
/// </summary>
internal static class StateDifferences
{
    /// <summary>Counters and what is derived from them: they run on.</summary>
    private static readonly uint[] Clocks = [0x3B, 0x6E0];

    /// <summary>IA32_MISC_ENABLE and IA32_ARCH_CAPABILITIES tell of the maker's own features; IA32_BIOS_SIGN_ID is the host's microcode.</summary>
    private static readonly uint[] Makers = [0x1A0, 0x10A, 0x8B, 0xCE];

    /// <summary>IA32_MTRR_DEF_TYPE: KVM resets it to off, the software processor to what firmware would leave, as no firmware runs.</summary>
    private const uint MemoryTypes = 0x2FF;

    /// <summary>Version (the number of local vectors), current count of the timer, on KVM the entry for corrected machine checks behind the others, and the
    /// arbitration priority, which KVM does not keep: no processor since the Pentium has it (Intel SDM vol. 3, 12.6.2.4).</summary>
    private static readonly int[] ApicRegisters = [0x30, 0x390, 0x2F0, 0x90];

    private const uint Accessed = 1, SegmentIsCodeOrData = 1 << 4, TaskOf32Bits = 1 << 3;

    /// <summary>Where a processor starts after a reset. RDX then holds its signature, which is the model's (Intel SDM vol. 3, table 10-1).</summary>
    private const ulong ResetVector = 0xFFF0;

    /// <summary>Which fields differ, as words with both values.</summary>
    public static List<string> Between(VcpuState one, VcpuState other)
    {
        var found = new List<string>();
        // An AMD processor that shuts down leaves a monitor without its state (AMD64 APM vol. 2, 15.14.3), and KVM resets it.
        if (one.Activity == VcpuActivity.Shutdown && other.Activity == VcpuActivity.Shutdown) return found;
        bool reset = one.Rip == ResetVector && other.Rip == ResetVector;
        for (int i = 0; i < 16; i++)
        {
            if (i != VcpuState.Rdx || !reset) Compare($"general {i}", one.General[i], other.General[i]);
        }
        Compare("RIP", one.Rip, other.Rip);
        Compare("RFLAGS", one.Rflags, other.Rflags);
        for (int i = 0; i < 6; i++) Segment($"segment {i}", one.Segments[i], other.Segments[i]);
        Segment("LDTR", one.Ldtr, other.Ldtr);
        Segment("TR", one.Tr, other.Tr);
        Compare("GDT base", one.GdtBase, other.GdtBase);
        Compare("GDT limit", one.GdtLimit, other.GdtLimit);
        Compare("IDT base", one.IdtBase, other.IdtBase);
        Compare("IDT limit", one.IdtLimit, other.IdtLimit);
        Compare("CR0", one.Cr0, other.Cr0);
        Compare("CR2", one.Cr2, other.Cr2);
        Compare("CR3", one.Cr3, other.Cr3);
        Compare("CR4", one.Cr4, other.Cr4);
        Compare("CR8", one.Cr8, other.Cr8);
        Compare("EFER", one.Efer, other.Efer);
        Compare("XCR0", one.Xcr0, other.Xcr0);
        for (int i = 0; i < 6; i++) Compare($"debug {i}", one.Debug[i], other.Debug[i]);
        foreach ((uint msr, ulong value) in one.Msrs)
        {
            // A register that only one of them has is left out: what is there depends on the host.
            if (Clocks.Contains(msr) || Makers.Contains(msr) || msr == MemoryTypes || !other.Msrs.TryGetValue(msr, out ulong second)) continue;
            Compare($"MSR {msr:x}", value, second);
        }
        for (int i = 0; i < VcpuState.ExtendedAreaSize; i += 8)
            Compare($"extended area {i}", BitConverter.ToUInt64(one.ExtendedArea, i), BitConverter.ToUInt64(other.ExtendedArea, i));
        for (int i = 0x20; i < 0x3F0; i += 16)
        {
            if (!ApicRegisters.Contains(i)) Compare($"APIC {i:x}", BitConverter.ToUInt32(one.LocalApic, i), BitConverter.ToUInt32(other.LocalApic, i));
        }
        Compare("activity", (ulong)one.Activity, (ulong)other.Activity);
        Compare("shadow", one.InterruptShadow ? 1u : 0, other.InterruptShadow ? 1u : 0);
        Compare("NMI pending", one.NmiPending ? 1u : 0, other.NmiPending ? 1u : 0);
        Compare("NMI blocked", one.NmiBlocked ? 1u : 0, other.NmiBlocked ? 1u : 0);
        return found;

        void Compare(string name, ulong first, ulong second)
        {
            if (first != second) found.Add($"{name}: {first:x} and {second:x}");
        }

        void Segment(string name, SegmentState first, SegmentState second)
        {
            Compare($"{name} selector", first.Selector, second.Selector);
            // After a reset, AMD's side of KVM has segments that nobody accessed, and a task register of 16 bits until one is loaded.
            uint mask = uint.MaxValue;
            if (reset && (first.Attributes & SegmentIsCodeOrData) != 0) mask &= ~Accessed;
            if (name == "TR" && first.Selector == 0 && second.Selector == 0) mask &= ~TaskOf32Bits;
            Compare($"{name} attributes", first.Attributes & mask, second.Attributes & mask);
            Compare($"{name} limit", first.Limit, second.Limit);
            Compare($"{name} base", first.Base, second.Base);
        }
    }
}
