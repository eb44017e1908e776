using Hospes.Hypervisor.Soft.Cpu;

namespace Hospes.Hypervisor.Soft.Tests.Integer;

/// <summary>Shifts and rotations against doing them a bit at a time (Intel SDM vol. 2, RCL, SAL, SHLD).</summary>
public sealed class ShiftTests
{
    private const int Seed = 7051;

    [Theory]
    [InlineData(8)]
    [InlineData(16)]
    [InlineData(32)]
    [InlineData(64)]
    public void Every_count_gives_what_single_steps_give(int bits)
    {
        using IntegerMachine machine = new();
        Random random = new(Seed);
        ulong mask = ulong.MaxValue >> (64 - bits);
        for (int operation = 0; operation < 8; operation++)
        {
            for (int count = 0; count < 256; count++)
            {
                ulong value = (ulong)random.NextInt64(long.MinValue, long.MaxValue);
                bool carry = random.Next(2) != 0;
                machine.Rax = value;
                machine.Rcx = (ulong)count;
                machine.Arithmetic = (carry ? Flags.Cf : 0) | Flags.Zf;
                machine.Run(Encode(operation, bits)).ShouldBeNull();

                int steps = count & (bits == 64 ? 63 : 31);
                (ulong expected, bool carryOut) = Steps(operation, value & mask, carry, steps, bits);
                string what = $"operation {operation} bits {bits} value {value:x} count {count} carry {carry} seed {Seed}";
                (machine.Rax & mask).ShouldBe(expected, what);
                machine.Rax.ShouldBe(bits == 64 ? expected : bits == 32 ? expected : (value & ~mask) | expected, what);
                // A shift by more than the width leaves CF undefined.
                bool defined = steps <= bits || operation < 4;
                if (defined) ((machine.Arithmetic & Flags.Cf) != 0).ShouldBe(carryOut, what);
                if (steps == 0) machine.Arithmetic.ShouldBe((carry ? Flags.Cf : 0) | Flags.Zf, what);
                else if (operation < 4) (machine.Arithmetic & Flags.Zf).ShouldBe(Flags.Zf, what);
                else ((machine.Arithmetic & Flags.Zf) != 0).ShouldBe(expected == 0, what);
            }
        }
    }

    [Theory]
    [InlineData(16)]
    [InlineData(32)]
    [InlineData(64)]
    public void Double_shifts_bring_in_the_bits_of_the_other_register(int bits)
    {
        using IntegerMachine machine = new();
        Random random = new(Seed);
        UInt128 mask = (UInt128.One << bits) - 1;
        for (int count = 1; count < Math.Min(bits, 64); count++)
        {
            ulong value = (ulong)random.NextInt64(long.MinValue, long.MaxValue), fill = (ulong)random.NextInt64(long.MinValue, long.MaxValue);
            if (bits == 64 ? count > 63 : count > Math.Min(bits, 31)) break;
            byte[] prefix = bits == 16 ? [0x66] : bits == 64 ? [0x48] : [];
            UInt128 a = value & mask, b = fill & mask;
            (machine.Rax, machine.Rdx) = (value, fill);
            machine.Run([.. prefix, 0x0F, 0xA4, 0xD0, (byte)count]).ShouldBeNull();
            (machine.Rax & (ulong)mask).ShouldBe((ulong)((((a << bits) | b) << count >> bits) & mask), $"shld {bits} {count}");
            ((machine.Arithmetic & Flags.Cf) != 0).ShouldBe((a >> (bits - count) & 1) != 0, $"shld {bits} {count}");
            (machine.Rax, machine.Rdx) = (value, fill);
            machine.Run([.. prefix, 0x0F, 0xAC, 0xD0, (byte)count]).ShouldBeNull();
            (machine.Rax & (ulong)mask).ShouldBe((ulong)((((b << bits) | a) >> count) & mask), $"shrd {bits} {count}");
            ((machine.Arithmetic & Flags.Cf) != 0).ShouldBe((a >> (count - 1) & 1) != 0, $"shrd {bits} {count}");
        }
    }

    [Fact]
    public void Overflow_of_a_shift_by_one_follows_its_definition()
    {
        using IntegerMachine machine = new();
        machine.Rax = 0x40;
        machine.Run(0xD0, 0xE0);
        machine.Arithmetic.ShouldBe(Flags.Of | Flags.Sf);
        machine.Run(0xD0, 0xE8);
        machine.Arithmetic.ShouldBe(Flags.Of);
        machine.Rax = 0x80;
        machine.Run(0xD0, 0xF8);
        machine.Rax.ShouldBe(0xC0UL);
        (machine.Arithmetic & Flags.Of).ShouldBe(0U);
    }

    private static byte[] Encode(int operation, int bits)
    {
        byte[] prefix = bits == 16 ? [0x66] : bits == 64 ? [0x48] : [];
        return [.. prefix, (byte)(bits == 8 ? 0xD2 : 0xD3), (byte)(0xC0 | operation << 3)];
    }

    private static (ulong Value, bool Carry) Steps(int operation, ulong value, bool carry, int steps, int bits)
    {
        ulong top = 1UL << (bits - 1), mask = ulong.MaxValue >> (64 - bits);
        for (; steps > 0; steps--)
        {
            bool high = (value & top) != 0, low = (value & 1) != 0, old = carry;
            bool left = operation is 0 or 2 or 4 or 6;
            carry = left ? high : low;
            value = (left ? value << 1 : value >> 1) & mask;
            bool brought = operation switch { 0 => high, 1 => low, 2 or 3 => old, 7 => high, _ => false };
            if (brought) value |= left ? 1 : top;
        }
        return (value, carry);
    }
}
