using static Hospes.Hypervisor.Soft.Cpu.ControlRegisters;

namespace Hospes.Hypervisor.Soft.Memory;

/// <summary>What an access wants to do with a page.</summary>
internal enum Access
{
    Read,
    Write,
    Execute,
}

/// <summary>With whose rights an access is made; also the number of the TLB that caches it.</summary>
internal enum Privilege
{
    /// <summary>Supervisor, with SMAP enforced (EFLAGS.AC clear, or an implicit access).</summary>
    Supervisor = 0,

    /// <summary>CPL 3.</summary>
    User = 1,

    /// <summary>Supervisor with EFLAGS.AC set.</summary>
    SupervisorOpen = 2,
}

/// <summary>Page-fault error code bits (Intel SDM vol. 3, figure 4-12).</summary>
internal static class PageFaultBits
{
    public const int Present = 1, Write = 2, User = 4, Reserved = 8, Fetch = 16, ProtectionKey = 32;
}

/// <summary>The paging registers that a walk depends on.</summary>
internal readonly struct PagingContext(ulong cr0, ulong cr3, ulong cr4, ulong efer, uint pkru)
{
    public readonly ulong Cr3 = cr3;
    public readonly uint Pkru = pkru;

    public bool IsPaged => (cr0 & Cr0Pg) != 0;

    public bool WriteProtect => (cr0 & Cr0Wp) != 0;

    public bool HasGlobalPages => (cr4 & Cr4Pge) != 0;

    public bool IsLong => (efer & EferLma) != 0;

    public bool IsPae => (cr4 & Cr4Pae) != 0;

    public bool HasPse => (cr4 & Cr4Pse) != 0;

    public bool Smep => (cr4 & Cr4Smep) != 0;

    public bool Smap => (cr4 & Cr4Smap) != 0;

    public bool HasKeys => (cr4 & Cr4Pke) != 0 && IsLong;

    public bool NoExecute => (efer & EferNxe) != 0;
}

/// <summary>The result of a page walk.</summary>
internal struct Translation
{
    /// <summary>The physical address.</summary>
    public ulong Physical;

    /// <summary>Whether the same privilege may write without a further walk: allowed, and the leaf's dirty bit is set.</summary>
    public bool CanWrite;

    /// <summary>Whether the same privilege may read.</summary>
    public bool CanRead;

    /// <summary>Whether the same privilege may execute.</summary>
    public bool CanExecute;

    /// <summary>The leaf's global bit.</summary>
    public bool Global;

    /// <summary>The error code when the walk failed.</summary>
    public int Error;
}

/// <summary>Walks the page tables (Intel SDM vol. 3, chapter 4): 32-bit, PAE and 4-level paging.</summary>
internal static unsafe class PageWalk
{
    public const ulong P = 1, W = 2, U = 4, A = 0x20, D = 0x40, Ps = 0x80, G = 0x100, Nx = 1UL << 63;

    /// <summary>Physical address bits of the model (CPUID 0x80000008).</summary>
    public const int PhysicalBits = 46;

    public const ulong FrameMask = ((1UL << PhysicalBits) - 1) & ~0xFFFUL;

    public const ulong ReservedPhysical = ((1UL << 52) - 1) & ~((1UL << PhysicalBits) - 1);

    /// <summary>Translates a canonical linear address, setting accessed and dirty bits. Answers false with the error code in the translation.</summary>
    public static bool Walk(PhysicalMap map, in PagingContext context, ulong linear, Access access, Privilege privilege, out Translation result)
    {
        result = default;
        if (!context.IsPaged)
        {
            result.Physical = linear;
            result.CanRead = result.CanWrite = result.CanExecute = true;
            return true;
        }
        return context.IsPae ? Walk64(map, context, linear, access, privilege, ref result) : Walk32(map, context, linear, access, privilege, ref result);
    }

