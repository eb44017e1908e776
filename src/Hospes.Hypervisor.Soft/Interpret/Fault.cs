using System.Diagnostics.CodeAnalysis;
using Hospes.Hypervisor.Soft.Cpu;

namespace Hospes.Hypervisor.Soft.Interpret;

/// <summary>Exception vectors (Intel SDM vol. 3, table 6-1).</summary>
internal enum Vector : byte
{
    DivideError = 0, Debug = 1, Nmi = 2, Breakpoint = 3, Overflow = 4, BoundRange = 5, InvalidOpcode = 6, DeviceNotAvailable = 7,
    DoubleFault = 8, InvalidTss = 10, SegmentNotPresent = 11, StackFault = 12, GeneralProtection = 13, PageFault = 14,
    X87Error = 16, AlignmentCheck = 17, MachineCheck = 18, SimdError = 19,
}

/// <summary>
/// Leaves the running instruction with an exception. The instruction must not have changed any register or flag before; the run loop
/// takes RIP from <see cref="CpuState.CurrentOp"/> and delivers the exception.
/// </summary>
internal static unsafe class Fault
{
    /// <summary>#UD.</summary>
    [DoesNotReturn]
    public static void InvalidOpcode(CpuState* s) => Raise(s, Vector.InvalidOpcode, 0);

    /// <summary>#DE.</summary>
    [DoesNotReturn]
    public static void Divide(CpuState* s) => Raise(s, Vector.DivideError, 0);

    /// <summary>#GP with an error code: 0 or a selector.</summary>
    [DoesNotReturn]
    public static void GeneralProtection(CpuState* s, int error = 0) => Raise(s, Vector.GeneralProtection, error);

    /// <summary>#SS.</summary>
    [DoesNotReturn]
    public static void Stack(CpuState* s, int error = 0) => Raise(s, Vector.StackFault, error);

    /// <summary>Any exception. Vectors without an error code ignore it.</summary>
    [DoesNotReturn]
    public static void Raise(CpuState* s, Vector vector, int error) => throw SoftVcpu.From(s).PrepareFault(vector, error);
}

/// <summary>Carries a guest's exception from the depth of an instruction to the run loop. One object per vCPU, thrown again and again.</summary>
internal sealed class GuestFault : Exception
{
    public Vector Vector { get; set; }

    public int ErrorCode { get; set; }
}
