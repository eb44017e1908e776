using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Floating;
using Hospes.Hypervisor.Soft.Interpret;
using Hospes.Hypervisor.Soft.Interpret.X87;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;

namespace Hospes.Hypervisor.Soft.Tests.X87;

public sealed unsafe class X87InstructionTests : IDisposable
{
    private const int Data = X87Machine.Data;
    private const ushort StackInvalid = Fpu.StackFault | (ushort)FloatFlags.Invalid;

    private readonly X87Machine _machine = new();

    public void Dispose() => _machine.Dispose();

    [Theory]
    [InlineData(0xD8, 0xC1, 7.0)] // fadd st0, st1
    [InlineData(0xD8, 0xC9, 10.0)] // fmul
    [InlineData(0xD8, 0xE1, 3.0)] // fsub: 5 - 2
    [InlineData(0xD8, 0xE9, -3.0)] // fsubr
    [InlineData(0xD8, 0xF1, 2.5)] // fdiv
    [InlineData(0xD8, 0xF9, 0.4)] // fdivr
    public void Arithmetic_to_the_top(byte first, byte second, double expected)
    {
        _machine.Push(2, 5);
        _machine.Run(first, second).ShouldBeNull();
        _machine.StAsDouble(0).ShouldBe(expected);
        _machine.StAsDouble(1).ShouldBe(2);
    }

    [Theory]
    [InlineData(0xDE, 0xC1, 7.0)] // faddp st1, st0
    [InlineData(0xDE, 0xC9, 10.0)]
    [InlineData(0xDE, 0xE1, 3.0)] // fsubrp: st0 - st1
    [InlineData(0xDE, 0xE9, -3.0)] // fsubp: st1 - st0
    [InlineData(0xDE, 0xF1, 2.5)] // fdivrp
    [InlineData(0xDE, 0xF9, 0.4)] // fdivp
    public void Arithmetic_that_pops(byte first, byte second, double expected)
    {
        _machine.Push(2, 5);
        _machine.Run(first, second).ShouldBeNull();
        _machine.StAsDouble(0).ShouldBe(expected);
        _machine.IsEmpty(1).ShouldBeTrue();
        _machine.State->Ftw.ShouldBe((byte)0x80);
    }

    [Fact]
    public void Arithmetic_with_memory_operands()
    {
        _machine.Push(10);
        _machine.Write(Data, 2.5f);
        _machine.Run(a => a.fadd(__dword_ptr[Data])).ShouldBeNull();
        _machine.Write(Data, (short)-3);
        _machine.Run(a => a.fimul(__word_ptr[Data])).ShouldBeNull();
        _machine.StAsDouble(0).ShouldBe(-37.5);
        _machine.Write(Data, 2);
        _machine.Run(a => a.fidivr(__dword_ptr[Data])).ShouldBeNull();
        _machine.StAsDouble(0).ShouldBe(2 / -37.5);
    }

    [Fact]
    public void An_empty_source_underflows_the_stack()
    {
        _machine.Push(1);
        _machine.Run(a => a.fadd(st0, st1)).ShouldBeNull();
        _machine.St(0).ShouldBe(Float80.Indefinite);
        (_machine.StatusWord & (StackInvalid | Fpu.C1)).ShouldBe(StackInvalid);
    }

    [Fact]
    public void A_ninth_push_overflows_the_stack()
    {
        _machine.Push(1, 2, 3, 4, 5, 6, 7, 8);
        _machine.Run(a => a.fld1()).ShouldBeNull();
        _machine.St(0).ShouldBe(Float80.Indefinite);
        (_machine.StatusWord & (StackInvalid | Fpu.C1)).ShouldBe(StackInvalid | Fpu.C1);
    }

    [Fact]
    public void An_unmasked_exception_keeps_the_operands_and_waits()
    {
        _machine.Push(0, 1);
        SetControl(Fpu.InitialControlWord & ~(int)FloatFlags.DivideByZero);
        _machine.Run(a => a.fdivp(st1, st0)).ShouldBeNull(); // 0 / 1: no exception
        _machine.Push(1);
        _machine.Run(a => a.fdiv(st0, st1)).ShouldBeNull();
        _machine.StAsDouble(0).ShouldBe(1);
        (_machine.StatusWord & (Fpu.Summary | Fpu.Busy)).ShouldBe(Fpu.Summary | Fpu.Busy);

        // Control instructions without a wait pass, the others deliver #MF.
        _machine.Run(a => a.fnstsw(ax)).ShouldBeNull();
        _machine.Run(a => a.fld1()).ShouldBe(Vector.X87Error);
        _machine.Run(a => a.wait()).ShouldBe(Vector.X87Error);
        _machine.Run(a => a.fnclex()).ShouldBeNull();
        _machine.Run(a => a.fld1()).ShouldBeNull();
    }

