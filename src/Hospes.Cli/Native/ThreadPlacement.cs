using System.Runtime.InteropServices;
using Hospes.Domains.Configuration;
using Hospes.Domains.Drivers;

namespace Hospes.Cli.Native;

/// <summary>Says where threads run (sched_setaffinity(2)).</summary>
internal sealed partial class ThreadPlacement : IThreadPlacement
{
    /// <summary>errno(3): ESRCH, no such process.</summary>
    private const int NoProcess = 3;

    /// <summary>Sets come in words of the kernel.</summary>
    private const int Word = sizeof(ulong);

    public string? Place(int thread, ProcessorSet processors)
    {
        byte[] set = processors.ToBits(((processors.Last / (Word * 8)) + 1) * Word);
        if (SetAffinity(thread, (nuint)set.Length, set) == 0 || Marshal.GetLastPInvokeError() == NoProcess) return null;
        return Confinement.Reason();
    }

    // SAFETY: reads as many bytes of the set as it is told there are.
    [LibraryImport("libc", EntryPoint = "sched_setaffinity", SetLastError = true)]
    private static partial int SetAffinity(int thread, nuint length, [In] byte[] set);
}
