using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

/// <summary>XCHG, XADD and CMPXCHG.</summary>
internal static unsafe class Exchange<T>
    where T : unmanaged
{
    public static void SwapReg(CpuState* s, Op* op)
    {
        ulong a = Register.Get<T>(s, op->Reg0);
        Register.Set<T>(s, op->Reg0, Register.Get<T>(s, op->Reg1));
        Register.Set<T>(s, op->Reg1, a);
    }

    /// <summary>XCHG with memory locks without a prefix.</summary>
    public static void SwapMem(CpuState* s, Op* op)
    {
        ulong address = Mem.Address(s, op);
        T* at = Mem.BeginLocked<T>(s, address);
        ulong old = Atomic.Exchange(at, Register.Get<T>(s, op->Reg1));
        Mem.EndLocked(s, address, at);
        Register.Set<T>(s, op->Reg1, old);
    }

    public static void AddReg(CpuState* s, Op* op)
    {
        ulong a = Register.Get<T>(s, op->Reg0), b = Register.Get<T>(s, op->Reg1);
        Register.Set<T>(s, op->Reg1, a);
        Register.Set<T>(s, op->Reg0, a + b);
        Flags.SetAdd(s, a, b, a + b, Width.Bits<T>());
    }

    public static void AddMem(CpuState* s, Op* op)
    {
        ulong address = Mem.Address(s, op);
        T* at = Mem.BeginModify<T>(s, address);
        ulong a = Width.Widen(*at), b = Register.Get<T>(s, op->Reg1);
        *at = Width.Narrow<T>(a + b);
        Mem.EndModify(s, address, at);
        Register.Set<T>(s, op->Reg1, a);
        Flags.SetAdd(s, a, b, a + b, Width.Bits<T>());
    }

    public static void AddLocked(CpuState* s, Op* op)
    {
        ulong address = Mem.Address(s, op);
        T* at = Mem.BeginLocked<T>(s, address);
        ulong b = Register.Get<T>(s, op->Reg1);
        ulong a = Atomic.FetchAdd(at, b);
        Mem.EndLocked(s, address, at);
        Register.Set<T>(s, op->Reg1, a);
        Flags.SetAdd(s, a, b, a + b, Width.Bits<T>());
    }

    public static void CompareReg(CpuState* s, Op* op)
    {
        ulong accumulator = Register.Get<T>(s, Register.Rax), old = Register.Get<T>(s, op->Reg0);
        if (old == accumulator) Register.Set<T>(s, op->Reg0, Register.Get<T>(s, op->Reg1));
        else Register.Set<T>(s, Register.Rax, old);
        Flags.SetSub(s, accumulator, old, accumulator - old, Width.Bits<T>());
    }

    public static void CompareMem(CpuState* s, Op* op)
    {
        ulong address = Mem.Address(s, op);
        T* at = Mem.BeginModify<T>(s, address);
        ulong accumulator = Register.Get<T>(s, Register.Rax), old = Width.Widen(*at);
        // The destination is written in any case (Intel SDM, CMPXCHG): with what it held when the comparison fails.
        if (old == accumulator) *at = Width.Narrow<T>(Register.Get<T>(s, op->Reg1));
        Mem.EndModify(s, address, at);
        if (old != accumulator) Register.Set<T>(s, Register.Rax, old);
        Flags.SetSub(s, accumulator, old, accumulator - old, Width.Bits<T>());
    }

    public static void CompareLocked(CpuState* s, Op* op)
    {
        ulong address = Mem.Address(s, op);
        T* at = Mem.BeginLocked<T>(s, address);
        ulong accumulator = Register.Get<T>(s, Register.Rax);
        ulong old = Atomic.CompareExchange(at, Register.Get<T>(s, op->Reg1), accumulator);
        Mem.EndLocked(s, address, at);
        if (old != accumulator) Register.Set<T>(s, Register.Rax, old);
        Flags.SetSub(s, accumulator, old, accumulator - old, Width.Bits<T>());
    }
}

/// <summary>CMPXCHG8B and CMPXCHG16B. Both forms, with and without LOCK, are carried out atomically.</summary>
internal static unsafe class ExchangePair
{
    public static void Bytes8(CpuState* s, Op* op)
    {
        ulong address = Mem.Address(s, op);
        ulong* at = Mem.BeginLocked<ulong>(s, address);
        ulong expected = Register.Get<uint>(s, Register.Rax) | (Register.Get<ulong>(s, Register.Rdx) << 32);
        ulong desired = Register.Get<uint>(s, Register.Rbx) | (Register.Get<ulong>(s, Register.Rcx) << 32);
        ulong old = Interlocked.CompareExchange(ref *at, desired, expected);
        Mem.EndLocked(s, address, at);
        if (old != expected)
        {
            Register.Set<uint>(s, Register.Rax, old);
            Register.Set<uint>(s, Register.Rdx, old >> 32);
        }
        SetZero(s, old == expected);
    }

    public static void Bytes16(CpuState* s, Op* op)
    {
        ulong address = Mem.Address(s, op);
        if ((address & 15) != 0) Fault.GeneralProtection(s);
        UInt128* at = Mem.BeginLocked<UInt128>(s, address);
        UInt128 expected = new(Register.Get<ulong>(s, Register.Rdx), Register.Get<ulong>(s, Register.Rax));
        UInt128 desired = new(Register.Get<ulong>(s, Register.Rcx), Register.Get<ulong>(s, Register.Rbx));
        UInt128 old = CompareExchange16.Run(s, at, desired, expected);
        Mem.EndLocked(s, address, at);
        if (old != expected)
        {
            Register.Set<ulong>(s, Register.Rax, (ulong)old);
            Register.Set<ulong>(s, Register.Rdx, (ulong)(old >> 64));
        }
        SetZero(s, old == expected);
    }

    /// <summary>Only ZF changes.</summary>
    private static void SetZero(CpuState* s, bool zero) =>
        Flags.WriteArithmetic(s, (Flags.Read(s) & ~Flags.Zf) | (zero ? Flags.Zf : 0));
}
