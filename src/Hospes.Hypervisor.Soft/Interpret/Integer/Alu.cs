using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

/// <summary>The operand shapes of two-operand arithmetic.</summary>
internal static unsafe class Alu<TOperation, T>
    where TOperation : struct, IBinary
    where T : unmanaged
{
    public static void RegReg(CpuState* s, Op* op)
    {
        ulong a = Register.Get<T>(s, op->Reg0), b = Register.Get<T>(s, op->Reg1);
        ulong result = TOperation.Compute(s, a, b);
        if (TOperation.Stores) Register.Set<T>(s, op->Reg0, result);
        TOperation.SetFlags(s, a, b, result, Width.Bits<T>());
    }

    public static void RegImm(CpuState* s, Op* op)
    {
        ulong a = Register.Get<T>(s, op->Reg0), b = Width.Truncate<T>(op->Imm);
        ulong result = TOperation.Compute(s, a, b);
        if (TOperation.Stores) Register.Set<T>(s, op->Reg0, result);
        TOperation.SetFlags(s, a, b, result, Width.Bits<T>());
    }

    public static void RegMem(CpuState* s, Op* op)
    {
        ulong b = Width.Widen(Mem.Read<T>(s, Mem.Address(s, op)));
        ulong a = Register.Get<T>(s, op->Reg0);
        ulong result = TOperation.Compute(s, a, b);
        if (TOperation.Stores) Register.Set<T>(s, op->Reg0, result);
        TOperation.SetFlags(s, a, b, result, Width.Bits<T>());
    }

    public static void MemReg(CpuState* s, Op* op)
    {
        if (TOperation.Stores) Modify(s, op, Register.Get<T>(s, op->Reg1));
        else Inspect(s, op, Register.Get<T>(s, op->Reg1));
    }

    public static void MemImm(CpuState* s, Op* op)
    {
        if (TOperation.Stores) Modify(s, op, Width.Truncate<T>(op->Imm));
        else Inspect(s, op, Width.Truncate<T>(op->Imm));
    }

    public static void LockedReg(CpuState* s, Op* op) => ModifyLocked(s, op, Register.Get<T>(s, op->Reg1));

    public static void LockedImm(CpuState* s, Op* op) => ModifyLocked(s, op, Width.Truncate<T>(op->Imm));

    private static void Inspect(CpuState* s, Op* op, ulong b)
    {
        ulong a = Width.Widen(Mem.Read<T>(s, Mem.Address(s, op)));
        TOperation.SetFlags(s, a, b, TOperation.Compute(s, a, b), Width.Bits<T>());
    }

    private static void Modify(CpuState* s, Op* op, ulong b)
    {
        ulong address = Mem.Address(s, op);
        T* at = Mem.BeginModify<T>(s, address);
        ulong a = Width.Widen(*at);
        ulong result = TOperation.Compute(s, a, b);
        *at = Width.Narrow<T>(result);
        // Flags come last: writing back to a device may leave the instruction, which then runs again.
        Mem.EndModify(s, address, at);
        TOperation.SetFlags(s, a, b, result, Width.Bits<T>());
    }

    private static void ModifyLocked(CpuState* s, Op* op, ulong b)
    {
        ulong address = Mem.Address(s, op);
        T* at = Mem.BeginLocked<T>(s, address);
        ulong a, result;
        do
        {
            a = Width.Widen(Atomic.Load(at));
            result = Width.Truncate<T>(TOperation.Compute(s, a, b));
        }
        while (Atomic.CompareExchange(at, result, a) != a);
        Mem.EndLocked(s, address, at);
        TOperation.SetFlags(s, a, b, result, Width.Bits<T>());
    }
}

/// <summary>The operand shapes of INC, DEC, NEG and NOT.</summary>
internal static unsafe class Unary<TOperation, T>
    where TOperation : struct, IUnary
    where T : unmanaged
{
    public static void Reg(CpuState* s, Op* op)
    {
        ulong a = Register.Get<T>(s, op->Reg0);
        ulong result = TOperation.Compute(a);
        Register.Set<T>(s, op->Reg0, result);
        TOperation.SetFlags(s, a, result, Width.Bits<T>());
    }

    public static void Memory(CpuState* s, Op* op)
    {
        ulong address = Mem.Address(s, op);
        T* at = Mem.BeginModify<T>(s, address);
        ulong a = Width.Widen(*at);
        ulong result = TOperation.Compute(a);
        *at = Width.Narrow<T>(result);
        Mem.EndModify(s, address, at);
        TOperation.SetFlags(s, a, result, Width.Bits<T>());
    }

    public static void Locked(CpuState* s, Op* op)
    {
        ulong address = Mem.Address(s, op);
        T* at = Mem.BeginLocked<T>(s, address);
        ulong a, result;
        do
        {
            a = Width.Widen(Atomic.Load(at));
            result = Width.Truncate<T>(TOperation.Compute(a));
        }
        while (Atomic.CompareExchange(at, result, a) != a);
        Mem.EndLocked(s, address, at);
        TOperation.SetFlags(s, a, result, Width.Bits<T>());
    }
}
