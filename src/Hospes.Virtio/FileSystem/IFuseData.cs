namespace Hospes.Virtio.FileSystem;

/// <summary>The data of the request that is being served, in the guest's memory.</summary>
internal interface IFuseData
{
    /// <summary>How many bytes a reply may have behind its header.</summary>
    uint Room { get; }

    /// <summary>Fills the reply, behind its header, from a file.</summary>
    /// <returns>How many bytes came, or a negative error number.</returns>
    long FromFile(int file, long position, uint length);

    /// <summary>Writes what stands behind the arguments of a write to a file.</summary>
    /// <returns>How many bytes went, or a negative error number.</returns>
    long ToFile(int file, long position, uint length, bool appends);
}
