using System.Runtime.CompilerServices;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Interpret.Simd;

/// <summary>Alignment checks (#AC) of instructions whose elements are accessed one by one.</summary>
internal static unsafe class Alignment
{
    /// <summary>#AC where checks are on and an operand of the given size is not aligned to it. An address that is not canonical is left to the access.</summary>
    public static void Check(CpuState* s, ulong address, int size)
    {
        if (IsChecked(s) && (address & (ulong)(size - 1)) != 0 && IsCanonical(address) && IsCanonical(address + (ulong)size - 1))
            Fault.Raise(s, Vector.AlignmentCheck, 0);
    }

    /// <summary>Reads without an alignment check.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Read<T>(CpuState* s, ulong address)
        where T : unmanaged => IsChecked(s) ? ReadBytes<T>(s, address) : Mem.Read<T>(s, address);

    /// <summary>Writes without an alignment check. The whole operand must be known to be writable.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write<T>(CpuState* s, ulong address, T value)
        where T : unmanaged
    {
        if (IsChecked(s)) WriteBytes(s, address, value);
        else Mem.Write(s, address, value);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsChecked(CpuState* s) =>
        (s->SystemFlags & Flags.Ac) != 0 && s->Cpl == 3 && (s->Cr0 & ControlRegisters.Cr0Am) != 0;

    private static bool IsCanonical(ulong address) => (ulong)((long)(address << 16) >> 16) == address;

    // A single byte is always aligned.
    private static T ReadBytes<T>(CpuState* s, ulong address)
        where T : unmanaged
    {
        T value = default;
        for (int i = 0; i < sizeof(T); i++) ((byte*)&value)[i] = Mem.Read<byte>(s, address + (ulong)i);
        return value;
    }

    private static void WriteBytes<T>(CpuState* s, ulong address, T value)
        where T : unmanaged
    {
        for (int i = 0; i < sizeof(T); i++) Mem.Write(s, address + (ulong)i, ((byte*)&value)[i]);
    }
}
