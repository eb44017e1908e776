using System.Numerics;
using System.Runtime.CompilerServices;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

/// <summary>General registers as operands: T is byte, ushort, uint or ulong, and each gets code of its own.</summary>
internal static unsafe class Registers
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Get<T>(CpuState* s, byte offset)
        where T : unmanaged => *(T*)((byte*)s + offset);

    /// <summary>Writes a register; 32-bit results clear the upper half.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Set<T>(CpuState* s, byte offset, T value)
        where T : unmanaged
    {
        if (typeof(T) == typeof(uint)) *(ulong*)((byte*)s + offset) = Unsafe.BitCast<T, uint>(value);
        else *(T*)((byte*)s + offset) = value;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Wide<T>(T value)
        where T : unmanaged, IBinaryInteger<T> => ulong.CreateTruncating(value);

    /// <summary>The immediate in the operand's width.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Immediate<T>(Op* op)
        where T : unmanaged, IBinaryInteger<T> => T.CreateTruncating(op->Imm);

    /// <summary>Operand 0 of the register or memory form.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Operand0<T>(CpuState* s, Op* op)
        where T : unmanaged => op->HasMemory ? Mem.Read<T>(s, Mem.Address(s, op)) : Get<T>(s, op->Reg0);

    /// <summary>Operand 1 of the register or memory form.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Operand1<T>(CpuState* s, Op* op)
        where T : unmanaged => op->HasMemory ? Mem.Read<T>(s, Mem.Address(s, op)) : Get<T>(s, op->Reg1);
}
