using System.Runtime.CompilerServices;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

/// <summary>Near transfers of control by operand size. On entry RIP already is the address behind the instruction, which ends its block.</summary>
internal static unsafe class Branch<T>
    where T : unmanaged
{
    // Linear addresses have 48 bits.
    private const int UnusedAddressBits = 16;

    private static int Size => sizeof(T);

    /// <summary>Goes to an offset inside CS; #GP when it is not canonical or beyond the limit. Call it before any change of state.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Check(CpuState* s, ulong target)
    {
        if (typeof(T) == typeof(ulong))
        {
            if (!IsCanonical(target)) Fault.GeneralProtection(s);
        }
        else if (target > s->Cs.Limit && (s->Mode & Mode.Code64) == 0)
        {
            Fault.GeneralProtection(s);
        }
    }

    /// <summary>Whether a linear address is within the 48 bits that there are.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static bool IsCanonical(ulong address) => (ulong)((long)(address << UnusedAddressBits) >> UnusedAddressBits) == address;

    public static void Jump(CpuState* s, Op* op)
    {
        Check(s, op->Imm);
        s->Rip = op->Imm;
    }

    public static void JumpReg(CpuState* s, Op* op)
    {
        ulong target = Register.Get<T>(s, op->Reg0);
        Check(s, target);
        s->Rip = target;
    }

    public static void JumpMem(CpuState* s, Op* op)
    {
        ulong target = Width.Widen(Mem.Read<T>(s, Mem.Address(s, op)));
        Check(s, target);
        s->Rip = target;
    }

    public static void Call(CpuState* s, Op* op) => CallTo(s, op->Imm);

    public static void CallReg(CpuState* s, Op* op) => CallTo(s, Register.Get<T>(s, op->Reg0));

    public static void CallMem(CpuState* s, Op* op) => CallTo(s, Width.Widen(Mem.Read<T>(s, Mem.Address(s, op))));

    public static void Return(CpuState* s, Op* op)
    {
        if (typeof(T) == typeof(ulong))
        {
            ulong top = s->General[4];
            ulong target = Mem.Read<ulong>(s, top);
            Check(s, target);
            s->General[4] = top + 8;
            s->Rip = target;
            return;
        }
        ReturnNarrow(s, 0);
    }

    public static void ReturnReleasing(CpuState* s, Op* op) => ReturnNarrow(s, (ushort)op->Imm);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void CallTo(CpuState* s, ulong target)
    {
        if (typeof(T) != typeof(ulong) || !IsCanonical(target)) CheckCall(s, target);
        Stack.Push(s, Size, s->Rip);
        s->Rip = target;
    }

    /// <summary>A fault of the push comes before one of the target.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void CheckCall(CpuState* s, ulong target)
    {
        Mem.BeginModify<T>(s, Stack.Linear(s, s->General[4] - (ulong)Size, Size, write: true));
        Check(s, target);
    }

    private static void ReturnNarrow(CpuState* s, int release)
    {
        ulong target = Stack.Peek(s, Size, 0);
        Check(s, target);
        Stack.Adjust(s, Size + release);
        s->Rip = target;
    }
}

/// <summary>Jcc.</summary>
internal static unsafe class ConditionalBranch<TCondition, T>
    where TCondition : struct, ICondition
    where T : unmanaged
{
    public static void Jump(CpuState* s, Op* op)
    {
        if (!TCondition.Holds(s)) return;
        ulong target = op->Imm;
        Branch<T>.Check(s, target);
        s->Rip = target;
    }
}

/// <summary>LOOP, LOOPE, LOOPNE and JrCXZ: <typeparamref name="TCount"/> is the width of the counter, <typeparamref name="T"/> that of RIP.</summary>
internal static unsafe class CountedBranch<TCount, T>
    where TCount : unmanaged
    where T : unmanaged
{
    public static void Loop(CpuState* s, Op* op) => Run(s, op, holds: true);

    public static void LoopWhileEqual(CpuState* s, Op* op) => Run(s, op, Flags.Zero(s));

    public static void LoopWhileUnequal(CpuState* s, Op* op) => Run(s, op, !Flags.Zero(s));

    public static void JumpIfZero(CpuState* s, Op* op)
    {
        if (Register.Get<TCount>(s, Register.Rcx) != 0) return;
        Branch<T>.Check(s, op->Imm);
        s->Rip = op->Imm;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Run(CpuState* s, Op* op, bool holds)
    {
        ulong count = Width.Truncate<TCount>(Register.Get<TCount>(s, Register.Rcx) - 1);
        bool taken = holds && count != 0;
        if (taken) Branch<T>.Check(s, op->Imm);
        Register.Set<TCount>(s, Register.Rcx, count);
        if (taken) s->Rip = op->Imm;
    }
}
