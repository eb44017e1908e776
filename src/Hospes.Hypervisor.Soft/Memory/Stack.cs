using System.Runtime.CompilerServices;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;

namespace Hospes.Hypervisor.Soft.Memory;

/// <summary>The stack as instructions use it: SS:SP, SS:ESP or RSP by mode.</summary>
internal static unsafe class Stack
{
    private const int Rsp = 4;

    /// <summary>Pushes the low 2, 4 or 8 bytes of a value. RSP changes only when the write succeeded.</summary>
    /// <param name="s">The processor.</param>
    /// <param name="size">2, 4 or 8.</param>
    /// <param name="value">What to push.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Push(CpuState* s, int size, ulong value)
    {
        if (size == 8)
        {
            ulong top = s->General[Rsp] - 8;
            Mem.Write(s, top, value);
            s->General[Rsp] = top;
            return;
        }
        PushNarrow(s, size, value);
    }

    /// <summary>Pops 2, 4 or 8 bytes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Pop(CpuState* s, int size)
    {
        if (size == 8)
        {
            ulong value = Mem.Read<ulong>(s, s->General[Rsp]);
            s->General[Rsp] += 8;
            return value;
        }
        ulong narrow = Peek(s, size, 0);
        Adjust(s, size);
        return narrow;
    }

    /// <summary>Reads 2, 4 or 8 bytes at an offset above the stack pointer without popping.</summary>
    public static ulong Peek(CpuState* s, int size, int offset)
    {
        ulong address = Linear(s, s->General[Rsp] + (ulong)offset, size, write: false);
        return size switch
        {
            2 => Mem.Read<ushort>(s, address),
            4 => Mem.Read<uint>(s, address),
            _ => Mem.Read<ulong>(s, address),
        };
    }

    /// <summary>Adds to the stack pointer, within its width.</summary>
    public static void Adjust(CpuState* s, long bytes) => SetPointer(s, s->General[Rsp] + (ulong)bytes);

    /// <summary>Sets the stack pointer, within its width.</summary>
    public static void SetPointer(CpuState* s, ulong value)
    {
        if ((s->Mode & Mode.Code64) != 0) s->General[Rsp] = value;
        else if ((s->Mode & Mode.Stack32) != 0) s->General[Rsp] = (uint)value;
        else *(ushort*)&s->General[Rsp] = (ushort)value;
    }

    /// <summary>The linear address of a stack access of <paramref name="size"/> bytes at a stack offset; faults with #SS.</summary>
    public static ulong Linear(CpuState* s, ulong offset, int size, bool write)
    {
        if ((s->Mode & Mode.Code64) != 0) return offset;
        offset &= (s->Mode & Mode.Stack32) != 0 ? uint.MaxValue : (ulong)ushort.MaxValue;
        return Segmentation.Linear(s, 2, offset, size, write);
    }

    private static void PushNarrow(CpuState* s, int size, ulong value)
    {
        ulong offset = s->General[Rsp] - (ulong)size;
        ulong address = Linear(s, offset, size, write: true);
        if (size == 2) Mem.Write(s, address, (ushort)value);
        else Mem.Write(s, address, (uint)value);
        SetPointer(s, offset);
    }
}
