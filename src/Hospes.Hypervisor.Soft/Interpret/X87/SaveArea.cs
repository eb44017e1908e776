using System.Runtime.Intrinsics;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Floating;
using Hospes.Hypervisor.Soft.Memory;

namespace Hospes.Hypervisor.Soft.Interpret.X87;

/// <summary>Where things lie in the FXSAVE and XSAVE areas (SDM vol. 1, tables 10-2 and 13-1, and 13.4).</summary>
internal static class SaveLayout
{
    public const int ControlWord = 0;
    public const int StatusWord = 2;
    public const int TagByte = 4;
    public const int Opcode = 6;
    public const int InstructionPointer = 8;
    public const int DataPointer = 16;
    public const int Mxcsr = 24;
    public const int MxcsrMask = 28;
    public const int Stack = 32;
    public const int Vectors = 160;

    /// <summary>The part of the legacy region that the processor uses.</summary>
    public const int LegacyUsed = 416;

    public const int StackSlot = 16;
    public const int VectorSlot = 16;

    public const int Header = 512;

    /// <summary>XCOMP_BV's offset in the header.</summary>
    public const int CompactMap = 8;

    public const int HeaderBytes = 64;

    /// <summary>Where the extended components start, standard and compacted.</summary>
    public const int Extended = 576;

    /// <summary>The upper halves of the YMM registers; their offset in the standard format is <see cref="Extended"/>.</summary>
    public const int AvxBytes = 256;

    /// <summary>PKRU's offset in the standard format, as CPUID leaf 0DH subleaf 9 says.</summary>
    public const int ProtectionKeys = 2688;

    public const int ProtectionKeysBytes = 8;

    public const ulong CompactFormat = 1UL << 63;

    public const ulong X87Component = 1 << 0;
    public const ulong SseComponent = 1 << 1;
    public const ulong AvxComponent = 1 << 2;
    public const ulong ProtectionKeysComponent = 1 << 9;

    /// <summary>MXCSR bits that exist; the others must be written as zero.</summary>
    public const uint MxcsrBits = 0xffff;
}

/// <summary>Moves components of the state between the processor and a save area in guest memory.</summary>
internal static unsafe class SaveArea
{
    // SAFETY: vector and stack pointers stay inside the state's arrays: 16 vectors of 32 bytes, 8 stack registers of 16.

    /// <summary>How many vector registers the mode can see.</summary>
    public static int VectorCount(CpuState* s) => (s->Mode & Mode.Code64) != 0 ? 16 : 8;

    /// <summary>The components that differ from their initial configuration (SDM vol. 1, 13.6). MXCSR does not count.</summary>
    public static ulong InUse(CpuState* s)
    {
        ulong used = 0;
        if (X87IsInUse(s))
            used |= SaveLayout.X87Component;
        Vector128<byte> low = default;
        Vector128<byte> high = default;
        int count = VectorCount(s);
        for (int i = 0; i < count; i++)
        {
            byte* vector = CpuState.Vector(s, i);
            low |= Vector128.Load(vector);
            high |= Vector128.Load(vector + SaveLayout.VectorSlot);
        }

        if (low != default)
            used |= SaveLayout.SseComponent;
        if (high != default)
            used |= SaveLayout.AvxComponent;
        if (s->Pkru != 0)
            used |= SaveLayout.ProtectionKeysComponent;
        return used;
    }

    /// <summary>Writes the x87 part of the legacy region.</summary>
    /// <param name="s">The processor.</param>
    /// <param name="area">Linear address of the save area.</param>
    /// <param name="wide">Whether pointers have 64 bits (REX.W) instead of 32 and a selector.</param>
    public static void SaveX87(CpuState* s, ulong area, bool wide)
    {
        ulong control = s->Fcw | (ulong)s->Fsw << 16 | (ulong)s->Ftw << 32 | (ulong)s->Fop << 48;
        Mem.Write(s, At(s, area, SaveLayout.ControlWord), control);
        Mem.Write(s, At(s, area, SaveLayout.InstructionPointer), wide ? s->Fip : (uint)s->Fip | (ulong)s->Fcs << 32);
        Mem.Write(s, At(s, area, SaveLayout.DataPointer), wide ? s->Fdp : (uint)s->Fdp | (ulong)s->Fds << 32);
        for (int i = 0; i < 8; i++)
        {
            byte* register = Fpu.Register(s, Fpu.Physical(s, i));
            UInt128 slot = new(*(ushort*)(register + 8), *(ulong*)register);
            Mem.Write(s, At(s, area, SaveLayout.Stack + SaveLayout.StackSlot * i), slot);
        }
    }

