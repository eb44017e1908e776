using System.Runtime.InteropServices;
using Hospes.Hypervisor.Kvm.Native;

namespace Hospes.Hypervisor.Kvm;

/// <summary>
/// The signal that brings a thread out of <c>KVM_RUN</c>. The flag <c>immediate_exit</c> in the shared page keeps it from going in again,
/// so that a signal that comes a moment too early is no loss (Linux, KVM API, 5 "The kvm_run structure").
/// </summary>
internal static unsafe class KickSignal
{
    /// <summary>A real-time signal that neither the C library nor .NET uses.</summary>
    public const int Number = 62;

    private const int RestartCalls = 0x10000000;

    /// <summary>
    /// Gives the signal a handler that does nothing: an ignored signal would not interrupt. The handler is a function of the C library
    /// that takes a number and has no effect, because managed code must not run where a signal strikes. The same for every engine of the process.
    /// </summary>
    public static void Install()
    {
        // SAFETY: abs(int) has a handler's signature but for its result, which is ignored, and is free of side effects.
        var action = new LibC.SignalAction { Handler = NativeLibrary.GetExport(NativeLibrary.GetMainProgramHandle(), "abs"), Flags = RestartCalls };
        if (LibC.SetSignalAction(Number, &action, null) != 0) throw new InvalidOperationException("the kick signal's handler was refused");
    }

    /// <summary>Sends it to a thread of this process. A thread that has ended meanwhile is no error.</summary>
    public static void Send(int thread) => _ = LibC.SignalThread(Environment.ProcessId, thread, Number);
}
