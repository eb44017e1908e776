using Hospes.Hypervisor.Soft.Cpu;

namespace Hospes.Hypervisor.Soft.Memory;

/// <summary>
/// The TLBs of one processor: one per <see cref="Privilege"/> and one that is never filled. Which entries hold something is
/// noted as they are filled, so that forgetting costs as much as there is to forget; pages that are global outlive a change of the address space.
/// </summary>
internal sealed unsafe class TlbTables
{
    // SAFETY: the tables lie in the state's own allocation (CpuArea), which the processor frees after this object's last use.

    public const int Tables = 4, NeverFilled = 3;

    private const byte InLocalList = 1, InGlobalList = 2, IsGlobal = 4;

    private readonly TlbEntry* _tables;
    private readonly byte[] _notes = new byte[NeverFilled * TlbEntry.Count];
    private readonly int[] _local = new int[NeverFilled * TlbEntry.Count], _global = new int[NeverFilled * TlbEntry.Count];
    private int _locals, _globals;

    public TlbTables(CpuState* state)
    {
        _tables = CpuArea.Tlb(state);
        for (int i = 0; i < Tables * TlbEntry.Count; i++) TlbEntry.Clear(_tables + i, i % TlbEntry.Count);
    }

    /// <summary>The first entry of a table.</summary>
    public TlbEntry* Table(int number) => _tables + number * TlbEntry.Count;

    /// <summary>The entry of a privilege for a linear address.</summary>
    public TlbEntry* Entry(Privilege privilege, ulong linear) => Table((int)privilege) + TlbEntry.Index(linear);

    /// <summary>Says that an entry is about to hold a page.</summary>
    public void Note(TlbEntry* entry, bool global)
    {
        int at = (int)(entry - _tables);
        ref byte note = ref _notes[at];
        if (global)
        {
            if ((note & InGlobalList) == 0) _global[_globals++] = at;
            note |= InGlobalList | IsGlobal;
        }
        else
        {
            if ((note & InLocalList) == 0) _local[_locals++] = at;
            note = (byte)((note & ~IsGlobal) | InLocalList);
        }
    }

    /// <summary>Forgets every page that is not global.</summary>
    public void ForgetLocal()
    {
        for (int i = 0; i < _locals; i++)
        {
            int at = _local[i];
            if ((_notes[at] & IsGlobal) == 0) TlbEntry.Clear(_tables + at, at % TlbEntry.Count);
            _notes[at] &= unchecked((byte)~InLocalList);
        }
        _locals = 0;
    }

    /// <summary>Forgets everything.</summary>
    public void ForgetAll()
    {
        ForgetLocal();
        for (int i = 0; i < _globals; i++)
        {
            int at = _global[i];
            TlbEntry.Clear(_tables + at, at % TlbEntry.Count);
            _notes[at] = 0;
        }
        _globals = 0;
    }

    /// <summary>Forgets one linear page in every table.</summary>
    public void Forget(ulong linear)
    {
        int index = TlbEntry.Index(linear);
        for (int table = 0; table < NeverFilled; table++) TlbEntry.Clear(Table(table) + index, index);
    }

    /// <summary>Takes write permission from every entry of a host page.</summary>
    public void Protect(ulong hostPage)
    {
        Protect(_local.AsSpan(0, _locals), hostPage);
        Protect(_global.AsSpan(0, _globals), hostPage);
    }

    private void Protect(ReadOnlySpan<int> entries, ulong hostPage)
    {
        foreach (int at in entries)
        {
            if (_tables[at].Host == hostPage) _tables[at].Write = TlbEntry.InvalidTag(at % TlbEntry.Count);
        }
    }
}
