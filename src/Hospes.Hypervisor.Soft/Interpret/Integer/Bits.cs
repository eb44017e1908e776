using System.Numerics;
using System.Runtime.CompilerServices;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

/// <summary>What BT, BTS, BTR and BTC make of the word that holds the bit, as a type argument.</summary>
internal interface IBitChange
{
    static abstract bool Stores { get; }

    static abstract ulong Apply(ulong word, ulong bit);
}

internal readonly struct LookAtBit : IBitChange
{
    public static bool Stores => false;

    public static ulong Apply(ulong word, ulong bit) => word;
}

internal readonly struct SetBit : IBitChange
{
    public static bool Stores => true;

    public static ulong Apply(ulong word, ulong bit) => word | bit;
}

internal readonly struct ResetBit : IBitChange
{
    public static bool Stores => true;

    public static ulong Apply(ulong word, ulong bit) => word & ~bit;
}

internal readonly struct ComplementBit : IBitChange
{
    public static bool Stores => true;

    public static ulong Apply(ulong word, ulong bit) => word ^ bit;
}

/// <summary>The operand shapes of BT and its like. CF is the old bit; the other flags stay.</summary>
internal static unsafe class BitTest<TChange, T>
    where TChange : struct, IBitChange
    where T : unmanaged
{
    public static void RegReg(CpuState* s, Op* op) => Reg(s, op, Register.Get<T>(s, op->Reg1));

    public static void RegImm(CpuState* s, Op* op) => Reg(s, op, op->Imm);

    public static void MemReg(CpuState* s, Op* op)
    {
        ulong index = Register.Get<T>(s, op->Reg1);
        Memory(s, StringAddress(s, op, index), index);
    }

    public static void MemImm(CpuState* s, Op* op) => Memory(s, Mem.Address(s, op), op->Imm);

    public static void LockedReg(CpuState* s, Op* op)
    {
        ulong index = Register.Get<T>(s, op->Reg1);
        Locked(s, StringAddress(s, op, index), index);
    }

    public static void LockedImm(CpuState* s, Op* op) => Locked(s, Mem.Address(s, op), op->Imm);

    /// <summary>A bit offset in a register is signed and reaches beyond the addressed word: whole words are added to the address.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong StringAddress(CpuState* s, Op* op, ulong index)
    {
        int shift = BitOperations.Log2((uint)Width.Bits<T>());
        ulong offset = Mem.Offset(s, op) + (ulong)((Width.Sign<T>(index) >> shift) * sizeof(T));
        return op->Address == AddressKind.Flat64 ? offset : Segmentation.Linear(s, op, offset);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Position(ulong index) => (int)index & (Width.Bits<T>() - 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Reg(CpuState* s, Op* op, ulong index)
    {
        int position = Position(index);
        ulong word = Register.Get<T>(s, op->Reg0);
        if (TChange.Stores) Register.Set<T>(s, op->Reg0, TChange.Apply(word, 1UL << position));
        SetCarry(s, word, position);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Memory(CpuState* s, ulong address, ulong index)
    {
        int position = Position(index);
        if (!TChange.Stores)
        {
            SetCarry(s, Width.Widen(Mem.Read<T>(s, address)), position);
            return;
        }
        T* at = Mem.BeginModify<T>(s, address);
        ulong word = Width.Widen(*at);
        *at = Width.Narrow<T>(TChange.Apply(word, 1UL << position));
        Mem.EndModify(s, address, at);
        SetCarry(s, word, position);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Locked(CpuState* s, ulong address, ulong index)
    {
        int position = Position(index);
        T* at = Mem.BeginLocked<T>(s, address);
        ulong word;
        do
        {
            word = Width.Widen(Atomic.Load(at));
        }
        while (Atomic.CompareExchange(at, TChange.Apply(word, 1UL << position), word) != word);
        Mem.EndLocked(s, address, at);
        SetCarry(s, word, position);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void SetCarry(CpuState* s, ulong word, int position) => CarryBack.Restore(s, (word >> position) << 63);
}

/// <summary>BSF, BSR, TZCNT, LZCNT and POPCNT.</summary>
internal static unsafe class BitScan<T>
    where T : unmanaged
{
    public static void ForwardReg(CpuState* s, Op* op) => Forward(s, op, Register.Get<T>(s, op->Reg1));

    public static void ForwardMem(CpuState* s, Op* op) => Forward(s, op, Load(s, op));

    public static void ReverseReg(CpuState* s, Op* op) => Reverse(s, op, Register.Get<T>(s, op->Reg1));

    public static void ReverseMem(CpuState* s, Op* op) => Reverse(s, op, Load(s, op));

    public static void TrailingReg(CpuState* s, Op* op) => Trailing(s, op, Register.Get<T>(s, op->Reg1));

    public static void TrailingMem(CpuState* s, Op* op) => Trailing(s, op, Load(s, op));

    public static void LeadingReg(CpuState* s, Op* op) => Leading(s, op, Register.Get<T>(s, op->Reg1));

    public static void LeadingMem(CpuState* s, Op* op) => Leading(s, op, Load(s, op));

    public static void PopulationReg(CpuState* s, Op* op) => Population(s, op, Register.Get<T>(s, op->Reg1));

    public static void PopulationMem(CpuState* s, Op* op) => Population(s, op, Load(s, op));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Load(CpuState* s, Op* op) => Width.Widen(Mem.Read<T>(s, Mem.Address(s, op)));

    /// <summary>With a source of 0 the destination stays as it is, all 64 bits of it, as on every recent processor.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Forward(CpuState* s, Op* op, ulong source)
    {
        if (source != 0) Register.Set<T>(s, op->Reg0, (ulong)BitOperations.TrailingZeroCount(source));
        Flags.SetLogic(s, source, Width.Bits<T>());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Reverse(CpuState* s, Op* op, ulong source)
    {
        if (source != 0) Register.Set<T>(s, op->Reg0, (ulong)BitOperations.Log2(source));
        Flags.SetLogic(s, source, Width.Bits<T>());
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Trailing(CpuState* s, Op* op, ulong source) =>
        Count(s, op, source, source == 0 ? Width.Bits<T>() : BitOperations.TrailingZeroCount(source));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Leading(CpuState* s, Op* op, ulong source) =>
        Count(s, op, source, BitOperations.LeadingZeroCount(source) - (64 - Width.Bits<T>()));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Count(CpuState* s, Op* op, ulong source, int count)
    {
        Register.Set<T>(s, op->Reg0, (ulong)count);
        Flags.SetResult(s, (ulong)count, Width.Bits<T>(), source == 0, overflow: false);
    }

    /// <summary>All flags but ZF are cleared, PF too.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Population(CpuState* s, Op* op, ulong source)
    {
        Register.Set<T>(s, op->Reg0, (ulong)BitOperations.PopCount(source));
        Flags.WriteArithmetic(s, source == 0 ? Flags.Zf : 0);
    }
}
