using System.Numerics;
using System.Runtime.CompilerServices;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;
using static Hospes.Hypervisor.Soft.Interpret.Integer.Registers;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

/// <summary>MOV, MOVZX, MOVSX, LEA, BSWAP, MOVBE, XLAT, CBW … CQO.</summary>
internal static unsafe class Moves<T>
    where T : unmanaged, IBinaryInteger<T>
{
    private const byte Rax = 0, Rbx = 24;

    public static void RegisterRegister(CpuState* s, Op* op) => Set(s, op->Reg0, Get<T>(s, op->Reg1));

    public static void RegisterMemory(CpuState* s, Op* op) => Set(s, op->Reg0, Mem.Read<T>(s, Mem.Address(s, op)));

    public static void MemoryRegister(CpuState* s, Op* op) => Mem.Write(s, Mem.Address(s, op), Get<T>(s, op->Reg1));

    public static void RegisterImmediate(CpuState* s, Op* op) => Set(s, op->Reg0, Immediate<T>(op));

    public static void MemoryImmediate(CpuState* s, Op* op) => Mem.Write(s, Mem.Address(s, op), Immediate<T>(op));

    public static void Lea(CpuState* s, Op* op)
    {
        ulong offset = Mem.Offset(s, op);
        if (op->AddressSize == 4) offset = (uint)offset;
        else if (op->AddressSize == 2) offset = (ushort)offset;
        Set(s, op->Reg0, T.CreateTruncating(offset));
    }

    public static void MovbeLoad(CpuState* s, Op* op) => Set(s, op->Reg0, Reverse(Mem.Read<T>(s, Mem.Address(s, op))));

    public static void MovbeStore(CpuState* s, Op* op) => Mem.Write(s, Mem.Address(s, op), Reverse(Get<T>(s, op->Reg1)));

    public static void Bswap(CpuState* s, Op* op)
    {
        // The 16-bit form is undefined; processors clear the register's low half.
        if (sizeof(T) == 2) Set(s, op->Reg0, T.Zero);
        else Set(s, op->Reg0, Reverse(Get<T>(s, op->Reg0)));
    }

    /// <summary>CBW, CWDE, CDQE: the accumulator's lower half, sign-extended.</summary>
    public static void ExtendAccumulator(CpuState* s, Op* op)
    {
        int half = sizeof(T) * 4;
        long value = (long)(Wide(Get<T>(s, Rax)) << (64 - half)) >> (64 - half);
        Set(s, Rax, T.CreateTruncating(value));
    }

    /// <summary>CWD, CDQ, CQO: the accumulator's sign fills the data register.</summary>
    public static void SignToData(CpuState* s, Op* op)
    {
        bool negative = (Wide(Get<T>(s, Rax)) >> (sizeof(T) * 8 - 1) & 1) != 0;
        Set(s, 16, negative ? T.AllBitsSet : T.Zero);
    }

    private static T Reverse(T value)
    {
        ulong wide = global::System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(Wide(value));
        return T.CreateTruncating(wide >> (64 - sizeof(T) * 8));
    }
}

/// <summary>MOVZX, MOVSX and MOVSXD from a narrower type.</summary>
internal static unsafe class Extend<TFrom, TTo>
    where TFrom : unmanaged, IBinaryInteger<TFrom>
    where TTo : unmanaged, IBinaryInteger<TTo>
{
    public static void Register(CpuState* s, Op* op) => Set(s, op->Reg0, TTo.CreateTruncating(Get<TFrom>(s, op->Reg1)));

    public static void Memory(CpuState* s, Op* op) => Set(s, op->Reg0, TTo.CreateTruncating(Mem.Read<TFrom>(s, Mem.Address(s, op))));
}
