using System.Runtime.CompilerServices;
using Hospes.Hypervisor.Soft.Cpu;

namespace Hospes.Hypervisor.Soft.Emit;

/// <summary>Distances of the state's fields that emitted code uses.</summary>
internal static unsafe class StateOffset
{
    public static readonly int Windows, Compared, Events, SystemFlags, InterruptWaiting, InterruptShadow, KernelGsBase, FirstSelector, Rip, NativeFlags, NativeTarget, VectorsLoaded, Mxcsr, HostMxcsr, Scratch, FsBase, GsBase,
        Mode, Tlb, Cpl, Cs, Ss, Cr4, Efer, Star, Lstar, Fmask;

    /// <summary>The selector of a segment register, numbered as instructions do.</summary>
    public static int Selector(int segment) => FirstSelector + segment * sizeof(SegmentRegister);

    static StateOffset()
    {
        Unsafe.SkipInit(out CpuState s);
        byte* start = (byte*)&s;
        Windows = (int)((byte*)s.Windows - start);
        Compared = (int)((byte*)&s.Compared - start);
        Events = (int)((byte*)&s.Events - start);
        SystemFlags = (int)((byte*)&s.SystemFlags - start);
        InterruptWaiting = (int)(&s.InterruptWaiting - start);
        InterruptShadow = (int)(&s.InterruptShadow - start);
        KernelGsBase = (int)((byte*)&s.KernelGsBase - start);
        FirstSelector = (int)((byte*)&s.Es.Selector - start);
        Rip = (int)((byte*)&s.Rip - start);
        NativeFlags = (int)((byte*)&s.NativeFlags - start);
        NativeTarget = (int)((byte*)&s.NativeTarget - start);
        VectorsLoaded = (int)(&s.VectorsLoaded - start);
        Mxcsr = (int)((byte*)&s.Mxcsr - start);
        HostMxcsr = (int)((byte*)&s.HostMxcsr - start);
        Scratch = (int)(s.Scratch - start);
        FsBase = (int)((byte*)&s.Fs.Base - start);
        GsBase = (int)((byte*)&s.Gs.Base - start);
        Mode = (int)((byte*)&s.Mode - start);
        Tlb = (int)((byte*)&s.Tlb - start);
        Cpl = (int)(&s.Cpl - start);
        Cs = (int)((byte*)&s.Cs - start);
        Ss = (int)((byte*)&s.Ss - start);
        Cr4 = (int)((byte*)&s.Cr4 - start);
        Efer = (int)((byte*)&s.Efer - start);
        Star = (int)((byte*)&s.Star - start);
        Lstar = (int)((byte*)&s.Lstar - start);
        Fmask = (int)((byte*)&s.Fmask - start);
    }
}
