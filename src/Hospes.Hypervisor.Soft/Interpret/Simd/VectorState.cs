using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Interpret.Simd;

/// <summary>Vector registers and vector memory operands as the handlers of this folder see them.</summary>
internal static unsafe class VectorState
{
    // SAFETY: register numbers come from the decoder and are 0 to 15, so that every pointer stays inside CpuState.Vectors.

    /// <summary>XMMn.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte>* Xmm(CpuState* s, int number) => (Vector128<byte>*)CpuState.Vector(s, number);

    /// <summary>YMMn.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector256<byte>* Ymm(CpuState* s, int number) => (Vector256<byte>*)CpuState.Vector(s, number);

    /// <summary>The upper half of YMMn.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte>* YmmUpper(CpuState* s, int number) => (Vector128<byte>*)(CpuState.Vector(s, number) + 16);

    /// <summary>Writes XMMn and clears the rest of YMMn, as VEX.128 instructions do.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetZeroUpper(CpuState* s, int number, Vector128<byte> value)
    {
        *Xmm(s, number) = value;
        *YmmUpper(s, number) = Vector128<byte>.Zero;
    }

    /// <summary>Writes both halves of YMMn.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void SetYmm(CpuState* s, int number, Vector128<byte> lower, Vector128<byte> upper)
    {
        *Xmm(s, number) = lower;
        *YmmUpper(s, number) = upper;
    }

    /// <summary>The linear address of an operand that must be aligned to a power of two: #GP(0) otherwise.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong AlignedAddress(CpuState* s, Op* op, uint alignment)
    {
        ulong address = Mem.Address(s, op);
        if ((address & (alignment - 1)) != 0) Fault.GeneralProtection(s);
        return address;
    }

    /// <summary>Reads a memory operand into the low bytes of a vector; operands of 16 bytes must be aligned (SDM vol. 1, 10.4.1.1).</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> LoadLegacy<T>(CpuState* s, Op* op)
        where T : unmanaged =>
        sizeof(T) == 16 ? Mem.Read<Vector128<byte>>(s, AlignedAddress(s, op, 16)) : Widen(Mem.Read<T>(s, Mem.Address(s, op)));

    /// <summary>Reads a memory operand of any alignment into the low bytes of a vector.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static Vector128<byte> Load<T>(CpuState* s, Op* op)
        where T : unmanaged =>
        sizeof(T) == 16 ? Mem.Read<Vector128<byte>>(s, Mem.Address(s, op)) : Widen(Mem.Read<T>(s, Mem.Address(s, op)));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Widen<T>(T value)
        where T : unmanaged
    {
        if (sizeof(T) == 8) return Vector128.CreateScalar(Unsafe.BitCast<T, ulong>(value)).AsByte();
        if (sizeof(T) == 4) return Vector128.CreateScalar(Unsafe.BitCast<T, uint>(value)).AsByte();
        if (sizeof(T) == 2) return Vector128.CreateScalar(Unsafe.BitCast<T, ushort>(value)).AsByte();
        return Vector128.CreateScalar(Unsafe.BitCast<T, byte>(value)).AsByte();
    }
}
