using System.Runtime.CompilerServices;
using Hospes.Hypervisor.Soft.Cpu;

namespace Hospes.Hypervisor.Soft.Interpret.Simd;

/// <summary>The MMX registers, which are the significands of the physical x87 registers (SDM vol. 3, 13.2).</summary>
internal static unsafe class MmxState
{
    // SAFETY: register numbers come from the decoder and are 0 to 7.

    private const ushort ErrorSummary = 1 << 7;
    private const ushort Top = 7 << 11;
    private const ushort ExponentOnes = 0xFFFF;
    private const byte AllValid = 0xFF;

    /// <summary>#MF when an x87 exception is pending. Comes before every other fault of an MMX instruction.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Check(CpuState* s)
    {
        if ((s->Fsw & ErrorSummary) != 0) Fault.Raise(s, Vector.X87Error, 0);
    }

    /// <summary>All registers valid, top of stack 0. To be called behind the last point that can fault.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Enter(CpuState* s)
    {
        s->Ftw = AllValid;
        s->Fsw = (ushort)(s->Fsw & ~Top);
    }

    /// <summary>EMMS: all registers empty, top of stack 0.</summary>
    public static void Leave(CpuState* s)
    {
        s->Ftw = 0;
        s->Fsw = (ushort)(s->Fsw & ~Top);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static ulong Read(CpuState* s, int number) => *(ulong*)(s->X87Registers + number * 16);

    /// <summary>Writes MMn; sign and exponent become all ones.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void Write(CpuState* s, int number, ulong value)
    {
        byte* register = s->X87Registers + number * 16;
        *(ulong*)register = value;
        *(ushort*)(register + 8) = ExponentOnes;
    }
}
