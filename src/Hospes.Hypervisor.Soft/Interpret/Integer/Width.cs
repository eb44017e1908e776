using System.Runtime.CompilerServices;
using Hospes.Hypervisor.Soft.Cpu;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

/// <summary>
/// Operand widths as type arguments: <c>byte</c>, <c>ushort</c>, <c>uint</c>, <c>ulong</c>. Handlers compute in 64 bits on zero-extended values;
/// every test of the type below is settled when the JIT compiles the handler for its width.
/// </summary>
internal static class Width
{
    /// <summary>The width in bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Bits<T>() where T : unmanaged => Unsafe.SizeOf<T>() * 8;

    /// <summary>All bits of the width.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Mask<T>() where T : unmanaged => ulong.MaxValue >> (64 - Bits<T>());

    /// <summary>Zero-extends.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Widen<T>(T value)
        where T : unmanaged
    {
        if (typeof(T) == typeof(byte)) return Unsafe.BitCast<T, byte>(value);
        if (typeof(T) == typeof(ushort)) return Unsafe.BitCast<T, ushort>(value);
        if (typeof(T) == typeof(uint)) return Unsafe.BitCast<T, uint>(value);
        return Unsafe.BitCast<T, ulong>(value);
    }

    /// <summary>Truncates.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Narrow<T>(ulong value)
        where T : unmanaged
    {
        if (typeof(T) == typeof(byte)) return Unsafe.BitCast<byte, T>((byte)value);
        if (typeof(T) == typeof(ushort)) return Unsafe.BitCast<ushort, T>((ushort)value);
        if (typeof(T) == typeof(uint)) return Unsafe.BitCast<uint, T>((uint)value);
        return Unsafe.BitCast<ulong, T>(value);
    }

    /// <summary>Drops the bits above the width.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Truncate<T>(ulong value) where T : unmanaged => Widen(Narrow<T>(value));

    /// <summary>Extends the sign of the width's top bit to 64 bits.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static long Sign<T>(ulong value)
        where T : unmanaged
    {
        if (typeof(T) == typeof(byte)) return (sbyte)value;
        if (typeof(T) == typeof(ushort)) return (short)value;
        if (typeof(T) == typeof(uint)) return (int)value;
        return (long)value;
    }
}

/// <summary>General registers by their byte offset in the state.</summary>
internal static unsafe class Register
{
    // SAFETY: offsets come from the decoder and are those of the sixteen registers, of AH, CH, DH and BH, or of the zero slot.
    public const byte Rax = 0, Rcx = 8, Rdx = 16, Rbx = 24, Rsp = 32, Rbp = 40, Rsi = 48, Rdi = 56, Ah = 1;

    /// <summary>Reads a register, zero-extended.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Get<T>(CpuState* s, byte offset) where T : unmanaged => Width.Widen(*(T*)((byte*)s + offset));

    /// <summary>Writes a register: 32-bit writes clear the upper half, narrower ones keep the rest.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Set<T>(CpuState* s, byte offset, ulong value)
        where T : unmanaged
    {
        if (typeof(T) == typeof(uint)) *(ulong*)((byte*)s + offset) = (uint)value;
        else *(T*)((byte*)s + offset) = Width.Narrow<T>(value);
    }
}
