namespace Hospes.Storage.Qcow2;

/// <summary>
/// Which clusters of the file hold tables. A guest's data must never be written there, whatever a damaged or forged entry says:
/// else a guest could write the header and with it the name of a backing file.
/// </summary>
/// <remarks>Changed only while no request is under way, read by all of them.</remarks>
internal sealed class MetadataMap(int clusterBits)
{
    private readonly HashSet<long> _clusters = [];

    /// <summary>Adds the clusters of a stretch of the file.</summary>
    /// <returns>False when one of them was there already: two tables overlap.</returns>
    public bool Add(long offset, long length)
    {
        bool alone = true;
        for (long cluster = offset >> clusterBits; cluster <= (offset + length - 1) >> clusterBits; cluster++) alone &= _clusters.Add(cluster);
        return alone;
    }

    public void Remove(long cluster) => _clusters.Remove(cluster);

    public bool Contains(long cluster) => _clusters.Contains(cluster);

    /// <summary>True when a stretch of the file touches a table.</summary>
    public bool Touches(long offset, long length)
    {
        for (long cluster = offset >> clusterBits; cluster <= (offset + length - 1) >> clusterBits; cluster++)
        {
            if (_clusters.Contains(cluster)) return true;
        }

        return false;
    }
}
