using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;

namespace Hospes.Hypervisor.Soft.Interpret;

/// <summary>Handlers that the decoder binds to instructions that can't be executed in the block's mode.</summary>
internal static unsafe class FaultOps
{
    public static void InvalidOpcode(CpuState* s, Op* op) => Fault.InvalidOpcode(s);

    public static void GeneralProtection(CpuState* s, Op* op) => Fault.GeneralProtection(s);

    public static void DeviceNotAvailable(CpuState* s, Op* op) => Fault.Raise(s, Vector.DeviceNotAvailable, 0);
}
