using Hospes.Domains.Configuration;

namespace Hospes.Domains.Drivers;

/// <summary>Says where threads of other processes run (sched_setaffinity(2)). Thread-safe.</summary>
public interface IThreadPlacement
{
    /// <summary>Has a thread run on some processors only.</summary>
    /// <param name="thread">Its number.</param>
    /// <param name="processors">The processors.</param>
    /// <returns>What the kernel says against it, or null. A thread that is gone is no failure.</returns>
    string? Place(int thread, ProcessorSet processors);
}
