namespace Hospes.Storage.Qcow2;

/// <summary>What a check found; the names are those of QEMU's ImageCheck (qapi/block-core.json).</summary>
public sealed record Qcow2CheckResult
{
    /// <summary>Contradictions that can destroy data when the image is written.</summary>
    public long Corruptions { get; set; }

    /// <summary>Clusters that count as used and that nothing uses.</summary>
    public long Leaks { get; set; }

    /// <summary>Parts that could not be checked.</summary>
    public long CheckErrors { get; set; }

    /// <summary>Contradictions that were there and were repaired.</summary>
    public long CorruptionsFixed { get; set; }

    /// <summary>Leaks that were there and were given back.</summary>
    public long LeaksFixed { get; set; }

    /// <summary>The end of the last cluster in use, in bytes.</summary>
    public long ImageEndOffset { get; set; }

    /// <summary>Clusters of the disk.</summary>
    public long TotalClusters { get; set; }

    /// <summary>Clusters of the disk that have space in the file.</summary>
    public long AllocatedClusters { get; set; }

    /// <summary>Clusters that do not follow the one before in the file.</summary>
    public long FragmentedClusters { get; set; }

    /// <summary>Compressed clusters.</summary>
    public long CompressedClusters { get; set; }

    /// <summary>What was found, in words; at most <see cref="MaxFindings"/>.</summary>
    public IReadOnlyList<string> Findings => _findings;

    /// <summary>Findings that are kept in words.</summary>
    public const int MaxFindings = 100;

    private readonly List<string> _findings = [];

    internal void Note(string finding)
    {
        if (_findings.Count < MaxFindings) _findings.Add(finding);
    }

    internal void Corrupt(string finding)
    {
        Corruptions++;
        Note(finding);
    }
}

/// <summary>What a check may change.</summary>
public enum RepairMode
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>Leaked clusters are given back. Cannot lose data.</summary>
    Leaks,

    /// <summary>Everything is made consistent. Entries that point to no place of the file are cleared; the clusters then read as the backing file's, or zeros.</summary>
    All,
}
