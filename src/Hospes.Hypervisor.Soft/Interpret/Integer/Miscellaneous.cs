using System.Security.Cryptography;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Decode;
using Hospes.Hypervisor.Soft.Memory;
using static Hospes.Hypervisor.Soft.Interpret.Integer.Registers;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

/// <summary>Flag instructions, hints, BOUND, XLAT, random numbers.</summary>
internal static unsafe class Miscellaneous
{
    private const byte Al = 0, Ah = 1, Rbx = 24;

    public static void Nothing(CpuState* s, Op* op)
    {
    }

    /// <summary>PAUSE: lets another vCPU's thread on a shared core go on.</summary>
    public static void Pause(CpuState* s, Op* op) => Thread.SpinWait(1);

    public static void Fence(CpuState* s, Op* op) => Interlocked.MemoryBarrier();

    /// <summary>CLFLUSH and its kin: memory is coherent; the address must be readable.</summary>
    public static void FlushLine(CpuState* s, Op* op) => Mem.Read<byte>(s, Mem.Address(s, op));

    public static void InvalidOpcode(CpuState* s, Op* op) => Fault.InvalidOpcode(s);

    public static void Clc(CpuState* s, Op* op) => Rotates.SetFlags(s, false, Flags.Overflow(s));

    public static void Stc(CpuState* s, Op* op) => Rotates.SetFlags(s, true, Flags.Overflow(s));

    public static void Cmc(CpuState* s, Op* op) => Rotates.SetFlags(s, !Flags.Carry(s), Flags.Overflow(s));

    public static void Cld(CpuState* s, Op* op) => s->SystemFlags &= ~Flags.Df;

    public static void Std(CpuState* s, Op* op) => s->SystemFlags |= Flags.Df;

    public static void Lahf(CpuState* s, Op* op) => Set(s, Ah, (byte)Flags.Read(s));

    public static void Sahf(CpuState* s, Op* op)
    {
        const uint Loaded = Flags.Cf | Flags.Pf | Flags.Af | Flags.Zf | Flags.Sf;
        Flags.WriteArithmetic(s, (Flags.Read(s) & ~Loaded) | (Get<byte>(s, Ah) & Loaded));
    }

    public static void Salc(CpuState* s, Op* op) => Set(s, Al, Flags.Carry(s) ? (byte)0xFF : (byte)0);

    public static void Xlat(CpuState* s, Op* op)
    {
        ulong offset = s->General[VcpuState.Rbx] + Get<byte>(s, Al);
        offset = op->AddressSize == 8 ? offset : op->AddressSize == 4 ? (uint)offset : (ushort)offset;
        Set(s, Al, Mem.Read<byte>(s, Segmentation.Linear(s, op->Segment, offset, 1, write: false)));
    }

    public static void Bound16(CpuState* s, Op* op)
    {
        ulong at = Mem.Address(s, op);
        short low = Mem.Read<short>(s, at), high = Mem.Read<short>(s, at + 2), index = Get<short>(s, op->Reg0);
        if (index < low || index > high) Fault.Raise(s, Vector.BoundRange, 0);
    }

    public static void Bound32(CpuState* s, Op* op)
    {
        ulong at = Mem.Address(s, op);
        int low = Mem.Read<int>(s, at), high = Mem.Read<int>(s, at + 4), index = Get<int>(s, op->Reg0);
        if (index < low || index > high) Fault.Raise(s, Vector.BoundRange, 0);
    }

    /// <summary>RDRAND and RDSEED: the host's generator, which does not run dry.</summary>
    public static void Random<T>(CpuState* s, Op* op)
        where T : unmanaged
    {
        T value;
        RandomNumberGenerator.Fill(new Span<byte>(&value, sizeof(T)));
        Set(s, op->Reg0, value);
        Flags.WriteArithmetic(s, Flags.Cf);
    }
}
