using System.Runtime;
using Hospes.Cli.Native;
using Hospes.Vmm;

namespace Hospes.Cli.Run;

/// <summary>The memory that building a guest takes: unpacked kernels, several times the size of what is read, and the code that does it.</summary>
internal static class BuildMemory
{
    /// <summary>Gives it back to the host while the guest takes its first steps, since the process may run for months and need none of it.</summary>
    public static void ReleaseAt(DomainStage stage)
    {
        if (stage != DomainStage.Running) return;
        GCSettings.LargeObjectHeapCompactionMode = GCLargeObjectHeapCompactionMode.CompactOnce;
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
        CodePages.Release();
    }
}
