using Hospes.Hypervisor.Soft.Interpret;

namespace Hospes.Hypervisor.Soft.Cpu;

/// <summary>Looks descriptors up in the GDT and LDT.</summary>
internal static unsafe class Descriptors
{
    private const ushort TableIndicator = 4;

    /// <summary>Where a selector's descriptor is; false when beyond its table's limit or the LDT is not usable.</summary>
    public static bool TryLocate(CpuState* s, ushort selector, int size, out ulong address)
    {
        uint offset = selector & 0xFFF8u;
        if ((selector & TableIndicator) != 0)
        {
            address = s->Ldtr.Base + offset;
            return s->Ldtr.IsUsable && (s->Ldtr.Selector & 0xFFFC) != 0 && offset + (uint)size - 1 <= s->Ldtr.Limit;
        }
        address = s->GdtBase + offset;
        return offset + (uint)size - 1 <= s->GdtLimit;
    }

    /// <summary>Reads a selector's descriptor; faults with the selector as error code when it is beyond its table.</summary>
    public static Descriptor Read(CpuState* s, ushort selector, Vector vector = Vector.GeneralProtection, int external = 0)
    {
        if (!TryLocate(s, selector, 8, out ulong address)) Fault.Raise(s, vector, (selector & 0xFFFC) | external);
        return new Descriptor(SoftVcpu.From(s).Mmu.ReadSystem<ulong>(address));
    }

    /// <summary>Bits 32 to 63 of the base or offset of a 16-byte descriptor.</summary>
    public static ulong ReadUpper(CpuState* s, ushort selector)
    {
        if (!TryLocate(s, selector, 16, out ulong address)) Fault.GeneralProtection(s, selector & 0xFFFC);
        ulong upper = SoftVcpu.From(s).Mmu.ReadSystem<ulong>(address + 8);
        if ((upper >> 40 & 0x1F) != 0) Fault.GeneralProtection(s, selector & 0xFFFC);
        return upper << 32;
    }

    /// <summary>Sets the accessed bit of a segment's descriptor in memory, if it is not set.</summary>
    public static void SetAccessed(CpuState* s, ushort selector, ref Descriptor descriptor)
    {
        if ((descriptor.Raw >> 40 & 1) != 0) return;
        descriptor = new Descriptor(descriptor.Raw | 1UL << 40);
        Replace(s, selector, descriptor);
    }

    /// <summary>Writes the access byte of a descriptor back.</summary>
    public static void Replace(CpuState* s, ushort selector, Descriptor descriptor)
    {
        if (TryLocate(s, selector, 8, out ulong address)) SoftVcpu.From(s).Mmu.WriteSystem(address + 5, (byte)(descriptor.Raw >> 40));
    }
}