    private static bool Walk64(PhysicalMap map, in PagingContext context, ulong linear, Access access, Privilege privilege, ref Translation result)
    {
        int level = context.IsLong ? 4 : 3;
        ulong table = context.IsLong ? context.Cr3 & FrameMask : context.Cr3 & 0xFFFFFFE0;
        ulong rights = W | U;
        bool noExecute = false;
        Span<ulong> entryAt = stackalloc ulong[4];
        int depth = 0;
        ulong common = A;
        while (true)
        {
            int shift = 12 + 9 * (level - 1);
            ulong index = (linear >> shift) & (level == 3 && !context.IsLong ? 3UL : 0x1FF);
            ulong address = table + index * 8;
            ulong* slot = (ulong*)map.Locate(address, out _);
            ulong entry = slot == null ? ulong.MaxValue : Volatile.Read(ref *slot);
            if ((entry & P) == 0) return Refuse(context, access, privilege, 0, ref result);
            bool pdpte = level == 3 && !context.IsLong;
            ulong reserved = ReservedPhysical | (context.NoExecute ? 0 : Nx);
            if (pdpte) reserved |= 0x1E6 | Nx | (0x7FFUL << 52);
            else if (!context.IsLong) reserved |= 0x7FFUL << 52;
            bool leaf = level == 1 || (level <= 3 && !pdpte && (entry & Ps) != 0);
            if (level == 4) reserved |= Ps;
            if (leaf && level > 1) reserved |= ((1UL << shift) - 1) & ~0x1FFFUL;
            if ((entry & reserved) != 0) return Refuse(context, access, privilege, PageFaultBits.Present | PageFaultBits.Reserved, ref result);
            if (!pdpte)
            {
                rights &= entry;
                noExecute |= context.NoExecute && (entry & Nx) != 0;
            }
            entryAt[depth++] = address;
            if (!leaf)
            {
                if (!pdpte) common &= entry;
                table = entry & FrameMask;
                level--;
                continue;
            }
            uint key = (uint)(entry >> 59) & 15;
            if (!Check(context, access, privilege, rights, noExecute, key, ref result)) return false;
            bool isSet = (common & entry & A) != 0 && (access != Access.Write || (entry & D) != 0);
            if (!isSet && !SetAccessed64(map, entryAt[..depth], access == Access.Write, pdptes: !context.IsLong)) return Refuse(context, access, privilege, 0, ref result);
            ulong mask = (1UL << shift) - 1;
            result.Physical = (entry & FrameMask & ~mask) | (linear & mask);
            result.CanWrite &= access == Access.Write || (entry & D) != 0;
            result.Global = (entry & G) != 0;
            return true;
        }
    }

    private static bool Walk32(PhysicalMap map, in PagingContext context, ulong linear, Access access, Privilege privilege, ref Translation result)
    {
        ulong directory = (context.Cr3 & 0xFFFFF000) + ((linear >> 22) & 0x3FF) * 4;
        uint* slot = (uint*)map.Locate(directory, out _);
        uint entry = slot == null ? uint.MaxValue : Volatile.Read(ref *slot);
        if ((entry & P) == 0) return Refuse(context, access, privilege, 0, ref result);
        ulong rights = (W | U) & entry;
        if (context.HasPse && (entry & Ps) != 0)
        {
            // PSE-36: bits 13-20 of the entry are physical bits 32-39; bit 21 is reserved.
            if ((entry & (1u << 21)) != 0) return Refuse(context, access, privilege, PageFaultBits.Present | PageFaultBits.Reserved, ref result);
            if (!Check(context, access, privilege, rights, false, 0, ref result)) return false;
            SetBits32(slot, access == Access.Write ? (uint)(A | D) : (uint)A);
            result.Physical = (entry & 0xFFC00000) | ((ulong)((entry >> 13) & 0xFF) << 32) | (linear & 0x3FFFFF);
            result.CanWrite &= access == Access.Write || (entry & D) != 0;
            result.Global = (entry & G) != 0;
            return true;
        }
        uint* leafSlot = (uint*)map.Locate((entry & 0xFFFFF000) + ((linear >> 12) & 0x3FF) * 4, out _);
        uint leaf = leafSlot == null ? uint.MaxValue : Volatile.Read(ref *leafSlot);
        if ((leaf & P) == 0) return Refuse(context, access, privilege, 0, ref result);
        rights &= leaf;
        if (!Check(context, access, privilege, rights, false, 0, ref result)) return false;
        SetBits32(slot, (uint)A);
        SetBits32(leafSlot, access == Access.Write ? (uint)(A | D) : (uint)A);
        result.Physical = (leaf & 0xFFFFF000) | (linear & 0xFFF);
        result.CanWrite &= access == Access.Write || (leaf & D) != 0;
        result.Global = (leaf & G) != 0;
        return true;
    }

