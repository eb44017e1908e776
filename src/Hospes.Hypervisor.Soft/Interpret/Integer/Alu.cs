using System.Numerics;
using System.Runtime.CompilerServices;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;
using static Hospes.Hypervisor.Soft.Interpret.Integer.Registers;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

/// <summary>A two-operand operation that sets all six flags.</summary>
internal unsafe interface IAlu
{
    static abstract T Apply<T>(CpuState* s, T a, T b)
        where T : unmanaged, IBinaryInteger<T>;
}

internal readonly unsafe struct AddOp : IAlu
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(CpuState* s, T a, T b)
        where T : unmanaged, IBinaryInteger<T>
    {
        T r = unchecked(a + b);
        Flags.SetAdd(s, Wide(a), Wide(b), Wide(r), sizeof(T) * 8);
        return r;
    }
}

internal readonly unsafe struct AdcOp : IAlu
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(CpuState* s, T a, T b)
        where T : unmanaged, IBinaryInteger<T>
    {
        T r = unchecked(a + b + (Flags.Carry(s) ? T.One : T.Zero));
        Flags.SetAdd(s, Wide(a), Wide(b), Wide(r), sizeof(T) * 8);
        return r;
    }
}

internal readonly unsafe struct SubOp : IAlu
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(CpuState* s, T a, T b)
        where T : unmanaged, IBinaryInteger<T>
    {
        T r = unchecked(a - b);
        Flags.SetSub(s, Wide(a), Wide(b), Wide(r), sizeof(T) * 8);
        return r;
    }
}

internal readonly unsafe struct SbbOp : IAlu
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(CpuState* s, T a, T b)
        where T : unmanaged, IBinaryInteger<T>
    {
        T r = unchecked(a - b - (Flags.Carry(s) ? T.One : T.Zero));
        Flags.SetSub(s, Wide(a), Wide(b), Wide(r), sizeof(T) * 8);
        return r;
    }
}

internal readonly unsafe struct AndOp : IAlu
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(CpuState* s, T a, T b)
        where T : unmanaged, IBinaryInteger<T>
    {
        T r = a & b;
        Flags.SetLogic(s, Wide(r), sizeof(T) * 8);
        return r;
    }
}

internal readonly unsafe struct OrOp : IAlu
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(CpuState* s, T a, T b)
        where T : unmanaged, IBinaryInteger<T>
    {
        T r = a | b;
        Flags.SetLogic(s, Wide(r), sizeof(T) * 8);
        return r;
    }
}

internal readonly unsafe struct XorOp : IAlu
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(CpuState* s, T a, T b)
        where T : unmanaged, IBinaryInteger<T>
    {
        T r = a ^ b;
        Flags.SetLogic(s, Wide(r), sizeof(T) * 8);
        return r;
    }
}

/// <summary>The forms of a two-operand operation that writes its first operand.</summary>
internal static unsafe class Alu<TOp, T>
    where TOp : IAlu
    where T : unmanaged, IBinaryInteger<T>
{
    public static void RegisterRegister(CpuState* s, Op* op) => Set(s, op->Reg0, TOp.Apply(s, Get<T>(s, op->Reg0), Get<T>(s, op->Reg1)));

    public static void RegisterMemory(CpuState* s, Op* op)
    {
        T b = Mem.Read<T>(s, Mem.Address(s, op));
        Set(s, op->Reg0, TOp.Apply(s, Get<T>(s, op->Reg0), b));
    }

    public static void RegisterImmediate(CpuState* s, Op* op) => Set(s, op->Reg0, TOp.Apply(s, Get<T>(s, op->Reg0), Immediate<T>(op)));

    public static void MemoryRegister(CpuState* s, Op* op) => Modify(s, op, Get<T>(s, op->Reg1));

    public static void MemoryImmediate(CpuState* s, Op* op) => Modify(s, op, Immediate<T>(op));

    public static void LockedRegister(CpuState* s, Op* op) => ModifyLocked(s, op, Get<T>(s, op->Reg1));

    public static void LockedImmediate(CpuState* s, Op* op) => ModifyLocked(s, op, Immediate<T>(op));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Modify(CpuState* s, Op* op, T b)
    {
        ulong address = Mem.Address(s, op);
        T* at = Mem.BeginModify<T>(s, address);
        *at = TOp.Apply(s, *at, b);
        Mem.EndModify(s, address, at);
    }

    private static void ModifyLocked(CpuState* s, Op* op, T b)
    {
        ulong address = Mem.Address(s, op);
        T* at = Mem.BeginLocked<T>(s, address);
        long result = s->FlagResult;
        ulong aux = s->FlagAux;
        while (true)
        {
            T old = Atomic.Read(at);
            T next = TOp.Apply(s, old, b);
            if (Atomic.Exchange(at, next, old)) break;
            (s->FlagResult, s->FlagAux) = (result, aux);
        }
        Mem.EndLocked(s, address, at);
    }
}

/// <summary>The forms of a two-operand operation that only sets flags.</summary>
internal static unsafe class Compare<TOp, T>
    where TOp : IAlu
    where T : unmanaged, IBinaryInteger<T>
{
    public static void RegisterRegister(CpuState* s, Op* op) => TOp.Apply(s, Get<T>(s, op->Reg0), Get<T>(s, op->Reg1));

    public static void RegisterMemory(CpuState* s, Op* op) => TOp.Apply(s, Get<T>(s, op->Reg0), Mem.Read<T>(s, Mem.Address(s, op)));

    public static void RegisterImmediate(CpuState* s, Op* op) => TOp.Apply(s, Get<T>(s, op->Reg0), Immediate<T>(op));

    public static void MemoryRegister(CpuState* s, Op* op) => TOp.Apply(s, Mem.Read<T>(s, Mem.Address(s, op)), Get<T>(s, op->Reg1));

    public static void MemoryImmediate(CpuState* s, Op* op) => TOp.Apply(s, Mem.Read<T>(s, Mem.Address(s, op)), Immediate<T>(op));
}
