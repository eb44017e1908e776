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
}
