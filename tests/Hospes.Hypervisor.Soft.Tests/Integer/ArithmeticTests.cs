using System.Numerics;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Interpret;
using Vector = Hospes.Hypervisor.Soft.Interpret.Vector;
using static Iced.Intel.AssemblerRegisters;

namespace Hospes.Hypervisor.Soft.Tests.Integer;

/// <summary>Arithmetic against whole-number arithmetic in 128 bits (Intel SDM vol. 1, 3.4.3.1 for the flags).</summary>
public sealed class ArithmeticTests
{
    private const int Seed = 20261121, Rounds = 400;

    // Opcode bytes 00, 08 … 38 of the rm8,r8 forms; + 1 is the wider form.
    private static readonly string[] Names = ["add", "or", "adc", "sbb", "and", "sub", "xor", "cmp"];

    [Theory]
    [InlineData(8)]
    [InlineData(16)]
    [InlineData(32)]
    [InlineData(64)]
    public void Two_operand_operations_agree_with_whole_numbers(int bits)
    {
        using IntegerMachine machine = new();
        Random random = new(Seed);
        UInt128 mask = (UInt128.One << bits) - 1;
        for (int round = 0; round < Rounds; round++)
        {
            for (int operation = 0; operation < 8; operation++)
            {
                ulong a = Interesting(random), b = Interesting(random);
                bool carry = random.Next(2) != 0, memory = random.Next(2) != 0;
                machine.Rax = a;
                machine.Rcx = b;
                machine.Rbx = IntegerMachine.Data;
                machine.Write(IntegerMachine.Data, a);
                machine.Arithmetic = carry ? Flags.Cf | Flags.Of : 0;
                machine.Run(Encode(operation, bits, memory)).ShouldBeNull();

                (UInt128 result, uint flags, uint undefined) = Expect(operation, a & (ulong)mask, b & (ulong)mask, carry, bits);
                ulong stored = memory ? machine.Read<ulong>(IntegerMachine.Data) : machine.Rax;
                ulong kept = bits == 64 || (bits == 32 && !memory) ? 0 : a - (a & (ulong)mask);
                ulong expected = operation == 7 ? a : kept + (ulong)result;
                string what = $"{Names[operation]} {bits} {a:x} {b:x} carry {carry} memory {memory} seed {Seed}";
                stored.ShouldBe(expected, what);
                (machine.Arithmetic & ~undefined).ShouldBe(flags & ~undefined, what);
            }
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Inc_and_dec_leave_the_carry_alone(bool carry)
    {
        using IntegerMachine machine = new();
        uint cf = carry ? Flags.Cf : 0;
        machine.Rax = 0x7FFFFFFF;
        machine.Arithmetic = cf;
        machine.Run(a => a.inc(eax));
        machine.Rax.ShouldBe(0x80000000UL);
        machine.Arithmetic.ShouldBe(cf | Flags.Of | Flags.Sf | Flags.Af | Flags.Pf);
        machine.Run(a => a.dec(eax));
        machine.Arithmetic.ShouldBe(cf | Flags.Of | Flags.Af | Flags.Pf);
        machine.Rax = ulong.MaxValue;
        machine.Run(a => a.inc(rax));
        machine.Arithmetic.ShouldBe(cf | Flags.Zf | Flags.Af | Flags.Pf);
    }

    [Fact]
    public void Neg_sets_carry_unless_zero_and_not_changes_no_flag()
    {
        using IntegerMachine machine = new();
        machine.Rax = 0;
        machine.Run(a => a.neg(rax));
        machine.Arithmetic.ShouldBe(Flags.Zf | Flags.Pf);
        machine.Rax = 0x8000;
        machine.Run(a => a.neg(ax));
        machine.Rax.ShouldBe(0x8000UL);
        machine.Arithmetic.ShouldBe(Flags.Cf | Flags.Of | Flags.Sf | Flags.Pf);
        machine.Arithmetic = Flags.Arithmetic;
        machine.Run(a => a.not(eax));
        machine.Rax.ShouldBe(0xFFFF7FFFUL);
        machine.Arithmetic.ShouldBe(Flags.Arithmetic);
    }

    [Fact]
    public void High_byte_registers_are_bytes_of_their_own()
    {
        using IntegerMachine machine = new();
        machine.Rax = 0x1122334455667788;
        machine.Rcx = 0x10;
        machine.Run(a => a.add(ah, cl));
        machine.Rax.ShouldBe(0x1122334455668788UL);
    }

    [Fact]
    public void Products_of_all_widths_agree_with_whole_numbers()
    {
        using IntegerMachine machine = new();
        Random random = new(Seed);
        for (int round = 0; round < Rounds; round++)
        {
            ulong a = Interesting(random), b = Interesting(random);
            machine.Rax = a;
            machine.Rcx = b;
            machine.Run(c => c.mul(rcx)).ShouldBeNull();
            UInt128 product = (UInt128)a * b;
            (machine.Rax, machine.Rdx).ShouldBe(((ulong)product, (ulong)(product >> 64)));
            (machine.Arithmetic & (Flags.Cf | Flags.Of)).ShouldBe(product >> 64 == 0 ? 0 : Flags.Cf | Flags.Of);

            machine.Rax = a;
            machine.Run(c => c.imul(rcx)).ShouldBeNull();
            Int128 signed = (Int128)(long)a * (long)b;
            (machine.Rax, machine.Rdx).ShouldBe(((ulong)signed, (ulong)(signed >> 64)));
            (machine.Arithmetic & (Flags.Cf | Flags.Of)).ShouldBe(signed == (long)signed ? 0 : Flags.Cf | Flags.Of);

            machine.Rax = a;
            machine.Run(c => c.imul(ecx)).ShouldBeNull();
            long narrow = (long)(int)a * (int)b;
            (machine.Rax, machine.Rdx).ShouldBe(((ulong)(uint)narrow, (ulong)(uint)(narrow >> 32)));

            machine.Run(c => c.imul(rdx, rcx, -77)).ShouldBeNull();
            machine.Rdx.ShouldBe(unchecked((ulong)((long)b * -77)));

            machine.Rax = a;
            machine.Run(c => c.mul(cl)).ShouldBeNull();
            machine.Rax.ShouldBe((a & ~0xFFFFUL) | ((ulong)(byte)a * (byte)b));
        }
    }

    [Fact]
    public void Quotients_of_all_widths_agree_with_whole_numbers_or_fault()
    {
        using IntegerMachine machine = new();
        Random random = new(Seed);
        for (int round = 0; round < Rounds; round++)
        {
            ulong high = Interesting(random), low = Interesting(random), divisor = Interesting(random);
            if (round % 3 == 0) high = (ulong)((long)low >> 63);
            string what = $"{high:x}:{low:x} / {divisor:x} seed {Seed}";
            (machine.Rdx, machine.Rax, machine.Rcx) = (high, low, divisor);
            Vector? fault = machine.Run(a => a.div(rcx));
            UInt128 dividend = new(high, low);
            if (divisor == 0 || dividend / divisor > ulong.MaxValue)
            {
                fault.ShouldBe(Vector.DivideError, what);
                (machine.Rdx, machine.Rax).ShouldBe((high, low), what);
            }
            else
            {
                (machine.Rax, machine.Rdx).ShouldBe(((ulong)(dividend / divisor), (ulong)(dividend % divisor)), what);
            }

            (machine.Rdx, machine.Rax) = (high, low);
            fault = machine.Run(a => a.idiv(rcx));
            BigInteger wide = (BigInteger)(Int128)dividend;
            if (divisor == 0 || BigInteger.Divide(wide, (long)divisor) is var quotient && (quotient > long.MaxValue || quotient < long.MinValue))
            {
                fault.ShouldBe(Vector.DivideError, what);
            }
            else
            {
                ((long)machine.Rax, (long)machine.Rdx).ShouldBe(((long)quotient, (long)BigInteger.Remainder(wide, (long)divisor)), what);
            }

            (machine.Rdx, machine.Rax) = (high, low);
            fault = machine.Run(a => a.idiv(ecx));
            long dividend32 = (long)((high << 32) | (uint)low);
            int divisor32 = (int)divisor;
            if (divisor32 == 0 || (Int128)dividend32 / divisor32 is var quotient32 && quotient32 != (int)quotient32) fault.ShouldBe(Vector.DivideError, what);
            else ((int)machine.Rax, (int)machine.Rdx).ShouldBe(((int)quotient32, (int)(dividend32 % divisor32)), what);
        }
    }

    private static byte[] Encode(int operation, int bits, bool memory)
    {
        List<byte> code = [];
        if (bits == 16) code.Add(0x66);
        if (bits == 64) code.Add(0x48);
        code.Add((byte)(operation * 8 + (bits == 8 ? 0 : 1)));
        // [rbx], rcx or rax, rcx
        code.Add((byte)(memory ? 0x0B : 0xC8));
        return [.. code];
    }

    private static (UInt128 Result, uint Flags, uint Undefined) Expect(int operation, ulong a, ulong b, bool carryIn, int bits)
    {
        UInt128 mask = (UInt128.One << bits) - 1;
        uint carry = carryIn && operation is 2 or 3 && carryIn ? 1u : 0;
        UInt128 result = operation switch
        {
            0 or 2 => (UInt128)a + b + carry,
            1 => a | b,
            4 => a & b,
            6 => a ^ b,
            _ => (UInt128)a - b - carry,
        };
        UInt128 truncated = result & mask;
        bool logic = operation is 1 or 4 or 6, adds = operation is 0 or 2;
        uint flags = 0;
        if (!logic && (result >> bits & 1) != 0) flags |= Flags.Cf;
        if (!logic && ((a ^ b ^ (ulong)truncated) & 16) != 0) flags |= Flags.Af;
        ulong top = 1UL << (bits - 1);
        bool overflow = adds ? ((~(a ^ b)) & (a ^ (ulong)truncated) & top) != 0 : ((a ^ b) & (a ^ (ulong)truncated) & top) != 0;
        if (!logic && overflow) flags |= Flags.Of;
        if (truncated == 0) flags |= Flags.Zf;
        if (((ulong)truncated & top) != 0) flags |= Flags.Sf;
        if (BitOperations.PopCount((byte)truncated) % 2 == 0) flags |= Flags.Pf;
        return (truncated, flags, logic ? Flags.Af : 0);
    }

    private static ulong Interesting(Random random) => random.Next(6) switch
    {
        0 => 0,
        1 => (ulong)random.Next(-3, 4),
        2 => 1UL << random.Next(64),
        3 => (1UL << random.Next(64)) - 1,
        4 => (ulong)random.Next(256),
        _ => (ulong)random.NextInt64(long.MinValue, long.MaxValue),
    };
}
