using System.Numerics;
using System.Runtime.CompilerServices;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;
using static Hospes.Hypervisor.Soft.Interpret.Integer.Registers;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

/// <summary>XCHG, XADD, CMPXCHG.</summary>
internal static unsafe class Exchange<T>
    where T : unmanaged, IBinaryInteger<T>
{
    private const byte Rax = 0;

    public static void XchgRegister(CpuState* s, Op* op)
    {
        T a = Get<T>(s, op->Reg0), b = Get<T>(s, op->Reg1);
        Set(s, op->Reg0, b);
        Set(s, op->Reg1, a);
    }

    public static void XchgMemory(CpuState* s, Op* op)
    {
        ulong address = Mem.Address(s, op);
        T* at = Mem.BeginLocked<T>(s, address);
        T old = Atomic.Swap(at, Get<T>(s, op->Reg1));
        Mem.EndLocked(s, address, at);
        Set(s, op->Reg1, old);
    }

    public static void XaddRegister(CpuState* s, Op* op)
    {
        T a = Get<T>(s, op->Reg0), b = Get<T>(s, op->Reg1);
        T sum = AddOp.Apply(s, a, b);
        Set(s, op->Reg1, a);
        Set(s, op->Reg0, sum);
    }

    public static void XaddMemory(CpuState* s, Op* op)
    {
        ulong address = Mem.Address(s, op);
        T* at = Mem.BeginModify<T>(s, address);
        T old = *at;
        *at = AddOp.Apply(s, old, Get<T>(s, op->Reg1));
        Mem.EndModify(s, address, at);
        Set(s, op->Reg1, old);
    }

    public static void XaddLocked(CpuState* s, Op* op)
    {
        ulong address = Mem.Address(s, op);
        T* at = Mem.BeginLocked<T>(s, address);
        T b = Get<T>(s, op->Reg1), old;
        do old = Atomic.Read(at);
        while (!Atomic.Exchange(at, unchecked(old + b), old));
        Mem.EndLocked(s, address, at);
        AddOp.Apply(s, old, b);
        Set(s, op->Reg1, old);
    }

    public static void CmpxchgRegister(CpuState* s, Op* op)
    {
        T old = Get<T>(s, op->Reg0), expected = Get<T>(s, Rax);
        SubOp.Apply(s, expected, old);
        if (old == expected)
        {
            Set(s, op->Reg0, Get<T>(s, op->Reg1));
        }
        else
        {
            Set(s, Rax, old);
            // The destination is written in any case, so a 32-bit register's upper half is cleared.
            Set(s, op->Reg0, old);
        }
    }

    public static void CmpxchgMemory(CpuState* s, Op* op)
    {
        ulong address = Mem.Address(s, op);
        T* at = Mem.BeginModify<T>(s, address);
        T old = *at, expected = Get<T>(s, Rax);
        bool equal = old == expected;
        if (equal) *at = Get<T>(s, op->Reg1);
        Mem.EndModify(s, address, at);
        Finish(s, expected, old, equal);
    }

    public static void CmpxchgLocked(CpuState* s, Op* op)
    {
        ulong address = Mem.Address(s, op);
        T* at = Mem.BeginLocked<T>(s, address);
        T expected = Get<T>(s, Rax), next = Get<T>(s, op->Reg1), old;
        bool equal;
        do
        {
            old = Atomic.Read(at);
            equal = old == expected;
        }
        while (equal && !Atomic.Exchange(at, next, old));
        Mem.EndLocked(s, address, at);
        Finish(s, expected, old, equal);
    }

    private static void Finish(CpuState* s, T expected, T old, bool equal)
    {
        SubOp.Apply(s, expected, old);
        if (!equal) Set(s, Rax, old);
    }
}

/// <summary>CMPXCHG8B and CMPXCHG16B.</summary>
internal static unsafe class ExchangeWide
{
    private const byte Rax = 0, Rcx = 8, Rdx = 16, Rbx = 24;

    public static void Cmpxchg8(CpuState* s, Op* op)
    {
        ulong address = Mem.Address(s, op);
        ulong* at = Mem.BeginLocked<ulong>(s, address);
        ulong expected = Get<uint>(s, Rax) | (ulong)Get<uint>(s, Rdx) << 32, next = Get<uint>(s, Rbx) | (ulong)Get<uint>(s, Rcx) << 32;
        ulong old = Interlocked.CompareExchange(ref *at, next, expected);
        Mem.EndLocked(s, address, at);
        SetZero(s, old == expected);
        if (old == expected) return;
        Set(s, Rax, (uint)old);
        Set(s, Rdx, (uint)(old >> 32));
    }

    /// <summary>
    /// There is no 16-byte atomic to call here, so all of them take the guest's split lock, and between them they are atomic. Against a plain 8-byte store by
    /// another processor each half is: the low half is exchanged by comparison, so that a store between the look and the exchange is seen.
    /// </summary>
    public static void Cmpxchg16(CpuState* s, Op* op)
    {
        ulong address = Mem.Address(s, op);
        if ((address & 15) != 0) Fault.GeneralProtection(s);
        UInt128 expected = new(Get<ulong>(s, Rdx), Get<ulong>(s, Rax)), next = new(Get<ulong>(s, Rcx), Get<ulong>(s, Rbx));
        Mmu mmu = SoftVcpu.From(s).Mmu;
        UInt128* at = Mem.BeginModify<UInt128>(s, address);
        UInt128 old;
        mmu.EnterSplitLock();
        try
        {
            ulong* halves = (ulong*)at;
            while (true)
            {
                old = new UInt128(Volatile.Read(ref halves[1]), Volatile.Read(ref halves[0]));
                if (old != expected) break;
                if (Interlocked.CompareExchange(ref halves[0], (ulong)next, (ulong)old) != (ulong)old) continue;
                if (Interlocked.CompareExchange(ref halves[1], (ulong)(next >> 64), (ulong)(old >> 64)) == (ulong)(old >> 64)) break;
                Interlocked.CompareExchange(ref halves[0], (ulong)old, (ulong)next);
            }
        }
        finally
        {
            mmu.LeaveSplitLock();
        }
        Mem.EndModify(s, address, at);
        SetZero(s, old == expected);
        if (old == expected) return;
        Set(s, Rax, (ulong)old);
        Set(s, Rdx, (ulong)(old >> 64));
    }

    private static void SetZero(CpuState* s, bool zero) => Flags.WriteArithmetic(s, (Flags.Read(s) & ~Flags.Zf) | (zero ? Flags.Zf : 0));
}
