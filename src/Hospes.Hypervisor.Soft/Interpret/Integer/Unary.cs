using System.Numerics;
using System.Runtime.CompilerServices;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;
using static Hospes.Hypervisor.Soft.Interpret.Integer.Registers;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

/// <summary>A one-operand operation.</summary>
internal unsafe interface IUnary
{
    static abstract T Apply<T>(CpuState* s, T a)
        where T : unmanaged, IBinaryInteger<T>;
}

internal readonly unsafe struct IncOp : IUnary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(CpuState* s, T a)
        where T : unmanaged, IBinaryInteger<T>
    {
        bool carry = Flags.Carry(s);
        T r = unchecked(a + T.One);
        Flags.SetAdd(s, Wide(a), 1, Wide(r), sizeof(T) * 8);
        Flags.KeepCarry(s, carry);
        return r;
    }
}

internal readonly unsafe struct DecOp : IUnary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(CpuState* s, T a)
        where T : unmanaged, IBinaryInteger<T>
    {
        bool carry = Flags.Carry(s);
        T r = unchecked(a - T.One);
        Flags.SetSub(s, Wide(a), 1, Wide(r), sizeof(T) * 8);
        Flags.KeepCarry(s, carry);
        return r;
    }
}

internal readonly unsafe struct NegOp : IUnary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(CpuState* s, T a)
        where T : unmanaged, IBinaryInteger<T>
    {
        T r = unchecked(T.Zero - a);
        Flags.SetSub(s, 0, Wide(a), Wide(r), sizeof(T) * 8);
        return r;
    }
}

internal readonly unsafe struct NotOp : IUnary
{
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static T Apply<T>(CpuState* s, T a)
        where T : unmanaged, IBinaryInteger<T> => ~a;
}

/// <summary>The forms of a one-operand operation.</summary>
internal static unsafe class Unary<TOp, T>
    where TOp : IUnary
    where T : unmanaged, IBinaryInteger<T>
{
    public static void Register(CpuState* s, Op* op) => Set(s, op->Reg0, TOp.Apply(s, Get<T>(s, op->Reg0)));

    public static void Memory(CpuState* s, Op* op)
    {
        ulong address = Mem.Address(s, op);
        T* at = Mem.BeginModify<T>(s, address);
        *at = TOp.Apply(s, *at);
        Mem.EndModify(s, address, at);
    }

    public static void Locked(CpuState* s, Op* op)
    {
        ulong address = Mem.Address(s, op);
        T* at = Mem.BeginLocked<T>(s, address);
        long result = s->FlagResult;
        ulong aux = s->FlagAux;
        while (true)
        {
            T old = Atomic.Read(at);
            T next = TOp.Apply(s, old);
            if (Atomic.Exchange(at, next, old)) break;
            (s->FlagResult, s->FlagAux) = (result, aux);
        }
        Mem.EndLocked(s, address, at);
    }
}
