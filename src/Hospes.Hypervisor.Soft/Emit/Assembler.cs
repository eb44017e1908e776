using System.Runtime.CompilerServices;

namespace Hospes.Hypervisor.Soft.Emit;

/// <summary>
/// Writes x86-64 machine code for the few host instructions that translated blocks are glued together with. Positions are addresses in the
/// executable view; bytes go through the writable one.
/// </summary>
internal sealed unsafe class Assembler
{
    // SAFETY: callers make sure of room before each block (Room); every write is at Position, which only grows.

    public const byte Gs = 0x65;

    private readonly nint _delta;
    private byte* _at;

    public Assembler(CodeMemory memory)
    {
        _delta = memory.WriteDelta;
        Start = memory.Executable;
        End = Start + memory.Size;
        _at = Start;
    }

    /// <summary>The first byte of the executable view, and the one behind its last.</summary>
    public byte* Start { get; }

    /// <inheritdoc cref="Start"/>
    public byte* End { get; }

    /// <summary>Where the next byte goes.</summary>
    public byte* Position
    {
        get => _at;
        set => _at = value;
    }

    /// <summary>Bytes left.</summary>
    public long Room => End - _at;

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Byte(int value) => *(_at++ + _delta) = (byte)value;

    public void Int32(int value)
    {
        *(int*)(_at + _delta) = value;
        _at += 4;
    }

    public void Int64(ulong value)
    {
        *(ulong*)(_at + _delta) = value;
        _at += 8;
    }

    /// <summary>REX with W, and the high bits of reg, index and rm; left out when it would be 0x40 and is not asked for.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Rex(bool wide, int reg, int index, int rm, bool always = false)
    {
        int rex = 0x40 | (wide ? 8 : 0) | (reg >> 3 & 1) << 2 | (index >> 3 & 1) << 1 | rm >> 3 & 1;
        if (rex != 0x40 || always) Byte(rex);
    }

    /// <summary>ModRM for a register operand.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void ModRegister(int reg, int rm) => Byte(0xC0 | (reg & 7) << 3 | rm & 7);

    /// <summary>ModRM, SIB and displacement for [base + index * 2^scale + displacement]; either may be absent (-1).</summary>
    public void ModMemory(int reg, int basis, int index, int scale, int displacement)
    {
        int field = (reg & 7) << 3;
        if (basis < 0)
        {
            // No base: SIB with base 101 and a 32-bit displacement.
            Byte(field | 4);
            Byte(scale << 6 | (index < 0 ? 4 : index & 7) << 3 | 5);
            Int32(displacement);
            return;
        }
        bool small = displacement is >= -128 and <= 127, none = displacement == 0 && (basis & 7) != 5;
        int mod = none ? 0 : small ? 0x40 : 0x80;
        if (index >= 0 || (basis & 7) == 4)
        {
            Byte(mod | field | 4);
            Byte(scale << 6 | (index < 0 ? 4 : index & 7) << 3 | basis & 7);
        }
        else
        {
            Byte(mod | field | basis & 7);
        }
        if (none) return;
        if (small) Byte(displacement);
        else Int32(displacement);
    }

    /// <summary>opcode reg, rm (both registers).</summary>
    public void RegReg(int opcode, int reg, int rm, bool wide = true)
    {
        Rex(wide, reg, 0, rm);
        Byte(opcode);
        ModRegister(reg, rm);
    }

    /// <summary>opcode reg, gs:[offset].</summary>
    public void RegState(int opcode, int reg, int offset, bool wide = true)
    {
        Byte(Gs);
        Rex(wide, reg, 0, 0);
        Byte(opcode);
        ModMemory(reg, -1, -1, 0, offset);
    }

    /// <summary>opcode reg, gs:[basis + offset].</summary>
    public void RegStateAt(int opcode, int reg, int basis, int offset, bool wide = true)
    {
        Byte(Gs);
        Rex(wide, reg, 0, basis);
        Byte(opcode);
        // The full displacement is used always, so that tables can be anywhere behind the state.
        Byte(0x80 | (reg & 7) << 3 | basis & 7);
        if ((basis & 7) == 4) throw new InvalidOperationException("this base needs a SIB byte");
        Int32(offset);
    }

    /// <summary>opcode reg, [basis + displacement].</summary>
    public void RegMemory(int opcode, int reg, int basis, int displacement, bool wide = true)
    {
        Rex(wide, reg, 0, basis);
        Byte(opcode);
        ModMemory(reg, basis, -1, 0, displacement);
    }

