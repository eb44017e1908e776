using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Tests.X87;
using Iced.Intel;
using static Iced.Intel.AssemblerRegisters;
using Vector = Hospes.Hypervisor.Soft.Interpret.Vector;

namespace Hospes.Hypervisor.Soft.Tests.Simd;

/// <summary>MMX registers on the x87 registers (SDM vol. 3, 13.2), and the MMX forms that work across a register.</summary>
public sealed unsafe class MmxTests : IDisposable
{
    private const int Data = X87Machine.Data;
    private const ushort PendingInvalid = 0x81;

    private readonly X87Machine _machine = new();

    public void Dispose() => _machine.Dispose();

    [Fact]
    public void A_write_marks_all_registers_valid_and_the_exponent_all_ones()
    {
        _machine.Push(1.0, 2.0);
        _machine.State->General[0] = 0x1122_3344_5566_7788;
        _machine.Run(a => a.movq(mm3, rax)).ShouldBeNull();
        _machine.State->Ftw.ShouldBe((byte)0xFF);
        ((_machine.State->Fsw >> 11) & 7).ShouldBe(0);
        Mmx(3).ShouldBe(0x1122_3344_5566_7788UL);
        (*(ushort*)(_machine.State->X87Registers + 3 * 16 + 8)).ShouldBe((ushort)0xFFFF);
        _machine.Run(a => a.movd(__dword_ptr[Data], mm3)).ShouldBeNull();
        _machine.Read<uint>(Data).ShouldBe(0x5566_7788U);
    }

    [Fact]
    public void Emms_empties_the_registers()
    {
        _machine.Run(a => a.pxor(mm0, mm0)).ShouldBeNull();
        _machine.Run(a => a.emms()).ShouldBeNull();
        _machine.State->Ftw.ShouldBe((byte)0);
    }

    [Fact]
    public void A_pending_x87_exception_comes_first()
    {
        _machine.State->Fsw |= PendingInvalid;
        byte before = _machine.State->Ftw;
        _machine.Run(a => a.paddb(mm0, mm1)).ShouldBe(Vector.X87Error);
        _machine.Run(a => a.movq(mm0, __qword_ptr[Data])).ShouldBe(Vector.X87Error);
        _machine.Run(a => a.emms()).ShouldBe(Vector.X87Error);
        _machine.State->Ftw.ShouldBe(before);
    }

    [Fact]
    public void Packing_and_horizontal_forms_put_the_destination_low()
    {
        Set(0, 0x0004_0003_0002_FFFF);
        Set(1, 0x7FFF_8000_0006_0005);
        _machine.Run(a => a.packsswb(mm0, mm1)).ShouldBeNull();
        Mmx(0).ShouldBe(0x7F80_0605_0403_02FFUL);
        Set(0, 0x0004_0003_0002_0001);
        Set(1, 0x0008_0007_0006_0005);
        _machine.Run(a => a.phaddw(mm0, mm1)).ShouldBeNull();
        Mmx(0).ShouldBe(0x000F_000B_0007_0003UL);
    }

    [Fact]
    public void Unpacking_takes_the_low_or_the_high_half()
    {
        Set(0, 0x0706_0504_0302_0100);
        Set(1, 0x1716_1514_1312_1110);
        _machine.Run(a => a.punpckhbw(mm0, mm1)).ShouldBeNull();
        Mmx(0).ShouldBe(0x1707_1606_1505_1404UL);
        Set(0, 0x0706_0504_0302_0100);
        _machine.Write(Data, 0x1312_1110U);
        _machine.Run(a => a.punpcklwd(mm0, __dword_ptr[Data])).ShouldBeNull();
        Mmx(0).ShouldBe(0x1312_0302_1110_0100UL);
        Set(0, 0x0706_0504_0302_0100);
        _machine.Run(a => a.punpckhdq(mm0, mm1)).ShouldBeNull();
        Mmx(0).ShouldBe(0x1716_1514_0706_0504UL);
    }

    [Fact]
    public void Shuffles_shifts_and_words()
    {
        Set(0, 0x0706_0504_0302_0100);
        Set(1, 0x80FF_0907_0001_0203);
        _machine.Run(a => a.pshufw(mm2, mm0, 0b00_01_10_11)).ShouldBeNull();
        Mmx(2).ShouldBe(0x0100_0302_0504_0706UL);
        _machine.Run(a => a.pshufb(mm0, mm1)).ShouldBeNull();
        Mmx(0).ShouldBe(0x0000_0107_0001_0203UL);
        Set(0, 0x8000_0000_0000_0001);
        _machine.Run(a => a.psrlq(mm0, 63)).ShouldBeNull();
        Mmx(0).ShouldBe(1UL);
        _machine.Run(a => a.psllw(mm0, 16)).ShouldBeNull();
        Mmx(0).ShouldBe(0UL);
        Set(0, 0x0706_0504_0302_0100);
        Set(1, 0x1716_1514_1312_1110);
        _machine.Run(a => a.palignr(mm0, mm1, 3)).ShouldBeNull();
        Mmx(0).ShouldBe(0x0201_0017_1615_1413UL);
        _machine.State->General[0] = 0xABCD;
        _machine.Run(a => a.pinsrw(mm0, eax, 2)).ShouldBeNull();
        _machine.Run(a => a.pextrw(ecx, mm0, 2)).ShouldBeNull();
        _machine.State->General[1].ShouldBe(0xABCDUL);
        Set(0, 0x8000_0000_0000_0080);
        _machine.Run(a => a.pmovmskb(ecx, mm0)).ShouldBeNull();
        _machine.State->General[1].ShouldBe(0x81UL);
    }

    [Fact]
    public void Registers_exchange_with_xmm_registers_and_floats()
    {
        Set(0, 0xFFFF_FFFE_0000_0003);
        _machine.Run(a => a.movq2dq(xmm1, mm0)).ShouldBeNull();
        (*(ulong*)CpuState.Vector(_machine.State, 1)).ShouldBe(0xFFFF_FFFE_0000_0003UL);
        _machine.Run(a => a.cvtpi2ps(xmm1, mm0)).ShouldBeNull();
        (*(float*)CpuState.Vector(_machine.State, 1)).ShouldBe(3f);
        (*(float*)(CpuState.Vector(_machine.State, 1) + 4)).ShouldBe(-2f);
        _machine.Run(a => a.cvttps2pi(mm5, xmm1)).ShouldBeNull();
        Mmx(5).ShouldBe(0xFFFF_FFFE_0000_0003UL);
        _machine.Run(a => a.movdq2q(mm6, xmm1)).ShouldBeNull();
        Mmx(6).ShouldBe(0xC000_0000_4040_0000UL);
    }

    private ulong Mmx(int number) => *(ulong*)(_machine.State->X87Registers + number * 16);

    private void Set(int number, ulong value) => *(ulong*)(_machine.State->X87Registers + number * 16) = value;
}
