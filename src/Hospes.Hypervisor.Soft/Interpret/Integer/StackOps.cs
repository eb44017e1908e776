using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

/// <summary>PUSH, POP, PUSHA, POPA, ENTER and LEAVE by operand size.</summary>
internal static unsafe class StackOps<T>
    where T : unmanaged
{
    private static int Size => sizeof(T);

    public static void PushReg(CpuState* s, Op* op) => Stack.Push(s, Size, Register.Get<ulong>(s, op->Reg0));

    public static void PushImm(CpuState* s, Op* op) => Stack.Push(s, Size, op->Imm);

    public static void PushMem(CpuState* s, Op* op) => Stack.Push(s, Size, Width.Widen(Mem.Read<T>(s, Mem.Address(s, op))));

    public static void PopReg(CpuState* s, Op* op) => Register.Set<T>(s, op->Reg0, Stack.Pop(s, Size));

    /// <summary>The destination's address is computed with the stack pointer already moved (Intel SDM, POP).</summary>
    public static void PopMem(CpuState* s, Op* op)
    {
        ulong value = Stack.Peek(s, Size, 0);
        ulong before = s->General[4];
        Stack.Adjust(s, Size);
        ulong after = s->General[4];
        ulong offset = Mem.Offset(s, op);
        s->General[4] = before;
        Mem.Write(s, op->Address == AddressKind.Flat64 ? offset : Segmentation.Linear(s, op, offset), Width.Narrow<T>(value));
        s->General[4] = after;
    }

    public static void PushAll(CpuState* s, Op* op)
    {
        ulong pointer = s->General[4];
        // All eight are checked before the first is written.
        for (int i = 1; i <= 8; i++)
        {
            ulong address = Stack.Linear(s, pointer - (ulong)(i * Size), Size, write: true);
            SoftVcpu.From(s).Mmu.Probe(address, Size, write: true);
        }
        for (int i = 0; i < 8; i++)
        {
            Mem.Write(s, Stack.Linear(s, pointer - (ulong)((i + 1) * Size), Size, write: true), Width.Narrow<T>(s->General[i]));
        }
        Stack.Adjust(s, -8 * Size);
    }

    public static void PopAll(CpuState* s, Op* op)
    {
        ulong* values = stackalloc ulong[8];
        for (int i = 0; i < 8; i++) values[i] = Stack.Peek(s, Size, i * Size);
        for (int i = 0; i < 8; i++)
        {
            // The saved stack pointer is skipped.
            byte register = (byte)(Register.Rdi - i * 8);
            if (register != Register.Rsp) Register.Set<T>(s, register, values[i]);
        }
        Stack.Adjust(s, 8 * Size);
    }

    /// <summary>
    /// Intel SDM, ENTER. As on processors the words are pushed one after the other, each access may fault, and the registers change at the
    /// end: begun again, the instruction writes the same words.
    /// </summary>
    public static void Enter(CpuState* s, Op* op)
    {
        int level = op->Imm2 & 31;
        ulong pointer = s->General[4], frame = s->General[5], newFrame = pointer - (ulong)Size;
        ulong next = newFrame;
        Store(s, next, frame);
        for (int i = 1; i < level; i++)
        {
            Store(s, next -= (ulong)Size, ReadFrame(s, frame - (ulong)(i * Size)));
        }
        if (level > 0) Store(s, next -= (ulong)Size, newFrame);
        ulong allocated = next - (ushort)op->Imm;
        // The new top of the stack must be writable, and aligned where alignment is checked.
        Mem.BeginModify<T>(s, Stack.Linear(s, allocated, Size, write: true));
        Register.Set<T>(s, Register.Rbp, InStackWidth(s, newFrame));
        Stack.SetPointer(s, allocated);
    }

    public static void Leave(CpuState* s, Op* op)
    {
        ulong frame = s->General[5];
        ulong value = ReadFrame(s, frame);
        Stack.SetPointer(s, frame + (ulong)Size);
        Register.Set<T>(s, Register.Rbp, value);
    }

    /// <summary>Reads the stack by way of rBP: in 64-bit mode, too, an address that is not canonical answers #SS.</summary>
    private static ulong ReadFrame(CpuState* s, ulong offset)
    {
        if ((s->Mode & Mode.Code64) != 0 && !(Branch<ulong>.IsCanonical(offset) && Branch<ulong>.IsCanonical(offset + (ulong)Size - 1))) Fault.Stack(s);
        return Width.Widen(Mem.Read<T>(s, Stack.Linear(s, offset, Size, write: false)));
    }

    private static void Store(CpuState* s, ulong offset, ulong value) =>
        Mem.Write(s, Stack.Linear(s, offset, Size, write: true), Width.Narrow<T>(value));

    /// <summary>What a frame pointer of operand size holds of a stack offset: with a 16-bit stack the upper half of (E)SP as it is.</summary>
    private static ulong InStackWidth(CpuState* s, ulong offset) =>
        (s->Mode & (Mode.Code64 | Mode.Stack32)) != 0 ? offset : (s->General[4] & ~0xFFFFUL) | (ushort)offset;
}