    /// <summary>The rights of all levels against the access (SDM vol. 3, 4.6 and 4.6.2 for protection keys).</summary>
    public static bool Check(in PagingContext context, Access access, Privilege privilege, ulong rights, bool noExecute, uint key, ref Translation result)
    {
        bool userPage = (rights & U) != 0, user = privilege == Privilege.User;
        bool dataAllowed = user ? userPage : !(userPage && context.Smap && privilege == Privilege.Supervisor);
        result.CanRead = dataAllowed;
        result.CanWrite = dataAllowed && ((rights & W) != 0 || (!user && !context.WriteProtect));
        result.CanExecute = !noExecute && (user ? userPage : !(userPage && context.Smep));
        bool keyRefuses = false;
        if (context.HasKeys && userPage)
        {
            uint bits = context.Pkru >> (int)(key * 2);
            bool keyRead = (bits & 1) == 0;
            bool keyWrite = keyRead && ((bits & 2) == 0 || (!user && !context.WriteProtect));
            keyRefuses = access switch { Access.Read => !keyRead && result.CanRead, Access.Write => !keyWrite && result.CanWrite, _ => false };
            result.CanRead &= keyRead;
            result.CanWrite &= keyWrite;
        }
        bool allowed = access switch { Access.Read => result.CanRead, Access.Write => result.CanWrite, _ => result.CanExecute };
        return allowed || Refuse(context, access, privilege, PageFaultBits.Present | (keyRefuses ? PageFaultBits.ProtectionKey : 0), ref result);
    }

    private static bool Refuse(in PagingContext context, Access access, Privilege privilege, int bits, ref Translation result)
    {
        if (access == Access.Write) bits |= PageFaultBits.Write;
        if (privilege == Privilege.User) bits |= PageFaultBits.User;
        // The fetch bit tells only where fetches can fault of their own (SDM vol. 3, 4.7).
        if (access == Access.Execute && ((context.IsPae && context.NoExecute) || context.Smep)) bits |= PageFaultBits.Fetch;
        result.Error = bits;
        return false;
    }

    private static bool SetAccessed64(PhysicalMap map, ReadOnlySpan<ulong> entries, bool write, bool pdptes)
    {
        for (int i = pdptes ? 1 : 0; i < entries.Length; i++)
        {
            ulong* slot = (ulong*)map.Locate(entries[i], out PageInfo* page);
            // Tables outside RAM read as all ones and keep no bits.
            if (slot == null) continue;
            ulong bits = write && i == entries.Length - 1 ? A | D : A;
            ulong old = Volatile.Read(ref *slot);
            while ((old & bits) != bits)
            {
                if ((old & P) == 0) return false;
                ulong seen = Interlocked.CompareExchange(ref *slot, old | bits, old);
                if (seen == old)
                {
                    map.MarkDirty(entries[i]);
                    map.InvalidateCode(page, (uint)(entries[i] & 0xFFF), 8);
                    break;
                }
                old = seen;
            }
        }
        return true;
    }

    private static void SetBits32(uint* slot, uint bits)
    {
        if (slot != null && (Volatile.Read(ref *slot) & bits) != bits) Interlocked.Or(ref *slot, bits);
    }
}
