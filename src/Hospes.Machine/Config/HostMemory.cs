namespace Hospes.Machine;

/// <summary>How much memory the host has.</summary>
public static class HostMemory
{
    /// <summary>Bytes of memory that this process may use at most: the host's, or its container's limit.</summary>
    public static ulong Total => (ulong)GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
}
