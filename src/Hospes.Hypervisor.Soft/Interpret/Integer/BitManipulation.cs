using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

/// <summary>BMI1, BMI2, ADX and CRC32 on 32-bit and 64-bit operands. Each handler serves the register and the memory form.</summary>
internal static unsafe class BitManipulation<T>
    where T : unmanaged
{
    private static int Bits => Width.Bits<T>();

    public static void AndNot(CpuState* s, Op* op)
    {
        ulong b = Third(s, op);
        ulong result = ~Register.Get<T>(s, op->Reg1) & b;
        Register.Set<T>(s, op->Reg0, result);
        Flags.SetLogic(s, result, Bits);
    }

    /// <summary>BEXTR: the third operand holds start (bits 0-7) and length (bits 8-15).</summary>
    public static void Extract(CpuState* s, Op* op)
    {
        ulong source = Second(s, op), control = Register.Get<T>(s, op->Reg2);
        int start = (byte)control, length = (byte)(control >> 8);
        ulong result = start < Bits ? source >> start : 0;
        if (length < 64) result &= (1UL << length) - 1;
        Register.Set<T>(s, op->Reg0, result);
        Flags.SetLogic(s, result, Bits);
    }

    public static void IsolateLowest(CpuState* s, Op* op)
    {
        ulong source = Second(s, op);
        Lowest(s, op, source & (0 - source), source != 0);
    }

    public static void MaskToLowest(CpuState* s, Op* op)
    {
        ulong source = Second(s, op);
        Lowest(s, op, source ^ (source - 1), source == 0);
    }

    public static void ResetLowest(CpuState* s, Op* op)
    {
        ulong source = Second(s, op);
        Lowest(s, op, source & (source - 1), source == 0);
    }

    /// <summary>BZHI: clears the bits from the position in the third operand's low byte on.</summary>
    public static void ZeroHigh(CpuState* s, Op* op)
    {
        ulong result = Second(s, op);
        int position = (byte)Register.Get<T>(s, op->Reg2);
        bool beyond = position >= Bits;
        if (!beyond) result &= (1UL << position) - 1;
        Register.Set<T>(s, op->Reg0, result);
        Flags.SetResult(s, result, Bits, beyond, overflow: false);
    }

    /// <summary>MULX: the low half is written first, so with equal destinations the high half stays.</summary>
    public static void Multiply(CpuState* s, Op* op)
    {
        ulong b = Third(s, op), a = Register.Get<T>(s, Register.Rdx), low, high;
        if (typeof(T) == typeof(ulong))
        {
            high = Math.BigMul(a, b, out low);
        }
        else
        {
            low = a * b;
            high = low >> 32;
        }
        Register.Set<T>(s, op->Reg1, low);
        Register.Set<T>(s, op->Reg0, high);
    }

    public static void Deposit(CpuState* s, Op* op)
    {
        ulong mask = Third(s, op), source = Register.Get<T>(s, op->Reg1);
        Register.Set<T>(s, op->Reg0, Bmi2.X64.IsSupported ? Bmi2.X64.ParallelBitDeposit(source, mask) : BitPatterns.Deposit(source, mask));
    }

    public static void Gather(CpuState* s, Op* op)
    {
        ulong mask = Third(s, op), source = Register.Get<T>(s, op->Reg1);
        Register.Set<T>(s, op->Reg0, Bmi2.X64.IsSupported ? Bmi2.X64.ParallelBitExtract(source, mask) : BitPatterns.Extract(source, mask));
    }

    public static void RotateRight(CpuState* s, Op* op)
    {
        ulong source = Second(s, op);
        int count = (int)op->Imm & (Bits - 1);
        ulong result = typeof(T) == typeof(ulong) ? BitOperations.RotateRight(source, count) : BitOperations.RotateRight((uint)source, count);
        Register.Set<T>(s, op->Reg0, result);
    }

    public static void ShiftArithmetic(CpuState* s, Op* op)
    {
        ulong source = Second(s, op);
        Register.Set<T>(s, op->Reg0, (ulong)(Width.Sign<T>(source) >> Count(s, op)));
    }

    public static void ShiftLeft(CpuState* s, Op* op)
    {
        ulong source = Second(s, op);
        Register.Set<T>(s, op->Reg0, source << Count(s, op));
    }

    public static void ShiftRight(CpuState* s, Op* op)
    {
        ulong source = Second(s, op);
        Register.Set<T>(s, op->Reg0, source >> Count(s, op));
    }

    /// <summary>ADCX: adds with CF and changes nothing but CF.</summary>
    public static void AddWithCarry(CpuState* s, Op* op)
    {
        ulong carry = AddChain(s, op, s->FlagAux >> 63);
        CarryBack.Restore(s, carry << 63);
    }

    /// <summary>ADOX: adds with OF and changes nothing but OF.</summary>
    public static void AddWithOverflow(CpuState* s, Op* op)
    {
        ulong carry = AddChain(s, op, ((s->FlagAux >> 63) ^ (s->FlagAux >> 62)) & 1);
        s->FlagAux = (s->FlagAux & ~Flags.AuxPartial) | (((s->FlagAux >> 63) ^ carry) << 62);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong AddChain(CpuState* s, Op* op, ulong carry)
    {
        ulong b = Second(s, op), a = Register.Get<T>(s, op->Reg0);
        ulong result = a + b + carry;
        Register.Set<T>(s, op->Reg0, result);
        ulong carries = (a & b) | ((a | b) & ~result);
        return (carries >> (Bits - 1)) & 1;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Lowest(CpuState* s, Op* op, ulong result, bool carry)
    {
        // VEX.vvvv names the destination: operand 0.
        Register.Set<T>(s, op->Reg0, result);
        Flags.SetResult(s, result, Bits, carry, overflow: false);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int Count(CpuState* s, Op* op) => (int)Register.Get<T>(s, op->Reg2) & (Bits - 1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Second(CpuState* s, Op* op) => op->HasMemory ? Load(s, op) : Register.Get<T>(s, op->Reg1);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Third(CpuState* s, Op* op) => op->HasMemory ? Load(s, op) : Register.Get<T>(s, op->Reg2);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Load(CpuState* s, Op* op) => Width.Widen(Mem.Read<T>(s, Mem.Address(s, op)));
}

/// <summary>CRC32 (polynomial 11EDC6F41H) over one to eight bytes; a 64-bit destination loses its upper half.</summary>
internal static unsafe class Checksum<T>
    where T : unmanaged
{
    public static void Reg(CpuState* s, Op* op) => Run(s, op, Register.Get<T>(s, op->Reg1));

    public static void Memory(CpuState* s, Op* op) => Run(s, op, Width.Widen(Mem.Read<T>(s, Mem.Address(s, op))));

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static void Run(CpuState* s, Op* op, ulong data)
    {
        uint crc = Register.Get<uint>(s, op->Reg0) is var start && typeof(T) == typeof(byte) ? BitOperations.Crc32C((uint)start, (byte)data)
            : typeof(T) == typeof(ushort) ? BitOperations.Crc32C((uint)start, (ushort)data)
            : typeof(T) == typeof(uint) ? BitOperations.Crc32C((uint)start, (uint)data)
            : BitOperations.Crc32C((uint)start, data);
        Register.Set<ulong>(s, op->Reg0, crc);
    }
}

/// <summary>PDEP and PEXT for hosts without them.</summary>
internal static class BitPatterns
{
    /// <summary>Spreads the low bits of the source over the set bits of the mask.</summary>
    public static ulong Deposit(ulong source, ulong mask)
    {
        ulong result = 0;
        for (; mask != 0; mask &= mask - 1, source >>= 1)
        {
            if ((source & 1) != 0) result |= mask & (0 - mask);
        }
        return result;
    }

    /// <summary>Collects the source's bits at the set bits of the mask.</summary>
    public static ulong Extract(ulong source, ulong mask)
    {
        ulong result = 0;
        for (int i = 0; mask != 0; mask &= mask - 1, i++)
        {
            if ((source & mask & (0 - mask)) != 0) result |= 1UL << i;
        }
        return result;
    }
}
