namespace Hospes.Hypervisor.Soft.Memory;

/// <summary>The writes of a trial run, so that they can be taken back and compared later.</summary>
internal sealed unsafe class WriteJournal
{
    // SAFETY: pointers are into guest RAM that stays mapped while the processor runs.

    private readonly List<Entry> _entries = [];
    private readonly Dictionary<nint, byte> _expected = [];

    /// <summary>The instruction that writes are noted for.</summary>
    public int Instruction { get; set; }

    /// <summary>Forgets everything.</summary>
    public void Clear() => _entries.Clear();

    /// <summary>Notes what is about to be overwritten, and with what.</summary>
    public void Note(byte* at, byte* source, int size)
    {
        for (int i = 0; i < size; i++) _entries.Add(new Entry((nint)(at + i), at[i], source[i], Instruction));
    }

    /// <summary>Takes all writes back.</summary>
    public void Undo()
    {
        for (int i = _entries.Count - 1; i >= 0; i--) *(byte*)_entries[i].At = _entries[i].Old;
    }

    /// <summary>The first byte that is not what the instructions before <paramref name="limit"/> left there; null when all are.</summary>
    public (nint At, byte Expected, byte Found)? Compare(int limit)
    {
        _expected.Clear();
        foreach (Entry entry in _entries)
        {
            if (entry.Instruction < limit) _expected[entry.At] = entry.New;
        }
        foreach ((nint at, byte value) in _expected)
        {
            if (*(byte*)at != value) return (at, value, *(byte*)at);
        }
        return null;
    }

    private readonly record struct Entry(nint At, byte Old, byte New, int Instruction);
}

/// <summary>Ends a trial run: the next instruction touches more than memory.</summary>
internal sealed class TrialEnd : Exception;
