namespace Hospes.Hypervisor;

/// <summary>Told of writes to guest memory that no virtual processor made; an engine that caches code listens.</summary>
public interface IMemoryObserver
{
    /// <summary>The bytes were just written by the host: a device, a builder, a debugger.</summary>
    /// <param name="address">The first guest-physical address.</param>
    /// <param name="size">How many bytes.</param>
    void HostWrote(ulong address, ulong size);

    /// <summary>A range was mapped.</summary>
    /// <param name="range">The new range.</param>
    void RangeMapped(MemoryRange range);

    /// <summary>Blocks of a range came or are about to go. Once this returns, no processor reaches blocks that went.</summary>
    /// <param name="range">A range with blocks.</param>
    /// <param name="address">The first block's guest-physical address.</param>
    /// <param name="size">Bytes of the blocks.</param>
    /// <param name="areThere">Whether they are there now.</param>
    void BlocksChanged(MemoryRange range, ulong address, ulong size, bool areThere);
}
