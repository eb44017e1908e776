using System.Runtime.Intrinsics;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Floating;
using Hospes.Hypervisor.Soft.Tests.X87;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;
using Vector = Hospes.Hypervisor.Soft.Interpret.Vector;

namespace Hospes.Hypervisor.Soft.Tests.Simd;

/// <summary>How vector floating-point instructions use MXCSR and where their results go; the arithmetic itself has its own tests.</summary>
public sealed unsafe class FloatingTests : IDisposable
{
    private const int Data = X87Machine.Data;
    private const uint AllMasked = 0x1F80;
    private const uint RoundUp = 0x4000;

    private readonly X87Machine _machine = new();

    public FloatingTests()
    {
        _machine.State->Mxcsr = AllMasked;
        _machine.State->Cr4 |= ControlRegisters.Cr4Osxmmexcpt;
    }

    public void Dispose() => _machine.Dispose();

    [Fact]
    public void Packed_arithmetic_works_on_every_element()
    {
        Singles(1) = Vector256.Create(1f, 2, 3, 4, 5, 6, 7, 8);
        Singles(2) = Vector256.Create(8f, 7, 6, 5, 4, 3, 2, 1);
        _machine.Run(a => a.vaddps(ymm3, ymm1, ymm2)).ShouldBeNull();
        Singles(3).ShouldBe(Vector256.Create(9f));
        _machine.Run(a => a.vmulps(xmm3, xmm1, xmm2)).ShouldBeNull();
        Singles(3).ShouldBe(Vector256.Create(8f, 14, 18, 20, 0, 0, 0, 0));
        Singles(3) = Vector256.Create(10f);
        _machine.Run(a => a.subps(xmm3, xmm1)).ShouldBeNull();
        Singles(3).ShouldBe(Vector256.Create(9f, 8, 7, 6, 10, 10, 10, 10));
        Doubles(1) = Vector256.Create(1.0, 4, 9, 16);
        _machine.Run(a => a.vsqrtpd(ymm3, ymm1)).ShouldBeNull();
        Doubles(3).ShouldBe(Vector256.Create(1.0, 2, 3, 4));
        _machine.Run(a => a.vhaddpd(ymm3, ymm1, ymm3)).ShouldBeNull();
        Doubles(3).ShouldBe(Vector256.Create(5.0, 3, 25, 7));
        Singles(1) = Vector256.Create(1f, 2, 3, 4, 5, 6, 7, 8);
        _machine.Run(a => a.vaddsubps(ymm3, ymm1, ymm1)).ShouldBeNull();
        Singles(3).ShouldBe(Vector256.Create(0f, 4, 0, 8, 0, 12, 0, 16));
    }

    [Fact]
    public void Scalar_arithmetic_keeps_the_rest_of_the_first_source()
    {
        Doubles(1) = Vector256.Create(1.0, 2, 3, 4);
        Doubles(2) = Vector256.Create(0.5, 7, 7, 7);
        _machine.Run(a => a.divsd(xmm1, xmm2)).ShouldBeNull();
        Doubles(1).ShouldBe(Vector256.Create(2.0, 2, 3, 4));
        _machine.Run(a => a.vsubsd(xmm3, xmm1, xmm2)).ShouldBeNull();
        Doubles(3).ShouldBe(Vector256.Create(1.5, 2, 0, 0));
        _machine.Write(Data, 16f);
        Singles(1) = Vector256.Create(1f, 2, 3, 4, 5, 6, 7, 8);
        _machine.Run(a => a.sqrtss(xmm1, __dword_ptr[Data])).ShouldBeNull();
        Singles(1).ShouldBe(Vector256.Create(4f, 2, 3, 4, 5, 6, 7, 8));
    }

