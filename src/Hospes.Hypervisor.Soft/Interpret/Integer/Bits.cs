using System.Numerics;
using System.Runtime.CompilerServices;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;
using static Hospes.Hypervisor.Soft.Interpret.Integer.Registers;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

/// <summary>What BT, BTS, BTR and BTC do to the bit.</summary>
internal interface IBitChange
{
    static abstract T Apply<T>(T value, T mask)
        where T : unmanaged, IBinaryInteger<T>;

    static abstract bool Writes { get; }
}

internal readonly struct BitKeep : IBitChange
{
    public static bool Writes => false;

    public static T Apply<T>(T value, T mask)
        where T : unmanaged, IBinaryInteger<T> => value;
}

internal readonly struct BitSet : IBitChange
{
    public static bool Writes => true;

    public static T Apply<T>(T value, T mask)
        where T : unmanaged, IBinaryInteger<T> => value | mask;
}

internal readonly struct BitReset : IBitChange
{
    public static bool Writes => true;

    public static T Apply<T>(T value, T mask)
        where T : unmanaged, IBinaryInteger<T> => value & ~mask;
}

internal readonly struct BitComplement : IBitChange
{
    public static bool Writes => true;

    public static T Apply<T>(T value, T mask)
        where T : unmanaged, IBinaryInteger<T> => value ^ mask;
}

/// <summary>The forms of BT, BTS, BTR, BTC. Only CF is written; the other flags stay.</summary>
internal static unsafe class BitTest<TChange, T>
    where TChange : IBitChange
    where T : unmanaged, IBinaryInteger<T>
{
    private static int Bits => sizeof(T) * 8;

    public static void RegisterRegister(CpuState* s, Op* op) => Register(s, op, (int)Wide(Get<T>(s, op->Reg1)));

    public static void RegisterImmediate(CpuState* s, Op* op) => Register(s, op, (int)op->Imm);

    public static void MemoryImmediate(CpuState* s, Op* op) => Memory(s, Mem.Address(s, op), (int)op->Imm & (Bits - 1), locked: false);

    public static void LockedImmediate(CpuState* s, Op* op) => Memory(s, Mem.Address(s, op), (int)op->Imm & (Bits - 1), locked: true);

    public static void MemoryRegister(CpuState* s, Op* op) => Memory(s, BitString(s, op, out int bit), bit, locked: false);

    public static void LockedRegister(CpuState* s, Op* op) => Memory(s, BitString(s, op, out int bit), bit, locked: true);

    private static void Register(CpuState* s, Op* op, int bit)
    {
        bit &= Bits - 1;
        T value = Get<T>(s, op->Reg0);
        if (TChange.Writes) Set(s, op->Reg0, TChange.Apply(value, T.One << bit));
        SetCarry(s, value, bit);
    }

    /// <summary>A register's bit offset is signed and selects the operand-sized word of a bit string around the address.</summary>
    private static ulong BitString(CpuState* s, Op* op, out int bit)
    {
        long offset = (long)(Wide(Get<T>(s, op->Reg1)) << (64 - Bits)) >> (64 - Bits);
        bit = (int)(offset & (Bits - 1));
        ulong displacement = (ulong)((offset >> BitOperations.Log2((uint)Bits)) * sizeof(T));
        if (op->Address == AddressKind.Flat64) return Mem.Offset(s, op) + displacement;
        return Segmentation.Linear(s, op, Mem.Offset(s, op) + displacement);
    }

    private static void Memory(CpuState* s, ulong address, int bit, bool locked)
    {
        T old;
        T mask = T.One << bit;
        if (!TChange.Writes)
        {
            old = Mem.Read<T>(s, address);
        }
        else if (locked)
        {
            T* at = Mem.BeginLocked<T>(s, address);
            do old = Atomic.Read(at);
            while (!Atomic.Exchange(at, TChange.Apply(old, mask), old));
            Mem.EndLocked(s, address, at);
        }
        else
        {
            T* at = Mem.BeginModify<T>(s, address);
            old = *at;
            *at = TChange.Apply(old, mask);
            Mem.EndModify(s, address, at);
        }
        SetCarry(s, old, bit);
    }

    private static void SetCarry(CpuState* s, T value, int bit) =>
        Rotates.SetFlags(s, (Wide(value) >> bit & 1) != 0, Flags.Overflow(s));
}