    [Fact]
    public void Without_CR0_NE_a_pending_exception_stops_nothing()
    {
        _machine.State->Cr0 &= ~ControlRegisters.Cr0Ne;
        SetControl(Fpu.InitialControlWord & ~(int)FloatFlags.Invalid);
        _machine.Run(a => a.fabs()).ShouldBeNull();
        (_machine.StatusWord & Fpu.Summary).ShouldBe(Fpu.Summary);
        _machine.Run(a => a.fld1()).ShouldBeNull();
    }

    [Theory]
    [InlineData(1.0, 2.0, (int)Fpu.C0)]
    [InlineData(2.0, 2.0, (int)Fpu.C3)]
    [InlineData(3.0, 2.0, 0)]
    [InlineData(double.NaN, 2.0, Fpu.C3 | Fpu.C2 | Fpu.C0)]
    public void Comparison_sets_condition_codes(double top, double below, int expected)
    {
        _machine.Push(below, top);
        _machine.Run(a => a.fcom(st0, st1)).ShouldBeNull();
        (_machine.StatusWord & Fpu.Conditions).ShouldBe(expected);
        ((_machine.StatusWord & (int)FloatFlags.Invalid) != 0).ShouldBe(double.IsNaN(top));
    }

    [Theory]
    [InlineData(1.0, 2.0, Flags.Cf)]
    [InlineData(2.0, 2.0, Flags.Zf)]
    [InlineData(3.0, 2.0, 0u)]
    [InlineData(double.NaN, 2.0, Flags.Zf | Flags.Pf | Flags.Cf)]
    public void Comparison_sets_flags(double top, double below, uint expected)
    {
        _machine.Push(below, top);
        _machine.Run(a => a.fucomip(st0, st1)).ShouldBeNull();
        (Flags.Read(_machine.State) & Flags.Arithmetic).ShouldBe(expected);
        _machine.StAsDouble(0).ShouldBe(below);
        (_machine.StatusWord & (int)FloatFlags.Invalid).ShouldBe(0);
    }

    [Fact]
    public void Conditional_moves_follow_the_flags()
    {
        _machine.Push(1, 2);
        Flags.WriteArithmetic(_machine.State, 0);
        _machine.Run(a => a.fcmovb(st0, st1)).ShouldBeNull();
        _machine.StAsDouble(0).ShouldBe(2);
        Flags.WriteArithmetic(_machine.State, Flags.Cf);
        _machine.Run(a => a.fcmovb(st0, st1)).ShouldBeNull();
        _machine.StAsDouble(0).ShouldBe(1);
    }

    [Theory]
    [InlineData(1.0, (int)Fpu.C2)]
    [InlineData(-1.0, Fpu.C2 | Fpu.C1)]
    [InlineData(0.0, (int)Fpu.C3)]
    [InlineData(double.PositiveInfinity, Fpu.C2 | Fpu.C0)]
    [InlineData(double.NaN, Fpu.C0 | Fpu.C1)]
    public void Examination_tells_the_class(double value, int expected)
    {
        _machine.Push(value);
        _machine.Run(a => a.fxam()).ShouldBeNull();
        (_machine.StatusWord & Fpu.Conditions).ShouldBe(expected);
    }

    [Fact]
    public void Examination_of_an_empty_register()
    {
        _machine.Run(a => a.fxam()).ShouldBeNull();
        (_machine.StatusWord & Fpu.Conditions).ShouldBe(Fpu.C3 | Fpu.C0);
    }

    [Fact]
    public void Integers_are_loaded_and_stored()
    {
        _machine.Write(Data, long.MinValue);
        _machine.Run(a => a.fild(__qword_ptr[Data])).ShouldBeNull();
        _machine.St(0).ShouldBe(new Float80(Float80.SignBit | (Float80.Bias + 63), Float80.IntegerBit));
        _machine.Run(a => a.fistp(__dword_ptr[Data])).ShouldBeNull();
        _machine.Read<int>(Data).ShouldBe(int.MinValue);
        (_machine.StatusWord & (int)FloatFlags.Invalid).ShouldBe((int)FloatFlags.Invalid);

        _machine.Push(-2.7);
        _machine.Run(a => a.fisttp(__word_ptr[Data])).ShouldBeNull();
        _machine.Read<short>(Data).ShouldBe((short)-2);
        _machine.State->Ftw.ShouldBe((byte)0);
    }