    [Fact]
    public void Exceptions_become_sticky_and_unmasked_ones_leave_the_destination()
    {
        Singles(1) = Vector256.Create(1f, 1, 1, 1, 0, 0, 0, 0);
        Singles(2) = Vector256.Create(3f, 0, 1, 1, 0, 0, 0, 0);
        Vector256<float> before = Singles(1);
        _machine.State->Mxcsr = AllMasked & ~(FloatFlags.DivideByZero << 7);
        _machine.Run(a => a.divps(xmm1, xmm2)).ShouldBe(Vector.SimdError);
        Singles(1).ShouldBe(before);
        (_machine.State->Mxcsr & FloatFlags.All).ShouldBe(FloatFlags.DivideByZero);
        _machine.State->Cr4 &= ~ControlRegisters.Cr4Osxmmexcpt;
        _machine.Run(a => a.divps(xmm1, xmm2)).ShouldBe(Vector.InvalidOpcode);
        _machine.State->Mxcsr = AllMasked;
        _machine.Run(a => a.divps(xmm1, xmm2)).ShouldBeNull();
        Singles(1).GetElement(1).ShouldBe(float.PositiveInfinity);
        (_machine.State->Mxcsr & FloatFlags.All).ShouldBe(FloatFlags.DivideByZero | FloatFlags.Inexact);
    }

    [Fact]
    public void Minimum_and_maximum_give_the_second_source_for_zeros_and_nans()
    {
        Doubles(1) = Vector256.Create(-0.0, double.NaN, 1, 1);
        Doubles(2) = Vector256.Create(0.0, 5, double.NaN, 2);
        _machine.Run(a => a.vminpd(ymm3, ymm1, ymm2)).ShouldBeNull();
        Doubles(3).AsUInt64().ShouldBe(Vector256.Create(0.0, 5, double.NaN, 1).AsUInt64());
        _machine.Run(a => a.vmaxpd(ymm3, ymm2, ymm1)).ShouldBeNull();
        Doubles(3).AsUInt64().ShouldBe(Vector256.Create(-0.0, double.NaN, 1, 2).AsUInt64());
        (_machine.State->Mxcsr & FloatFlags.All).ShouldBe(FloatFlags.Invalid);
    }

    [Fact]
    public void Predicates_hold_for_the_relations_that_the_manual_lists()
    {
        // SDM vol. 2, table 3-1: less, equal, greater, unordered for predicates 0 to 15; 16 to 31 are the same.
        string[] holds = ["E", "L", "LE", "U", "LGU", "EGU", "GU", "LEG", "EU", "LU", "LEU", "", "LG", "EG", "G", "LEGU"];
        int[] signals = [1, 2, 5, 6, 9, 10, 13, 14];
        Doubles(1) = Vector256.Create(1.0, 1, 2, double.NaN);
        Doubles(2) = Vector256.Create(2.0, 1, 1, 1);
        for (int predicate = 0; predicate < 32; predicate++)
        {
            _machine.State->Mxcsr = AllMasked;
            byte control = (byte)predicate;
            _machine.Run(a => a.vcmppd(ymm3, ymm1, ymm2, control)).ShouldBeNull();
            for (int i = 0; i < 4; i++)
                Doubles(3).AsInt64().GetElement(i).ShouldBe(holds[predicate & 15].Contains("LEGU"[i]) ? -1 : 0, $"{predicate} {i}");
            bool invalid = (_machine.State->Mxcsr & FloatFlags.Invalid) != 0;
            invalid.ShouldBe(signals.Contains(predicate & 15) != predicate > 15, $"{predicate}");
        }
        Doubles(3) = Doubles(1);
        _machine.Run(a => a.cmpltpd(xmm3, xmm2)).ShouldBeNull();
        Doubles(3).AsInt64().GetElement(0).ShouldBe(-1);
    }

    [Theory]
    [InlineData(1.0, 2.0, Flags.Cf)]
    [InlineData(2.0, 2.0, Flags.Zf)]
    [InlineData(3.0, 2.0, 0)]
    [InlineData(double.NaN, 2.0, Flags.Zf | Flags.Pf | Flags.Cf)]
    public void Comisd_sets_the_flags(double x, double y, uint flags)
    {
        Doubles(1) = Vector256.Create(x);
        Doubles(2) = Vector256.Create(y);
        Flags.WriteArithmetic(_machine.State, Flags.Arithmetic);
        _machine.Run(a => a.ucomisd(xmm1, xmm2)).ShouldBeNull();
        (Flags.Read(_machine.State) & Flags.Arithmetic).ShouldBe(flags);
        (_machine.State->Mxcsr & FloatFlags.All).ShouldBe(0U);
        _machine.Run(a => a.vcomisd(xmm1, xmm2)).ShouldBeNull();
        (Flags.Read(_machine.State) & Flags.Arithmetic).ShouldBe(flags);
        (_machine.State->Mxcsr & FloatFlags.All).ShouldBe(double.IsNaN(x) ? FloatFlags.Invalid : 0);
    }