/// <summary>BSF, BSR, TZCNT, LZCNT, POPCNT, BMI1, BMI2, ADX, CRC32.</summary>
internal static unsafe class BitOps<T>
    where T : unmanaged, IBinaryInteger<T>
{
    private static int Bits => sizeof(T) * 8;

    /// <summary>BSF: a source of 0 leaves the destination as it is.</summary>
    public static void Bsf(CpuState* s, Op* op)
    {
        ulong source = Wide(Operand1<T>(s, op));
        if (source != 0) Set(s, op->Reg0, T.CreateTruncating(BitOperations.TrailingZeroCount(source)));
        SetZero(s, source == 0);
    }

    public static void Bsr(CpuState* s, Op* op)
    {
        ulong source = Wide(Operand1<T>(s, op));
        if (source != 0) Set(s, op->Reg0, T.CreateTruncating(63 - BitOperations.LeadingZeroCount(source)));
        SetZero(s, source == 0);
    }

    public static void Tzcnt(CpuState* s, Op* op)
    {
        ulong source = Wide(Operand1<T>(s, op));
        ulong count = source == 0 ? (ulong)Bits : (ulong)BitOperations.TrailingZeroCount(source);
        Set(s, op->Reg0, T.CreateTruncating(count));
        SetCount(s, count, source == 0);
    }

    public static void Lzcnt(CpuState* s, Op* op)
    {
        ulong source = Wide(Operand1<T>(s, op));
        ulong count = (ulong)(BitOperations.LeadingZeroCount(source) - (64 - Bits));
        Set(s, op->Reg0, T.CreateTruncating(count));
        SetCount(s, count, source == 0);
    }

    public static void Popcnt(CpuState* s, Op* op)
    {
        ulong source = Wide(Operand1<T>(s, op));
        Set(s, op->Reg0, T.CreateTruncating(BitOperations.PopCount(source)));
        Flags.WriteArithmetic(s, source == 0 ? Flags.Zf : 0);
    }

    public static void Andn(CpuState* s, Op* op)
    {
        T b = op->HasMemory ? Mem.Read<T>(s, Mem.Address(s, op)) : Get<T>(s, op->Reg2);
        T r = ~Get<T>(s, op->Reg1) & b;
        Set(s, op->Reg0, r);
        Flags.SetLogic(s, Wide(r), Bits);
    }

    public static void Blsi(CpuState* s, Op* op)
    {
        T a = Operand1<T>(s, op), r = unchecked((T.Zero - a) & a);
        Set(s, op->Reg0, r);
        Flags.SetResult(s, Wide(r), Bits, a != T.Zero, false);
    }

    public static void Blsmsk(CpuState* s, Op* op)
    {
        T a = Operand1<T>(s, op), r = unchecked((a - T.One) ^ a);
        Set(s, op->Reg0, r);
        Flags.SetResult(s, Wide(r), Bits, a == T.Zero, false);
    }

    public static void Blsr(CpuState* s, Op* op)
    {
        T a = Operand1<T>(s, op), r = unchecked((a - T.One) & a);
        Set(s, op->Reg0, r);
        Flags.SetResult(s, Wide(r), Bits, a == T.Zero, false);
    }

    public static void Bextr(CpuState* s, Op* op)
    {
        ulong a = Wide(Operand1<T>(s, op)), control = Wide(Get<T>(s, op->Reg2));
        int start = (int)control & 0xFF, length = (int)(control >> 8) & 0xFF;
        ulong r = start >= Bits ? 0 : a >> start;
        if (length < 64) r &= (1UL << length) - 1;
        Set(s, op->Reg0, T.CreateTruncating(r));
        Flags.SetLogic(s, r, Bits);
    }

    public static void Bzhi(CpuState* s, Op* op)
    {
        ulong a = Wide(Operand1<T>(s, op));
        int index = (int)Wide(Get<T>(s, op->Reg2)) & 0xFF;
        ulong r = index >= Bits ? a : a & ((1UL << index) - 1);
        Set(s, op->Reg0, T.CreateTruncating(r));
        Flags.SetResult(s, r, Bits, index >= Bits, false);
    }

    public static void Pdep(CpuState* s, Op* op)
    {
        ulong mask = Wide(op->HasMemory ? Mem.Read<T>(s, Mem.Address(s, op)) : Get<T>(s, op->Reg2)), source = Wide(Get<T>(s, op->Reg1)), r = 0;
        for (; mask != 0; mask &= mask - 1, source >>= 1)
        {
            if ((source & 1) != 0) r |= mask & (0 - mask);
        }
        Set(s, op->Reg0, T.CreateTruncating(r));
    }

    public static void Pext(CpuState* s, Op* op)
    {
        ulong mask = Wide(op->HasMemory ? Mem.Read<T>(s, Mem.Address(s, op)) : Get<T>(s, op->Reg2)), source = Wide(Get<T>(s, op->Reg1)), r = 0;
        for (int i = 0; mask != 0; mask &= mask - 1, i++)
        {
            if ((source & mask & (0 - mask)) != 0) r |= 1UL << i;
        }
        Set(s, op->Reg0, T.CreateTruncating(r));
    }

    public static void Rorx(CpuState* s, Op* op) => Set(s, op->Reg0, T.RotateRight(Operand1<T>(s, op), (int)op->Imm & (Bits - 1)));

    public static void Sarx(CpuState* s, Op* op)
    {
        long a = (long)(Wide(Operand1<T>(s, op)) << (64 - Bits)) >> (64 - Bits);
        Set(s, op->Reg0, T.CreateTruncating(a >> ((int)Wide(Get<T>(s, op->Reg2)) & (Bits - 1))));
    }

    public static void Shlx(CpuState* s, Op* op) => Set(s, op->Reg0, Operand1<T>(s, op) << ((int)Wide(Get<T>(s, op->Reg2)) & (Bits - 1)));

    public static void Shrx(CpuState* s, Op* op) => Set(s, op->Reg0, Operand1<T>(s, op) >>> ((int)Wide(Get<T>(s, op->Reg2)) & (Bits - 1)));

    public static void Adcx(CpuState* s, Op* op)
    {
        UInt128 sum = Sum(s, op, Flags.Carry(s));
        Rotates.SetFlags(s, sum >> Bits != 0, Flags.Overflow(s));
        Set(s, op->Reg0, T.CreateTruncating((ulong)sum));
    }

    public static void Adox(CpuState* s, Op* op)
    {
        UInt128 sum = Sum(s, op, Flags.Overflow(s));
        Rotates.SetFlags(s, Flags.Carry(s), sum >> Bits != 0);
        Set(s, op->Reg0, T.CreateTruncating((ulong)sum));
    }

    /// <summary>CRC32 with the source in the operand's width: the Castagnoli polynomial, reflected.</summary>
    public static void Crc32(CpuState* s, Op* op)
    {
        ulong source = Wide(Operand1<T>(s, op));
        uint crc = (uint)*(ulong*)((byte*)s + op->Reg0);
        crc = sizeof(T) switch
        {
            1 => BitOperations.Crc32C(crc, (byte)source),
            2 => BitOperations.Crc32C(crc, (ushort)source),
            4 => BitOperations.Crc32C(crc, (uint)source),
            _ => BitOperations.Crc32C(crc, source),
        };
        *(ulong*)((byte*)s + op->Reg0) = crc;
    }

    private static UInt128 Sum(CpuState* s, Op* op, bool carry) =>
        (UInt128)Wide(Get<T>(s, op->Reg0)) + Wide(Operand1<T>(s, op)) + (carry ? 1u : 0);

    private static void SetZero(CpuState* s, bool zero) => Flags.WriteArithmetic(s, (Flags.Read(s) & ~Flags.Zf) | (zero ? Flags.Zf : 0));

    private static void SetCount(CpuState* s, ulong count, bool carry) =>
        Flags.WriteArithmetic(s, (Flags.Read(s) & ~(Flags.Zf | Flags.Cf)) | (count == 0 ? Flags.Zf : 0) | (carry ? Flags.Cf : 0));
}
