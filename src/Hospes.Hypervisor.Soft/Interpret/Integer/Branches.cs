using System.Runtime.CompilerServices;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;
using static Hospes.Hypervisor.Soft.Interpret.Integer.Registers;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

/// <summary>Near JMP, CALL, RET, LOOP, JCXZ.</summary>
internal static unsafe class Branches
{
    private const byte Rcx = 8;

    /// <summary>Goes to an offset inside CS. A direct target of 64-bit code is checked too: it can leave the canonical range by a displacement.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void To(CpuState* s, ulong target)
    {
        if ((ulong)((long)(target << 16) >> 16) != target || (s->Mode & Mode.Code64) == 0) CheckTarget(s, target);
        s->Rip = target;
    }

    public static void Jump(CpuState* s, Op* op) => To(s, op->Imm);

    public static void JumpIndirect16(CpuState* s, Op* op) => To(s, Operand0<ushort>(s, op));

    public static void JumpIndirect32(CpuState* s, Op* op) => To(s, Operand0<uint>(s, op));

    public static void JumpIndirect64(CpuState* s, Op* op) => To(s, Operand0<ulong>(s, op));

    public static void Call16(CpuState* s, Op* op) => Call(s, op->Imm, 2);

    public static void Call32(CpuState* s, Op* op) => Call(s, op->Imm, 4);

    public static void Call64(CpuState* s, Op* op) => Call(s, op->Imm, 8);

    public static void CallIndirect16(CpuState* s, Op* op) => Call(s, Operand0<ushort>(s, op), 2);

    public static void CallIndirect32(CpuState* s, Op* op) => Call(s, Operand0<uint>(s, op), 4);

    public static void CallIndirect64(CpuState* s, Op* op) => Call(s, Operand0<ulong>(s, op), 8);

    public static void Return16(CpuState* s, Op* op) => Return(s, op, 2);

    public static void Return32(CpuState* s, Op* op) => Return(s, op, 4);

    public static void Return64(CpuState* s, Op* op) => Return(s, op, 8);

    public static void Loop<TCount>(CpuState* s, Op* op)
        where TCount : unmanaged, global::System.Numerics.IBinaryInteger<TCount> => LoopWhile<TCount>(s, op, true);

    public static void LoopEqual<TCount>(CpuState* s, Op* op)
        where TCount : unmanaged, global::System.Numerics.IBinaryInteger<TCount> => LoopWhile<TCount>(s, op, Flags.Zero(s));

    public static void LoopNotEqual<TCount>(CpuState* s, Op* op)
        where TCount : unmanaged, global::System.Numerics.IBinaryInteger<TCount> => LoopWhile<TCount>(s, op, !Flags.Zero(s));

    public static void JumpIfCountZero<TCount>(CpuState* s, Op* op)
        where TCount : unmanaged, global::System.Numerics.IBinaryInteger<TCount>
    {
        if (TCount.IsZero(Get<TCount>(s, Rcx))) To(s, op->Imm);
    }

    private static void LoopWhile<TCount>(CpuState* s, Op* op, bool condition)
        where TCount : unmanaged, global::System.Numerics.IBinaryInteger<TCount>
    {
        TCount count = unchecked(Get<TCount>(s, Rcx) - TCount.One);
        if (!TCount.IsZero(count) && condition) To(s, op->Imm);
        Set(s, Rcx, count);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Call(CpuState* s, ulong target, int size)
    {
        if ((ulong)((long)(target << 16) >> 16) != target || (s->Mode & Mode.Code64) == 0) CheckTarget(s, target);
        Stack.Push(s, size, s->Rip);
        s->Rip = target;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Return(CpuState* s, Op* op, int size)
    {
        ulong target = size == 8 ? Mem.Read<ulong>(s, s->General[VcpuState.Rsp]) : Stack.Peek(s, size, 0);
        if ((ulong)((long)(target << 16) >> 16) != target || (s->Mode & Mode.Code64) == 0) CheckTarget(s, target);
        s->Rip = target;
        if (size == 8) s->General[VcpuState.Rsp] += 8 + op->Imm;
        else Stack.Adjust(s, size + (long)op->Imm);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void CheckTarget(CpuState* s, ulong target)
    {
        bool allowed = (s->Mode & Mode.Code64) != 0 ? Addresses.IsCanonical(target) : target <= s->Cs.Limit;
        if (!allowed) Fault.GeneralProtection(s);
    }
}