    [Fact]
    public void Conversions_round_as_told_or_truncate()
    {
        Doubles(1) = Vector256.Create(2.5, -2.5, 1e20, 7);
        _machine.Run(a => a.cvtsd2si(eax, xmm1)).ShouldBeNull();
        _machine.State->General[0].ShouldBe(2UL);
        _machine.State->Mxcsr = AllMasked | RoundUp;
        _machine.Run(a => a.cvtsd2si(rax, xmm1)).ShouldBeNull();
        _machine.State->General[0].ShouldBe(3UL);
        _machine.Run(a => a.vcvttpd2dq(xmm2, ymm1)).ShouldBeNull();
        Ints(2).ShouldBe(Vector256.Create(2, -2, int.MinValue, 7, 0, 0, 0, 0));
        (_machine.State->Mxcsr & FloatFlags.All).ShouldBe(FloatFlags.Inexact | FloatFlags.Invalid);
        _machine.Run(a => a.vcvtdq2pd(ymm3, xmm2)).ShouldBeNull();
        Doubles(3).ShouldBe(Vector256.Create(2.0, -2, int.MinValue, 7));
        _machine.Run(a => a.vcvtpd2ps(xmm3, ymm3)).ShouldBeNull();
        Singles(3).ShouldBe(Vector256.Create(2f, -2, int.MinValue, 7, 0, 0, 0, 0));
        _machine.Run(a => a.vcvtps2pd(ymm3, xmm3)).ShouldBeNull();
        Doubles(3).ShouldBe(Vector256.Create(2.0, -2, int.MinValue, 7));
        _machine.State->General[0] = 0xFFFF_FFFF;
        _machine.Run(a => a.cvtsi2sd(xmm3, eax)).ShouldBeNull();
        Doubles(3).GetElement(0).ShouldBe(-1.0);
        _machine.Run(a => a.vcvtsi2ss(xmm4, xmm3, rax)).ShouldBeNull();
        Singles(4).GetElement(0).ShouldBe(4294967296f);
    }

    [Fact]
    public void Rounding_by_immediate_may_leave_inexact_out()
    {
        Singles(1) = Vector256.Create(1.5f, -1.5f, 2.5f, -0.25f, 1, 1, 1, 1);
        _machine.Run(a => a.roundps(xmm2, xmm1, 0x8 | 1)).ShouldBeNull();
        Singles(2).GetLower().ShouldBe(Vector128.Create(1f, -2, 2, -1));
        (_machine.State->Mxcsr & FloatFlags.All).ShouldBe(0U);
        _machine.State->Mxcsr |= RoundUp;
        _machine.Run(a => a.roundps(xmm2, xmm1, 4)).ShouldBeNull();
        Singles(2).GetLower().AsUInt32().ShouldBe(Vector128.Create(2f, -1, 3, -0f).AsUInt32());
        (_machine.State->Mxcsr & FloatFlags.All).ShouldBe(FloatFlags.Inexact);
    }

