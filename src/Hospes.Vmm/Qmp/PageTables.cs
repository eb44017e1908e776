using System.Buffers.Binary;
using System.Text;
using Hospes.Hypervisor;

namespace Hospes.Vmm.Qmp;

/// <summary>
/// What a processor's page tables map (Intel SDM vol. 3, chapter 5), as QEMU's monitor for people shows it: stretches with the same rights. The
/// tables are the guest's: they are copied table by table, and no more than <see cref="MostTables"/> and <see cref="MostLines"/> are shown.
/// </summary>
internal sealed class PageTables
{
    private const int MostTables = 1 << 16, MostLines = 20_000, PageSize = 4096;
    private const ulong PagingOn = 1UL << 31, LargePages32 = 1 << 4, PhysicalExtension = 1 << 5, FiveLevels = 1 << 12, LongModeActive = 1 << 10;
    private const ulong Present = 1, Writable = 2, User = 4, Large = 1 << 7, Address = 0x000F_FFFF_FFFF_F000;

    private readonly GuestMemory _memory;
    private readonly StringBuilder _text = new();
    private readonly bool _isWide, _hasLarge32;
    private readonly int _levels;
    private ulong _start, _end, _rights;
    private int _tables, _lines;

    private PageTables(VcpuState state, GuestMemory memory)
    {
        _memory = memory;
        _isWide = (state.Cr4 & PhysicalExtension) != 0;
        _hasLarge32 = (state.Cr4 & LargePages32) != 0;
        _levels = (state.Efer & LongModeActive) != 0 ? (state.Cr4 & FiveLevels) != 0 ? 5 : 4 : _isWide ? 3 : 2;
    }

    /// <summary>Describes what a processor that is held maps.</summary>
    public static string Describe(Vcpu vcpu, GuestMemory memory)
    {
        var state = new VcpuState();
        if (vcpu.ReadState(state) != Status.Ok) return "";
        if ((state.Cr0 & PagingOn) == 0) return "PG disabled\r\n";
        var tables = new PageTables(state, memory);
        // The four entries of PAE's first table need only be aligned to 32 bytes (5.4.1).
        ulong root = tables._levels == 3 ? state.Cr3 & 0xFFFF_FFE0 : state.Cr3 & (tables._isWide ? Address : 0xFFFF_F000);
        tables.Walk(root, tables._levels, 0, Writable | User);
        tables.Finish();
        return tables._text.ToString();
    }

    private void Walk(ulong table, int level, ulong start, ulong rights)
    {
        int entrySize = _isWide ? 8 : 4;
        int count = _levels == 3 && level == 3 ? 4 : PageSize / entrySize;
        byte[] entries = new byte[count * entrySize];
        if (++_tables > MostTables || _lines >= MostLines || !_memory.TryRead(table, entries)) return;
        int shift = 12 + ((level - 1) * (_isWide ? 9 : 10));
        for (int i = 0; i < count; i++)
        {
            ulong entry = _isWide ? BinaryPrimitives.ReadUInt64LittleEndian(entries.AsSpan(i * 8)) : BinaryPrimitives.ReadUInt32LittleEndian(entries.AsSpan(i * 4));
            if ((entry & Present) == 0) continue;
            ulong at = Canonical(start + ((ulong)i << shift), level);
            // PAE's first table has no rights (5.4.1).
            ulong own = _levels == 3 && level == 3 ? rights : rights & entry;
            bool isLeaf = level == 1 || ((entry & Large) != 0 && (_isWide ? level <= 3 && _levels > level : _hasLarge32));
            if (isLeaf) Add(at, 1UL << shift, own);
            else Walk(entry & (_isWide ? Address : 0xFFFF_F000), level - 1, at, own);
        }
    }

    /// <summary>The upper half of long mode's addresses has all bits set above the highest that is translated.</summary>
    private ulong Canonical(ulong address, int level)
    {
        int bits = 12 + (9 * _levels);
        return _levels >= 4 && level == _levels && (address >> (bits - 1) & 1) != 0 ? address | ulong.MaxValue << bits : address;
    }

    private void Add(ulong start, ulong size, ulong rights)
    {
        if (start != _end || rights != _rights || _end == _start) Finish();
        if (_end == _start) (_start, _rights) = (start, rights);
        _end = start + size;
    }

    private void Finish()
    {
        if (_end != _start && _lines < MostLines)
        {
            _lines++;
            string width = _levels >= 4 ? "x16" : "x8";
            _text.Append(_start.ToString(width, null)).Append('-').Append(_end.ToString(width, null)).Append(' ').Append((_end - _start).ToString(width, null)).Append(' ')
                .Append((_rights & User) != 0 ? 'u' : '-').Append('r').Append((_rights & Writable) != 0 ? 'w' : '-').Append("\r\n");
        }
        _start = _end = 0;
    }
}
