using System.Numerics;
using Hospes.Hypervisor.Kvm.Native;

namespace Hospes.Hypervisor.Kvm.Cpu;

/// <summary>Where a processor is: one thread a core, as many cores in one package as the guest may have (Intel SDM vol. 2A and AMD64 APM vol. 3, "CPUID").</summary>
internal static class Topology
{
    private const uint Intel = 0xB, Shared = 4, AmdShared = 0x8000_001D, AmdCores = 0x8000_0008, AmdPlace = 0x8000_001E;

    /// <summary>Sees to it that leaf 0xB is there with both of its levels, whatever the host's is.</summary>
    public static void AddLeaf(List<KvmCpuIdEntry> entries)
    {
        entries.RemoveAll(static entry => entry.Leaf == Intel);
        for (uint level = 0; level < 3; level++) entries.Add(new KvmCpuIdEntry { Leaf = Intel, Subleaf = level, Flags = KvmCpuIdEntry.SignificantSubleaf });
    }

    /// <summary>Makes an answer that of one processor.</summary>
    /// <param name="entry">The answer.</param>
    /// <param name="id">The processor's APIC id.</param>
    /// <param name="count">How many processors the guest may have.</param>
    public static void Place(ref KvmCpuIdEntry entry, uint id, uint count)
    {
        uint width = (uint)BitOperations.Log2(BitOperations.RoundUpToPowerOf2(count));
        switch (entry.Leaf)
        {
            case 0:
                entry.Eax = Math.Max(entry.Eax, Intel);
                break;
            case 1:
                const uint HyperThreading = 1 << 28;
                entry.Ebx = (entry.Ebx & 0xFFFF) | count << 16 | id << 24;
                entry.Edx = count > 1 ? entry.Edx | HyperThreading : entry.Edx & ~HyperThreading;
                break;
            case Shared when (entry.Eax & 0x1F) != 0:
                // Caches of the first and second level are a core's own, those above are the package's.
                uint level = entry.Eax >> 5 & 7, sharing = level >= 3 ? (1u << (int)width) - 1 : 0;
                entry.Eax = (entry.Eax & 0x3FFF) | sharing << 14 | ((1u << (int)width) - 1) << 26;
                break;
            case AmdShared when (entry.Eax & 0x1F) != 0:
                entry.Eax = (entry.Eax & 0x3FFF) | ((entry.Eax >> 5 & 7) >= 3 ? count - 1 : 0) << 14;
                break;
            case Intel:
                (entry.Eax, entry.Ebx, entry.Ecx, entry.Edx) = entry.Subleaf switch
                {
                    0 => (0u, 1u, 0x100u, id),
                    1 => (width, count, 0x201u, id),
                    _ => (0u, 0u, entry.Subleaf, id),
                };
                break;
            case AmdCores:
                // ECX is AMD's own, and reserved with Intel, where it is 0 already.
                if (entry.Ecx != 0) entry.Ecx = width << 12 | (count - 1);
                break;
            case AmdPlace:
                (entry.Eax, entry.Ebx, entry.Ecx) = (id, id & 0xFF, 0);
                break;
        }
    }
}
