using Hospes.Virtio.FileSystem.Native;

namespace Hospes.Virtio.FileSystem;

/// <summary>How much of the host a guest can take through one shared folder.</summary>
/// <param name="Nodes">Files that it knows of at once; one takes 200 bytes and its name.</param>
/// <param name="Handles">Files and folders that it has open at once; each takes a descriptor.</param>
/// <param name="Descriptors">Further descriptors, kept for files that were used last.</param>
internal readonly record struct ShareLimits(int Nodes, int Handles, int Descriptors)
{
    private const int MostNodes = 1 << 20, MostKept = 1 << 14, FewestKept = 64, Parts = 8;

    /// <summary>Limits that leave most of the process's descriptors to others: each kind gets an eighth.</summary>
    public static ShareLimits OfProcess()
    {
        int part = (int)Math.Clamp(HostCalls.MostDescriptors() / Parts, FewestKept, MostKept);
        return new ShareLimits(MostNodes, part, part);
    }
}
