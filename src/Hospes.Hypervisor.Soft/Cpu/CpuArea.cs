using System.Runtime.InteropServices;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Cpu;

/// <summary>
/// The allocation that holds a processor's state and, at fixed distances behind it, what emitted code reaches through the same base: the TLBs
/// and the tables of indirect branches.
/// </summary>
internal static unsafe partial class CpuArea
{
    // SAFETY: one block of native memory, zeroed, freed by the processor that allocated it.

    /// <summary>Distance of the TLBs from the state.</summary>
    public const int TlbOffset = 4096;

    /// <summary>Bytes of one TLB.</summary>
    public const int TlbBytes = TlbEntry.Count * TlbEntry.Bytes;

    /// <summary>Distance of the first table of indirect branches.</summary>
    public const int JumpsOffset = TlbOffset + TlbTables.Tables * TlbBytes;

    /// <summary>Entries of one table of indirect branches, 16 bytes each: RIP, and where its code is.</summary>
    public const int JumpBits = 14, JumpCount = 1 << JumpBits, JumpBytes = JumpCount * 16;

    /// <summary>How many tables of indirect branches there are: one for each mode that code is translated in.</summary>
    public const int JumpTables = 6;

    /// <summary>Transparent huge pages of the host: tables that are read at random all the time would be missed in the host's TLB as well.</summary>
    private const int HugePage = 2 << 20, AdviseHugePage = 14;

    private const int Bytes = (JumpsOffset + JumpTables * JumpBytes + HugePage - 1) & ~(HugePage - 1);

    /// <summary>Allocates a state, all zero.</summary>
    public static CpuState* Allocate()
    {
        var state = (CpuState*)NativeMemory.AlignedAlloc(Bytes, HugePage);
        // A refusal costs nothing.
        _ = Advise(state, Bytes, AdviseHugePage);
        // The tables of branches are cleared by the translator that uses them; untouched pages cost nothing.
        NativeMemory.Clear(state, TlbOffset);
        return state;
    }

    /// <summary>Frees what <see cref="Allocate"/> gave.</summary>
    public static void Free(CpuState* state) => NativeMemory.AlignedFree(state);

    [LibraryImport("libc", EntryPoint = "madvise")]
    private static partial int Advise(void* address, nuint length, int advice);

    /// <summary>The TLBs of a state.</summary>
    public static TlbEntry* Tlb(CpuState* state) => (TlbEntry*)((byte*)state + TlbOffset);
}
