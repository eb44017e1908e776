using System.Numerics;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Interpret;
using Hospes.Hypervisor.Soft.Interpret.Integer;
using static Iced.Intel.AssemblerRegisters;
using Vector = Hospes.Hypervisor.Soft.Interpret.Vector;

namespace Hospes.Hypervisor.Soft.Tests.Integer;

/// <summary>Bit tests, scans, BMI, decimal adjustment and the rest.</summary>
public sealed class BitTests
{
    private const int Seed = 424242;

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    [InlineData(64)]
    [InlineData(1000)]
    [InlineData(-1)]
    [InlineData(-777)]
    public void A_register_offset_reaches_the_whole_bit_string(int offset)
    {
        using IntegerMachine machine = new();
        machine.Rcx = (ulong)(long)offset;
        int at = IntegerMachine.Data + (offset >> 3);
        machine.Arithmetic = Flags.Zf | Flags.Of;
        machine.Run(a => a.@lock.bts(__qword_ptr[IntegerMachine.Data], rcx)).ShouldBeNull();
        machine.Memory[at].ShouldBe((byte)(1 << (offset & 7)));
        machine.Arithmetic.ShouldBe(Flags.Zf | Flags.Of);
        machine.Run(a => a.bt(__dword_ptr[IntegerMachine.Data], ecx)).ShouldBeNull();
        machine.Arithmetic.ShouldBe(Flags.Zf | Flags.Of | Flags.Cf);
        machine.Run(a => a.btr(__qword_ptr[IntegerMachine.Data], rcx)).ShouldBeNull();
        machine.Memory[at].ShouldBe((byte)0);
        machine.Run(a => a.btc(__word_ptr[IntegerMachine.Data], cx)).ShouldBeNull();
        machine.Memory[at].ShouldBe((byte)(1 << (offset & 7)));
        machine.Arithmetic.ShouldBe(Flags.Zf | Flags.Of);
    }

    [Fact]
    public void Scans_of_zero_leave_the_destination_and_counts_give_the_width()
    {
        using IntegerMachine machine = new();
        (machine.Rax, machine.Rcx) = (ulong.MaxValue, 0);
        machine.Run(a => a.bsf(eax, ecx)).ShouldBeNull();
        machine.Rax.ShouldBe(ulong.MaxValue);
        (machine.Arithmetic & Flags.Zf).ShouldBe(Flags.Zf);
        machine.Run(a => a.tzcnt(rax, rcx)).ShouldBeNull();
        machine.Rax.ShouldBe(64UL);
        (machine.Arithmetic & (Flags.Cf | Flags.Zf)).ShouldBe(Flags.Cf);
        machine.Run(a => a.lzcnt(ax, cx)).ShouldBeNull();
        machine.Rax.ShouldBe(16UL);
        machine.Run(a => a.popcnt(rax, rcx)).ShouldBeNull();
        machine.Arithmetic.ShouldBe(Flags.Zf);
    }

    [Fact]
    public void Bit_field_instructions_agree_with_their_definitions()
    {
        using IntegerMachine machine = new();
        Random random = new(Seed);
        for (int round = 0; round < 500; round++)
        {
            ulong a = (ulong)random.NextInt64(long.MinValue, long.MaxValue), b = (ulong)random.NextInt64(long.MinValue, long.MaxValue);
            if (round % 7 == 0) a = 0;
            (machine.Rcx, machine.Rdx) = (a, b);
            machine.Run(c => c.pext(rax, rcx, rdx)).ShouldBeNull();
            machine.Rax.ShouldBe(BitPatterns.Extract(a, b));
            machine.Run(c => c.pdep(rbx, rax, rdx)).ShouldBeNull();
            machine.Rbx.ShouldBe(a & b, "what PEXT takes PDEP puts back");
            machine.Rbx.ShouldBe(BitPatterns.Deposit(machine.Rax, b));
            machine.Run(c => c.andn(rax, rcx, rdx)).ShouldBeNull();
            machine.Rax.ShouldBe(~a & b);
            machine.Run(c => c.blsr(rax, rcx)).ShouldBeNull();
            machine.Rax.ShouldBe(a & (a - 1));
            ((machine.Arithmetic & Flags.Cf) != 0).ShouldBe(a == 0);
            machine.Run(c => c.blsi(rax, rcx)).ShouldBeNull();
            machine.Rax.ShouldBe(a & (0 - a));
            ((machine.Arithmetic & Flags.Cf) != 0).ShouldBe(a != 0);
            machine.Run(c => c.blsmsk(rax, rcx)).ShouldBeNull();
            machine.Rax.ShouldBe(a ^ (a - 1));
            machine.Run(c => c.bzhi(rax, rcx, rdx)).ShouldBeNull();
            machine.Rax.ShouldBe((byte)b > 63 ? a : a & ((1UL << (byte)b) - 1));
            machine.Run(c => c.bextr(rax, rcx, rdx)).ShouldBeNull();
            UInt128 field = (byte)b > 63 ? 0 : (UInt128)(a >> (byte)b);
            machine.Rax.ShouldBe((ulong)(field & ((UInt128.One << Math.Min(64, (int)(byte)(b >> 8))) - 1)));
            machine.Run(c => c.mulx(rbx, rax, rcx)).ShouldBeNull();
            (machine.Rbx, machine.Rax).ShouldBe(((ulong)((UInt128)a * b >> 64), a * b));
            machine.Run(c => c.sarx(rax, rcx, rdx)).ShouldBeNull();
            machine.Rax.ShouldBe((ulong)((long)a >> (int)(b & 63)));
            machine.Run(c => c.rorx(eax, ecx, 7)).ShouldBeNull();
            machine.Rax.ShouldBe(BitOperations.RotateRight((uint)a, 7));
        }
    }

