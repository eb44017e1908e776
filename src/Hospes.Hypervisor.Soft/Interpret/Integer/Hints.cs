using System.Security.Cryptography;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

/// <summary>Instructions without a result: no-operations, fences, cache control, random numbers, BOUND and the undefined instructions.</summary>
internal static unsafe class Hints
{
    public static void Nothing(CpuState* s, Op* op)
    {
    }

    /// <summary>PAUSE: lets another vCPU's thread on a shared core go on.</summary>
    public static void Pause(CpuState* s, Op* op) => Thread.SpinWait(1);

    /// <summary>MFENCE, and the others: ordered at least as strongly as the guest may expect.</summary>
    public static void Fence(CpuState* s, Op* op) => Interlocked.MemoryBarrier();

    /// <summary>CLFLUSH, CLFLUSHOPT, CLWB: checked like a byte that is read (Intel SDM, CLFLUSH); memory needs nothing.</summary>
    public static void CacheLine(CpuState* s, Op* op) => SoftVcpu.From(s).Mmu.Probe(Mem.Address(s, op), 1, write: false);

    /// <summary>RDRAND and RDSEED: the host's generator, which does not run dry. CF tells of success, the other flags are cleared.</summary>
    public static void Random<T>(CpuState* s, Op* op)
        where T : unmanaged
    {
        ulong value;
        RandomNumberGenerator.Fill(new Span<byte>(&value, sizeof(ulong)));
        Register.Set<T>(s, op->Reg0, value);
        Flags.WriteArithmetic(s, Flags.Cf);
    }

    public static void Undefined(CpuState* s, Op* op) => Fault.InvalidOpcode(s);

    /// <summary>BOUND: the index and the two bounds are signed.</summary>
    public static void Bound<T>(CpuState* s, Op* op)
        where T : unmanaged
    {
        // Both bounds lie in one operand: the limit check of the address covers them.
        ulong address = Mem.Address(s, op);
        long lower = Width.Sign<T>(Width.Widen(Mem.Read<T>(s, address)));
        long upper = Width.Sign<T>(Width.Widen(Mem.Read<T>(s, (uint)(address + (ulong)sizeof(T)))));
        long index = Width.Sign<T>(Register.Get<T>(s, op->Reg0));
        if (index < lower || index > upper) Fault.Raise(s, Vector.BoundRange, 0);
    }
}