    [Fact]
    public void Decimals_are_loaded_and_stored()
    {
        _machine.Push(-1234567);
        _machine.Run(a => a.fbstp(__tbyte_ptr[Data])).ShouldBeNull();
        _machine.Read<ulong>(Data).ShouldBe(0x1234567UL);
        _machine.Read<ushort>(Data + 8).ShouldBe((ushort)0x8000);
        _machine.Run(a => a.fbld(__tbyte_ptr[Data])).ShouldBeNull();
        _machine.StAsDouble(0).ShouldBe(-1234567);
    }

    [Fact]
    public void Constants_follow_the_rounding_control()
    {
        _machine.Run(a => a.fldpi()).ShouldBeNull();
        _machine.St(0).ShouldBe(new Float80(0x4000, 0xc90fdaa22168c235));
        SetControl(Fpu.InitialControlWord | ((int)RoundingMode.Down << 10));
        _machine.Run(a => a.fldpi()).ShouldBeNull();
        _machine.St(0).ShouldBe(new Float80(0x4000, 0xc90fdaa22168c234));
        (_machine.StatusWord & (int)FloatFlags.Inexact).ShouldBe(0);
    }

    [Fact]
    public void Exchange_rotation_and_freeing()
    {
        _machine.Push(1, 2, 3);
        _machine.Run(a => a.fxch(st0, st2)).ShouldBeNull();
        _machine.StAsDouble(0).ShouldBe(1);
        _machine.Run(a => a.fincstp()).ShouldBeNull();
        _machine.StAsDouble(0).ShouldBe(2);
        _machine.Run(a => a.fdecstp()).ShouldBeNull();
        _machine.Run(a => a.ffree(st1)).ShouldBeNull();
        _machine.IsEmpty(1).ShouldBeTrue();
        _machine.StAsDouble(2).ShouldBe(3);
    }

    [Theory]
    [InlineData(0xFE, 0.5, 0.479425538604203)] // fsin
    [InlineData(0xFF, 0.5, 0.8775825618903728)] // fcos
    [InlineData(0xF0, 0.5, 0.41421356237309503)] // f2xm1
    [InlineData(0xFA, 2.0, 1.4142135623730951)] // fsqrt
    [InlineData(0xFC, 2.5, 2.0)] // frndint
    [InlineData(0xE0, 2.5, -2.5)] // fchs
    [InlineData(0xE1, -2.5, 2.5)] // fabs
    [InlineData(0xFE, 3.0e9, 0.9870048864743554)] // a large argument, reduced
    public void Functions_of_one_operand(byte second, double operand, double expected)
    {
        _machine.Push(operand);
        _machine.Run(0xD9, second).ShouldBeNull();
        _machine.StAsDouble(0).ShouldBe(expected, Math.Abs(expected) * 1e-9);
    }

    [Theory]
    [InlineData(0xF1, 3.0, 8.0, 9.0)] // fyl2x: 3 × log2(8)
    [InlineData(0xF3, 1.0, 1.0, Math.PI / 4)] // fpatan
    [InlineData(0xF3, 1.0, -1.0, 3 * Math.PI / 4)]
    [InlineData(0xF9, 2.0, 0.25, 0.643856189774724696)] // fyl2xp1
    public void Functions_of_two_operands_pop(byte second, double below, double top, double expected)
    {
        _machine.Push(below, top);
        _machine.Run(0xD9, second).ShouldBeNull();
        _machine.StAsDouble(0).ShouldBe(expected, 1e-15);
        _machine.State->Ftw.ShouldBe((byte)0x80);
    }

    [Fact]
    public void Tangent_and_sine_with_cosine_push()
    {
        _machine.Push(1);
        _machine.Run(a => a.fptan()).ShouldBeNull();
        _machine.StAsDouble(0).ShouldBe(1);
        _machine.StAsDouble(1).ShouldBe(Math.Tan(1), 1e-15);
        _machine.Push(1);
        _machine.Run(a => a.fsincos()).ShouldBeNull();
        _machine.StAsDouble(0).ShouldBe(Math.Cos(1), 1e-15);
        _machine.StAsDouble(1).ShouldBe(Math.Sin(1), 1e-15);
    }

    [Fact]
    public void Angles_of_2_to_the_63_are_refused()
    {
        _machine.Push(9.3e18);
        _machine.Run(a => a.fsin()).ShouldBeNull();
        _machine.StAsDouble(0).ShouldBe(9.3e18);
        (_machine.StatusWord & Fpu.C2).ShouldBe(Fpu.C2);
    }

