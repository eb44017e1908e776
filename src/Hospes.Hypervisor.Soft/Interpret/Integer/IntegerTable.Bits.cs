using Hospes.Hypervisor.Soft.Decode;
using Iced.Intel;

namespace Hospes.Hypervisor.Soft.Interpret.Integer;

internal static unsafe partial class IntegerTable
{
    private static void FillBits(HandlerTable t)
    {
        BitTests<LookAtBit>(t, Code.Bt_rm16_r16, Code.Bt_rm16_imm8);
        BitTests<SetBit>(t, Code.Bts_rm16_r16, Code.Bts_rm16_imm8);
        BitTests<ResetBit>(t, Code.Btr_rm16_r16, Code.Btr_rm16_imm8);
        BitTests<ComplementBit>(t, Code.Btc_rm16_r16, Code.Btc_rm16_imm8);
        Scans<ushort>(t, Code.Bsf_r16_rm16, Code.Bsr_r16_rm16, Code.Tzcnt_r16_rm16, Code.Lzcnt_r16_rm16, Code.Popcnt_r16_rm16);
        Scans<uint>(t, Code.Bsf_r32_rm32, Code.Bsr_r32_rm32, Code.Tzcnt_r32_rm32, Code.Lzcnt_r32_rm32, Code.Popcnt_r32_rm32);
        Scans<ulong>(t, Code.Bsf_r64_rm64, Code.Bsr_r64_rm64, Code.Tzcnt_r64_rm64, Code.Lzcnt_r64_rm64, Code.Popcnt_r64_rm64);
    }

    private static void BitTests<TChange>(HandlerTable t, Code register16, Code immediate16)
        where TChange : struct, IBitChange
    {
        BitTests<TChange, ushort>(t, register16, immediate16);
        BitTests<TChange, uint>(t, register16 + 1, immediate16 + 1);
        BitTests<TChange, ulong>(t, register16 + 2, immediate16 + 2);
    }

    private static void BitTests<TChange, T>(HandlerTable t, Code register, Code immediate)
        where TChange : struct, IBitChange
        where T : unmanaged
    {
        if (TChange.Stores)
        {
            t.Add(register, &BitTest<TChange, T>.RegReg, &BitTest<TChange, T>.MemReg, &BitTest<TChange, T>.LockedReg);
            t.Add(immediate, &BitTest<TChange, T>.RegImm, &BitTest<TChange, T>.MemImm, &BitTest<TChange, T>.LockedImm);
        }
        else
        {
            t.Add(register, &BitTest<TChange, T>.RegReg, &BitTest<TChange, T>.MemReg);
            t.Add(immediate, &BitTest<TChange, T>.RegImm, &BitTest<TChange, T>.MemImm);
        }
    }

    private static void Scans<T>(HandlerTable t, Code forward, Code reverse, Code trailing, Code leading, Code population)
        where T : unmanaged
    {
        t.Add(forward, &BitScan<T>.ForwardReg, &BitScan<T>.ForwardMem);
        t.Add(reverse, &BitScan<T>.ReverseReg, &BitScan<T>.ReverseMem);
        t.Add(trailing, &BitScan<T>.TrailingReg, &BitScan<T>.TrailingMem);
        t.Add(leading, &BitScan<T>.LeadingReg, &BitScan<T>.LeadingMem);
        t.Add(population, &BitScan<T>.PopulationReg, &BitScan<T>.PopulationMem);
    }
}
