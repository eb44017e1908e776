using System.Numerics;
using System.Runtime.Intrinsics;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;
using Lane = System.Runtime.Intrinsics.Vector128<byte>;

namespace Hospes.Hypervisor.Soft.Interpret.Simd;

/// <summary>VMASKMOVPS, VMASKMOVPD, VPMASKMOVD, VPMASKMOVQ: only elements whose mask is negative are touched, and only they can fault.</summary>
/// <typeparam name="T">The element: uint or ulong.</typeparam>
internal static unsafe class MaskedMoves<T>
    where T : unmanaged
{
    // SAFETY: element numbers come from a mask of as many bits as the vector has elements.

    public static void LoadXmm(CpuState* s, Op* op) =>
        VectorState.SetZeroUpper(s, op->Reg0, Load(s, op, VectorState.Xmm(s, op->Reg1)->As<byte, T>().ExtractMostSignificantBits()).GetLower());

    public static void LoadYmm(CpuState* s, Op* op) =>
        *VectorState.Ymm(s, op->Reg0) = Load(s, op, VectorState.Ymm(s, op->Reg1)->As<byte, T>().ExtractMostSignificantBits());

    public static void StoreXmm(CpuState* s, Op* op) =>
        Store(s, op, VectorState.Xmm(s, op->Reg1)->As<byte, T>().ExtractMostSignificantBits());

    public static void StoreYmm(CpuState* s, Op* op) =>
        Store(s, op, VectorState.Ymm(s, op->Reg1)->As<byte, T>().ExtractMostSignificantBits());

    private static Vector256<byte> Load(CpuState* s, Op* op, uint mask)
    {
        Vector256<byte> result = default;
        ulong address = Mem.Address(s, op);
        for (; mask != 0; mask &= mask - 1)
        {
            int i = BitOperations.TrailingZeroCount(mask);
            ((T*)&result)[i] = Alignment.Read<T>(s, address + (ulong)(i * sizeof(T)));
        }
        return result;
    }

    private static void Store(CpuState* s, Op* op, uint mask)
    {
        ulong address = Mem.Address(s, op);
        if (mask == 0) return;
        Probe(s, address, mask);
        T* source = (T*)VectorState.Ymm(s, op->Reg2);
        for (; mask != 0; mask &= mask - 1)
        {
            int i = BitOperations.TrailingZeroCount(mask);
            Alignment.Write(s, address + (ulong)(i * sizeof(T)), source[i]);
        }
    }

    private static void Probe(CpuState* s, ulong address, uint mask)
    {
        Mmu mmu = SoftVcpu.From(s).Mmu;
        for (; mask != 0; mask &= mask - 1)
            mmu.Probe(address + (ulong)(BitOperations.TrailingZeroCount(mask) * sizeof(T)), sizeof(T), write: true);
    }
}

/// <summary>MASKMOVQ, MASKMOVDQU: bytes whose mask has its top bit are stored at DS:rDI, or the segment of an override.</summary>
internal static unsafe class MaskedByteMoves
{
    private const int Rdi = 7;
    private const int PageSize = 4096;

    public static void Xmm(CpuState* s, Op* op) =>
        Store(s, op, (byte*)VectorState.Xmm(s, op->Reg1), 16, VectorState.Xmm(s, op->Reg2)->ExtractMostSignificantBits());

    public static void Mmx(CpuState* s, Op* op)
    {
        MmxState.Check(s);
        ulong value = MmxState.Read(s, op->Reg1);
        uint mask = Vector128.CreateScalar(MmxState.Read(s, op->Reg2)).AsByte().ExtractMostSignificantBits();
        // The x87 registers have become MMX registers even when the store faults.
        MmxState.Enter(s);
        Store(s, op, (byte*)&value, 8, mask);
    }

    private static void Store(CpuState* s, Op* op, byte* source, int size, uint mask)
    {
        ulong offset = s->General[Rdi];
        if (op->AddressSize == 4) offset = (uint)offset;
        else if (op->AddressSize == 2) offset = (ushort)offset;
        ulong address = Segmentation.Linear(s, op->Segment, offset, size, write: true);
        // Both pages are looked at in turn, even where nothing is stored.
        Alignment.Check(s, address, size);
        Mmu mmu = SoftVcpu.From(s).Mmu;
        int first = Math.Min(size, PageSize - (int)(address & (PageSize - 1)));
        mmu.Probe(address, first, write: true);
        if (first < size) mmu.Probe(address + (ulong)first, size - first, write: true);
        for (; mask != 0; mask &= mask - 1)
        {
            int i = BitOperations.TrailingZeroCount(mask);
            Mem.Write(s, address + (ulong)i, source[i]);
        }
    }
}