    [Fact]
    public void Two_carry_chains_run_side_by_side()
    {
        using IntegerMachine machine = new();
        machine.Arithmetic = Flags.Zf | Flags.Sf | Flags.Cf;
        (machine.Rax, machine.Rcx) = (ulong.MaxValue, 0);
        machine.Run(a => a.adcx(rax, rcx)).ShouldBeNull();
        machine.Rax.ShouldBe(0UL);
        machine.Arithmetic.ShouldBe(Flags.Zf | Flags.Sf | Flags.Cf);
        machine.Rax = ulong.MaxValue;
        machine.Run(a => a.adox(rax, rcx)).ShouldBeNull();
        machine.Rax.ShouldBe(ulong.MaxValue);
        machine.Arithmetic.ShouldBe(Flags.Zf | Flags.Sf | Flags.Cf);
        machine.Rcx = 1;
        machine.Run(a => a.adox(rax, rcx)).ShouldBeNull();
        machine.Arithmetic.ShouldBe(Flags.Zf | Flags.Sf | Flags.Cf | Flags.Of);
    }

    [Fact]
    public void Checksums_follow_the_castagnoli_polynomial()
    {
        using IntegerMachine machine = new();
        machine.Rax = uint.MaxValue;
        foreach (byte character in "123456789"u8)
        {
            machine.Rcx = character;
            machine.Run(a => a.crc32(eax, cl)).ShouldBeNull();
        }
        (machine.Rax ^ uint.MaxValue).ShouldBe(0xE3069283UL);
    }

    [Theory]
    [InlineData(0x79, 0x35, 0x14, true)]
    [InlineData(0x12, 0x34, 0x46, false)]
    public void Daa_makes_packed_decimals_of_a_sum(int a, int b, int expected, bool carry)
    {
        using IntegerMachine machine = new(realMode: true);
        (machine.Rax, machine.Rcx) = ((ulong)a, (ulong)b);
        machine.Run(0x00, 0xC8).ShouldBeNull();
        machine.Run(0x27).ShouldBeNull();
        machine.Rax.ShouldBe((ulong)expected);
        ((machine.Arithmetic & Flags.Cf) != 0).ShouldBe(carry);
    }

    [Fact]
    public void Ascii_adjustment_works_on_two_digits()
    {
        using IntegerMachine machine = new(realMode: true);
        machine.Rax = 63;
        machine.Run(0xD4, 10).ShouldBeNull();
        machine.Rax.ShouldBe(0x0603UL);
        machine.Run(0xD5, 10).ShouldBeNull();
        machine.Rax.ShouldBe(63UL);
        machine.Run(0xD4, 0).ShouldBe(Vector.DivideError);
        machine.Rax = 0x000B;
        machine.Arithmetic = 0;
        machine.Run(0x37).ShouldBeNull();
        machine.Rax.ShouldBe(0x0101UL);
        (machine.Arithmetic & (Flags.Cf | Flags.Af)).ShouldBe(Flags.Cf | Flags.Af);
    }

    [Fact]
    public void Bound_compares_signed()
    {
        using IntegerMachine machine = new(realMode: true);
        machine.Write(0x4000, (short)-5);
        machine.Write(0x4002, (short)5);
        machine.Rax = 0xFFFF;
        machine.Run(0x62, 0x06, 0x00, 0x40).ShouldBeNull();
        machine.Rax = 6;
        machine.Run(0x62, 0x06, 0x00, 0x40).ShouldBe(Vector.BoundRange);
    }

    [Fact]
    public void Xlat_adds_only_al()
    {
        using IntegerMachine machine = new();
        machine.Memory[IntegerMachine.Data + 0xFE] = 0x77;
        (machine.Rax, machine.Rbx) = (0x1234_56FE, IntegerMachine.Data);
        machine.Run(0xD7).ShouldBeNull();
        machine.Rax.ShouldBe(0x1234_5677UL);
    }

    [Fact]
    public void Undefined_instructions_are_undefined()
    {
        using IntegerMachine machine = new();
        machine.Run(0x0F, 0x0B).ShouldBe(Vector.InvalidOpcode);
        machine.Run(0x0F, 0xB9, 0xC0).ShouldBe(Vector.InvalidOpcode);
    }
}
