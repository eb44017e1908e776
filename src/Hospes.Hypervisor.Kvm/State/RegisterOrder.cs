using Hospes.Hypervisor.Kvm.Native;

namespace Hospes.Hypervisor.Kvm.State;

/// <summary>General registers between the encoding's order and KVM's.</summary>
internal static unsafe class RegisterOrder
{
    /// <summary>Where KVM has the register of each encoding: RAX RCX RDX RBX RSP RBP RSI RDI.</summary>
    private static ReadOnlySpan<byte> Places => [0, 2, 3, 1, 6, 7, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15];

    public static void Out(KvmRegisters* registers, VcpuState state)
    {
        for (int i = 0; i < 16; i++) state.General[i] = registers->General[Places[i]];
    }

    public static void In(VcpuState state, KvmRegisters* registers)
    {
        for (int i = 0; i < 16; i++) registers->General[Places[i]] = state.General[i];
    }
}