    /// <summary>mov to, from.</summary>
    public void Move(int to, int from, bool wide = true) => RegReg(0x8B, to, from, wide);

    /// <summary>mov reg, constant, in the shortest form; does not touch flags.</summary>
    public void Constant(int reg, ulong value)
    {
        if (value <= uint.MaxValue)
        {
            Rex(false, 0, 0, reg);
            Byte(0xB8 | reg & 7);
            Int32((int)(uint)value);
        }
        else if ((long)value is >= int.MinValue and < 0)
        {
            Rex(true, 0, 0, reg);
            Byte(0xC7);
            ModRegister(0, reg);
            Int32((int)value);
        }
        else
        {
            Rex(true, 0, 0, reg);
            Byte(0xB8 | reg & 7);
            Int64(value);
        }
    }

    /// <summary>group1 reg, imm32 (ADD 0, OR 1, AND 4, SUB 5, XOR 6, CMP 7).</summary>
    public void Group1(int operation, int reg, int value, bool wide = true)
    {
        Rex(wide, 0, 0, reg);
        bool small = value is >= -128 and <= 127;
        Byte(small ? 0x83 : 0x81);
        ModRegister(operation, reg);
        if (small) Byte(value);
        else Int32(value);
    }

    /// <summary>sar reg, count.</summary>
    public void ShiftRight(int reg, int count)
    {
        Rex(true, 0, 0, reg);
        Byte(0xC1);
        ModRegister(7, reg);
        Byte(count);
    }

    /// <summary>lea reg, [basis + displacement].</summary>
    public void Lea(int reg, int basis, int displacement) => RegMemory(0x8D, reg, basis, displacement);

    /// <summary>rorx reg, rm, count: a rotation that leaves the flags alone.</summary>
    public void Rorx(int reg, int rm, int count, bool wide)
    {
        Byte(0xC4);
        Byte(((reg & 8) == 0 ? 0x80 : 0) | 0x40 | ((rm & 8) == 0 ? 0x20 : 0) | 3);
        Byte((wide ? 0x80 : 0) | 0x78 | 3);
        Byte(0xF0);
        ModRegister(reg, rm);
        Byte(count);
    }

    /// <summary>sarx reg, rm, count register: a shift that leaves the flags alone.</summary>
    public void Sarx(int reg, int rm, int count, bool wide)
    {
        Byte(0xC4);
        Byte(((reg & 8) == 0 ? 0x80 : 0) | 0x40 | ((rm & 8) == 0 ? 0x20 : 0) | 2);
        Byte((wide ? 0x80 : 0) | (~count & 15) << 3 | 2);
        Byte(0xF7);
        ModRegister(reg, rm);
    }

    /// <summary>lea reg, [basis + index * 2^scale]; the base may be absent (-1).</summary>
    public void LeaIndexed(int reg, int basis, int index, int scale)
    {
        Rex(true, reg, index, Math.Max(basis, 0));
        Byte(0x8D);
        ModMemory(reg, basis, index, scale, 0);
    }

    /// <summary>jmp to an address in the code memory.</summary>
    public void Jump(byte* target)
    {
        Byte(0xE9);
        Int32((int)(target - (_at + 4)));
    }

    /// <summary>jcc with a target to be filled in. Answers where its 32-bit displacement is.</summary>
    public byte* JumpIf(int condition)
    {
        Byte(0x0F);
        Byte(0x80 | condition);
        Int32(0);
        return _at - 4;
    }

    /// <summary>jmp with a target to be filled in. Answers where its 32-bit displacement is.</summary>
    public byte* JumpForward()
    {
        Byte(0xE9);
        Int32(0);
        return _at - 4;
    }

    /// <summary>Fills in a displacement.</summary>
    public void Patch(byte* displacement, byte* target) => *(int*)(displacement + _delta) = (int)(target - (displacement + 4));

    /// <summary>Overwrites what stands at an address with a jump.</summary>
    public void JumpAt(byte* at, byte* target)
    {
        *(at + _delta) = 0xE9;
        Patch(at + 1, target);
    }

    /// <summary>Condition codes of Jcc, SETcc.</summary>
    public const int Overflow = 0, Carry = 2, NotCarry = 3, Equal = 4, NotEqual = 5, Above = 7;
}