    [Fact]
    public void Fused_orders_choose_factors_and_addend()
    {
        Doubles(1) = Vector256.Create(2.0);
        Doubles(2) = Vector256.Create(3.0);
        Doubles(3) = Vector256.Create(5.0);
        Fused(a => a.vfmadd132pd(ymm1, ymm2, ymm3)).ShouldBe(Vector256.Create(2.0 * 5 + 3));
        Fused(a => a.vfmadd213pd(ymm1, ymm2, ymm3)).ShouldBe(Vector256.Create(3.0 * 2 + 5));
        Fused(a => a.vfmadd231pd(ymm1, ymm2, ymm3)).ShouldBe(Vector256.Create(3.0 * 5 + 2));
        Fused(a => a.vfmsub231pd(ymm1, ymm2, ymm3)).ShouldBe(Vector256.Create(3.0 * 5 - 2));
        Fused(a => a.vfnmadd231pd(ymm1, ymm2, ymm3)).ShouldBe(Vector256.Create(-(3.0 * 5) + 2));
        Fused(a => a.vfnmsub231pd(ymm1, ymm2, ymm3)).ShouldBe(Vector256.Create(-(3.0 * 5) - 2));
        Fused(a => a.vfmaddsub231pd(ymm1, ymm2, ymm3)).ShouldBe(Vector256.Create(13.0, 17, 13, 17));
        Fused(a => a.vfmsubadd231pd(ymm1, ymm2, ymm3)).ShouldBe(Vector256.Create(17.0, 13, 17, 13));
        Fused(a => a.vfmadd231sd(xmm1, xmm2, xmm3)).ShouldBe(Vector256.Create(17.0, 2, 0, 0));
    }

    [Fact]
    public void Dot_products_choose_products_and_places()
    {
        Singles(1) = Vector256.Create(1f, 2, 3, 4, 1, 2, 3, 4);
        Singles(2) = Vector256.Create(5f, 6, 7, 8, 5, 6, 7, float.NaN);
        _machine.Run(a => a.vdpps(ymm3, ymm1, ymm2, 0x75)).ShouldBeNull();
        Singles(3).ShouldBe(Vector256.Create(38f, 0, 38, 0, 38, 0, 38, 0));
        Doubles(1) = Vector256.Create(2.0, 3, 0, 0);
        _machine.Run(a => a.dppd(xmm1, xmm1, 0x32)).ShouldBeNull();
        Doubles(1).ShouldBe(Vector256.Create(0.0, 13, 0, 0));
    }

    [Fact]
    public void Halves_convert_both_ways()
    {
        Singles(1) = Vector256.Create(1f, -2, 65504, 1e-8f, 0.5f, 1, 2, 3);
        _machine.Run(a => a.vcvtps2ph(__xmmword_ptr[Data], ymm1, 0)).ShouldBeNull();
        _machine.Read<ulong>(Data).ShouldBe(0x0000_7BFF_C000_3C00UL);
        _machine.Run(a => a.vcvtph2ps(ymm2, __xmmword_ptr[Data])).ShouldBeNull();
        Singles(2).ShouldBe(Vector256.Create(1f, -2, 65504, 0, 0.5f, 1, 2, 3));
        _machine.Run(a => a.vcvtps2ph(xmm3, xmm1, 2)).ShouldBeNull();
        Ints(3).AsUInt64().ShouldBe(Vector256.Create(0x0001_7BFF_C000_3C00UL, 0, 0, 0));
    }

    [Fact]
    public void Estimates_are_good_to_twelve_bits()
    {
        Singles(1) = Vector256.Create(3f, 7, 100, 0.1f, 1, 2, 4, 9);
        _machine.Run(a => a.vrcpps(ymm2, ymm1)).ShouldBeNull();
        _machine.Run(a => a.vrsqrtps(ymm3, ymm1)).ShouldBeNull();
        const double bound = 1.5 / 4096;
        for (int i = 0; i < 8; i++)
        {
            double x = Singles(1).GetElement(i);
            Math.Abs(Singles(2).GetElement(i) * x - 1).ShouldBeLessThanOrEqualTo(bound);
            Math.Abs(Singles(3).GetElement(i) * Math.Sqrt(x) - 1).ShouldBeLessThanOrEqualTo(bound);
        }
    }

    private Vector256<double> Fused(Action<Assembler> instruction)
    {
        Doubles(1) = Vector256.Create(2.0);
        _machine.Run(instruction).ShouldBeNull();
        return Doubles(1);
    }

    private ref Vector256<float> Singles(int number) => ref *(Vector256<float>*)CpuState.Vector(_machine.State, number);

    private ref Vector256<double> Doubles(int number) => ref *(Vector256<double>*)CpuState.Vector(_machine.State, number);

    private ref Vector256<int> Ints(int number) => ref *(Vector256<int>*)CpuState.Vector(_machine.State, number);
}
