using System.Runtime.InteropServices;
using Hospes.Hypervisor.Soft.Cpu;

namespace Hospes.Hypervisor.Soft.Decode;

/// <summary>One decoded instruction in an arena: the handler and all that it needs. Read-only once its block is published.</summary>
[StructLayout(LayoutKind.Sequential, Size = 56)]
internal unsafe struct Op
{
    /// <summary>Executes the instruction.</summary>
    public delegate*<CpuState*, Op*, void> Handler;

    /// <summary>The immediate, sign-extended as the instruction extends it; or the target of a near branch (an offset inside CS).</summary>
    public ulong Imm;

    /// <summary>The displacement of the memory operand, sign-extended; for RIP-relative operands the whole address.</summary>
    public ulong Disp;

    /// <summary>Operands 0 to 3 where they are registers: a general register as its byte offset in <see cref="CpuState"/> (AL 0, AH 1, CL 8 …);
    /// a vector, MMX, x87 stack, segment, control or debug register as its number.</summary>
    public byte Reg0, Reg1, Reg2, Reg3;

    /// <summary>Byte offsets of base and index registers in <see cref="CpuState"/>; <see cref="CpuState.ZeroOffset"/> for none.</summary>
    public byte Base, Index;

    /// <summary>The index is shifted left by this.</summary>
    public byte Scale;

    /// <summary>The memory operand's segment register, 0 to 5 (ES, CS, SS, DS, FS, GS), overrides applied.</summary>
    public byte Segment;

    /// <summary>How the address is formed beyond base + index * scale + displacement.</summary>
    public AddressKind Address;

    /// <summary>LOCK, REP and REPNE prefixes that mean something.</summary>
    public OpPrefixes Prefixes;

    /// <summary>The operand size in bytes where a handler serves several (2, 4 or 8), and the address size (2, 4 or 8).</summary>
    public byte OperandSize, AddressSize;

    /// <summary>Offset of the instruction's first byte from the block's start.</summary>
    public ushort RipOffset;

    /// <summary>The instruction's length in bytes, 1 to 15.</summary>
    public byte Length;

    /// <summary>A second immediate (ENTER's level, EXTRQ's index), or a comparison predicate.</summary>
    public byte Imm2;

    /// <summary>The Iced code value, for handlers that serve several and for tracing.</summary>
    public ushort Code;

    /// <summary>Bytes that the memory operand has, for limit checks; at most 255.</summary>
    public byte AccessSize;

    /// <summary>Whether any operand is in memory, and whether the instruction writes it.</summary>
    public bool HasMemory, Writes;

    /// <summary>Whether the decoder has made the instruction a fault, by mode or model.</summary>
    public bool Faults;

    /// <summary>Whether the translator has left the instruction to its handler.</summary>
    public bool IsInterpreted;
}

/// <summary>What an address needs beyond the sum.</summary>
internal enum AddressKind : byte
{
    /// <summary>Nothing: 64-bit addresses without a segment base, or 32-bit ones in flat segments (truncated already by <see cref="Flat32"/>).</summary>
    Flat64 = 0,

    /// <summary>Truncate to 32 bits; the segment is flat.</summary>
    Flat32,

    /// <summary>64-bit mode: truncate by address size, add the FS or GS base.</summary>
    Based64,

    /// <summary>Outside 64-bit mode: truncate by address size, check limit and rights, add the base.</summary>
    Segmented,
}

/// <summary>Prefixes with a meaning for the instruction.</summary>
[Flags]
internal enum OpPrefixes : byte
{
    None = 0,
    Lock = 1,
    Rep = 2,
    Repne = 4,
}