    [Fact]
    public void Remainder_tells_its_quotient()
    {
        _machine.Push(4, 27);
        _machine.Run(a => a.fprem()).ShouldBeNull();
        _machine.StAsDouble(0).ShouldBe(3);
        (_machine.StatusWord & Fpu.Conditions).ShouldBe(Fpu.C3 | Fpu.C0); // 6 = 110b: C0 C3 C1 are bits 2, 1, 0
    }

    [Fact]
    public void The_environment_goes_to_memory_and_back()
    {
        _machine.Push(1, 0);
        _machine.Run(a => a.fnstenv(__[Data + 0x100])).ShouldBeNull();
        _machine.Read<ushort>(Data + 0x100).ShouldBe(Fpu.InitialControlWord);
        _machine.Read<ushort>(Data + 0x108).ShouldBe((ushort)0x1fff); // register 7 valid, register 6 zero, the others empty
        _machine.Read<uint>(Data + 0x10c).ShouldBe(0x1000u);
        (_machine.Read<uint>(Data + 0x110) >> 16).ShouldBe(0x504u); // fld m64: DD /0 with a SIB byte
        _machine.Read<uint>(Data + 0x114).ShouldBe((uint)Data);
        (_machine.State->Fcw & (int)FloatFlags.All).ShouldBe((int)FloatFlags.All);

        _machine.Run(a => a.fninit()).ShouldBeNull();
        _machine.Run(a => a.fldenv(__[Data + 0x100])).ShouldBeNull();
        _machine.State->Ftw.ShouldBe((byte)0xc0);
        Fpu.Top(_machine.State).ShouldBe(6);
        _machine.State->Fdp.ShouldBe((ulong)Data);
    }

    [Fact]
    public void The_whole_state_goes_to_memory_and_back()
    {
        _machine.Push(1, 2, 3);
        _machine.Run(a => a.fnsave(__[Data + 0x100])).ShouldBeNull();
        _machine.State->Ftw.ShouldBe((byte)0);
        _machine.State->Fcw.ShouldBe(Fpu.InitialControlWord);
        _machine.Read<ulong>(Data + 0x100 + 28).ShouldBe(0xc000000000000000UL);
        _machine.Run(a => a.frstor(__[Data + 0x100])).ShouldBeNull();
        _machine.StAsDouble(0).ShouldBe(3);
        _machine.StAsDouble(2).ShouldBe(1);
        _machine.State->Ftw.ShouldBe((byte)0xe0);
    }

    [Fact]
    public void Real_mode_environments_hold_linear_addresses()
    {
        _machine.Push(1);
        _machine.State->Mode = Mode.None;
        _machine.State->Fcs = 0x1234;
        _machine.State->Fip = 0x10;
        _machine.State->Fds = 0xf000;
        _machine.State->Fdp = 0xfff0;

        // fnstenv [4100h] in 16-bit code
        _machine.Run(0xD9, 0x36, 0x00, 0x41).ShouldBeNull();
        _machine.Read<ushort>(0x4106).ShouldBe((ushort)0x2350);
        (_machine.Read<ushort>(0x4108) >> 12).ShouldBe(1);
        _machine.Read<ushort>(0x410a).ShouldBe((ushort)0xfff0);
        (_machine.Read<ushort>(0x410c) >> 12).ShouldBe(0xf);
    }

    [Theory]
    [InlineData(ControlRegisters.Cr0Ts, (uint)Mode.TaskSwitched)]
    [InlineData(ControlRegisters.Cr0Em, (uint)Mode.Emulate)]
    public void A_switched_off_unit_is_not_available(ulong bit, uint mode)
    {
        _machine.State->Cr0 |= bit;
        _machine.State->Mode |= (Mode)mode;
        _machine.Run(a => a.fld1()).ShouldBe(Vector.DeviceNotAvailable);
    }

    [Fact]
    public void Wait_needs_MP_and_TS_to_fault()
    {
        _machine.State->Cr0 = (_machine.State->Cr0 | ControlRegisters.Cr0Ts) & ~ControlRegisters.Cr0Mp;
        _machine.State->Mode |= Mode.TaskSwitched;
        _machine.Run(a => a.wait()).ShouldBeNull();
        _machine.State->Cr0 |= ControlRegisters.Cr0Mp;
        _machine.Run(a => a.wait()).ShouldBe(Vector.DeviceNotAvailable);
    }

    private void SetControl(int value)
    {
        _machine.Write(Data, (ushort)value);
        _machine.Run(a => a.fldcw(__word_ptr[Data])).ShouldBeNull();
    }
}