    public static void SaveMxcsr(CpuState* s, ulong area) =>
        Mem.Write(s, At(s, area, SaveLayout.Mxcsr), s->Mxcsr | (ulong)SaveLayout.MxcsrBits << 32);

    public static void SaveVectors(CpuState* s, ulong area)
    {
        int count = VectorCount(s);
        for (int i = 0; i < count; i++)
            Mem.Write(s, At(s, area, SaveLayout.Vectors + SaveLayout.VectorSlot * i), Vector128.Load(CpuState.Vector(s, i)));
    }

    public static void SaveAvx(CpuState* s, ulong area, int offset)
    {
        int count = VectorCount(s);
        for (int i = 0; i < count; i++)
            Mem.Write(s, At(s, area, offset + SaveLayout.VectorSlot * i), Vector128.Load(CpuState.Vector(s, i) + SaveLayout.VectorSlot));
    }

    public static void SaveProtectionKeys(CpuState* s, ulong area, int offset) => Mem.Write(s, At(s, area, offset), (ulong)s->Pkru);

    /// <summary>Takes the x87 state from an image of the legacy region.</summary>
    public static void TakeX87(CpuState* s, byte* image, bool wide)
    {
        s->Ftw = image[SaveLayout.TagByte];
        s->Fop = (ushort)(*(ushort*)(image + SaveLayout.Opcode) & Fpu.OpcodeMask);
        if (wide)
        {
            s->Fip = *(ulong*)(image + SaveLayout.InstructionPointer);
            s->Fdp = *(ulong*)(image + SaveLayout.DataPointer);
        }
        else
        {
            s->Fip = *(uint*)(image + SaveLayout.InstructionPointer);
            s->Fcs = *(ushort*)(image + SaveLayout.InstructionPointer + 4);
            s->Fdp = *(uint*)(image + SaveLayout.DataPointer);
            s->Fds = *(ushort*)(image + SaveLayout.DataPointer + 4);
        }

        s->Fsw = *(ushort*)(image + SaveLayout.StatusWord);
        Fpu.SetControl(s, *(ushort*)(image + SaveLayout.ControlWord));
        for (int i = 0; i < 8; i++)
        {
            byte* register = Fpu.Register(s, Fpu.Physical(s, i));
            byte* slot = image + SaveLayout.Stack + SaveLayout.StackSlot * i;
            *(ulong*)register = *(ulong*)slot;
            *(ushort*)(register + 8) = *(ushort*)(slot + 8);
        }
    }

    public static void InitializeX87(CpuState* s)
    {
        Fpu.Initialize(s);
        new Span<byte>(Fpu.Register(s, 0), 8 * SaveLayout.StackSlot).Clear();
    }

    /// <summary>Takes the low halves of the vectors from a compact array of them.</summary>
    public static void TakeVectors(CpuState* s, byte* slots) => TakeHalves(s, slots, 0);

    /// <summary>Takes the upper halves of the vectors.</summary>
    public static void TakeAvx(CpuState* s, byte* slots) => TakeHalves(s, slots, SaveLayout.VectorSlot);

    public static void InitializeVectors(CpuState* s) => ClearHalves(s, 0);

    public static void InitializeAvx(CpuState* s) => ClearHalves(s, SaveLayout.VectorSlot);

    /// <summary>Sets PKRU, on which cached translations depend.</summary>
    public static void SetProtectionKeys(CpuState* s, uint value)
    {
        if (s->Pkru == value)
            return;
        s->Pkru = value;
        SoftVcpu.From(s).Mmu.Reload();
    }

    /// <summary>The linear address of a field of an area.</summary>
    public static ulong At(CpuState* s, ulong area, int offset) => FpuMemory.Next(s, area, offset);

    private static bool X87IsInUse(CpuState* s)
    {
        if (s->Fcw != Fpu.InitialControlWord || s->Fsw != 0 || s->Ftw != 0 || s->Fop != 0 || s->Fip != 0 || s->Fdp != 0 || s->Fcs != 0 || s->Fds != 0)
            return true;
        Vector128<byte> all = default;
        for (int i = 0; i < 8; i++)
            all |= Vector128.Load(Fpu.Register(s, i));
        return all != default;
    }

    private static void TakeHalves(CpuState* s, byte* slots, int half)
    {
        int count = VectorCount(s);
        for (int i = 0; i < count; i++)
            Vector128.Load(slots + SaveLayout.VectorSlot * i).Store(CpuState.Vector(s, i) + half);
    }

    private static void ClearHalves(CpuState* s, int half)
    {
        int count = VectorCount(s);
        for (int i = 0; i < count; i++)
            Vector128<byte>.Zero.Store(CpuState.Vector(s, i) + half);
    }
}
