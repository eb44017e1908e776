using System.Runtime.Intrinsics;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;
using Lane = System.Runtime.Intrinsics.Vector128<byte>;

namespace Hospes.Hypervisor.Soft.Interpret.Simd;

/// <summary>PINSRx, PEXTRx and EXTRACTPS. The immediate chooses the element, modulo their number.</summary>
/// <typeparam name="T">The element: an unsigned integer.</typeparam>
internal static unsafe class ElementMoves<T>
    where T : unmanaged
{
    // SAFETY: element numbers are masked to the lane; general registers are byte offsets inside CpuState.

    public static void Insert(CpuState* s, Op* op)
    {
        T element = *(T*)((byte*)s + op->Reg1);
        Element(VectorState.Xmm(s, op->Reg0), op) = element;
    }

    public static void InsertMemory(CpuState* s, Op* op)
    {
        T element = Mem.Read<T>(s, Mem.Address(s, op));
        Element(VectorState.Xmm(s, op->Reg0), op) = element;
    }

    public static void VexInsert(CpuState* s, Op* op) => VexInsert(s, op, *(T*)((byte*)s + op->Reg2));

    public static void VexInsertMemory(CpuState* s, Op* op) => VexInsert(s, op, Mem.Read<T>(s, Mem.Address(s, op)));

    /// <summary>To a general register, which is cleared above the element.</summary>
    public static void Extract(CpuState* s, Op* op)
    {
        T element = Element(VectorState.Xmm(s, op->Reg1), op);
        ulong wide = 0;
        *(T*)&wide = element;
        *(ulong*)((byte*)s + op->Reg0) = wide;
    }

    public static void ExtractMemory(CpuState* s, Op* op) =>
        Mem.Write(s, Mem.Address(s, op), Element(VectorState.Xmm(s, op->Reg1), op));

    /// <summary>VPBROADCASTx, VBROADCASTSS, VBROADCASTSD.</summary>
    public static void Broadcast(CpuState* s, Op* op) =>
        VectorState.SetZeroUpper(s, op->Reg0, Vector128.Create(*(T*)VectorState.Xmm(s, op->Reg1)).AsByte());

    public static void BroadcastMemory(CpuState* s, Op* op) =>
        VectorState.SetZeroUpper(s, op->Reg0, Vector128.Create(Mem.Read<T>(s, Mem.Address(s, op))).AsByte());

    public static void BroadcastYmm(CpuState* s, Op* op)
    {
        Lane lane = Vector128.Create(*(T*)VectorState.Xmm(s, op->Reg1)).AsByte();
        VectorState.SetYmm(s, op->Reg0, lane, lane);
    }

    public static void BroadcastYmmMemory(CpuState* s, Op* op)
    {
        Lane lane = Vector128.Create(Mem.Read<T>(s, Mem.Address(s, op))).AsByte();
        VectorState.SetYmm(s, op->Reg0, lane, lane);
    }

    private static void VexInsert(CpuState* s, Op* op, T element)
    {
        Lane lane = *VectorState.Xmm(s, op->Reg1);
        Element(&lane, op) = element;
        VectorState.SetZeroUpper(s, op->Reg0, lane);
    }

    private static ref T Element(Lane* lane, Op* op) => ref ((T*)lane)[(int)op->Imm & (16 / sizeof(T) - 1)];
}
