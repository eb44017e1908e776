using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Interpret;

namespace Hospes.Hypervisor.Soft.Tests.Integer;

/// <summary>String instructions, whole and in batches, against doing them an element at a time.</summary>
public sealed unsafe class StringTests
{
    private const int Seed = 99173;
    private const ulong Restarted = IntegerMachine.CodeAddress;

    [Fact]
    public void Moves_of_any_overlap_direction_and_width_equal_element_by_element_moves()
    {
        using IntegerMachine machine = new();
        Random random = new(Seed);
        for (int round = 0; round < 600; round++)
        {
            int size = 1 << random.Next(4), count = random.Next(1, 1500);
            bool down = random.Next(2) != 0;
            int span = size * count;
            int source = random.Next(0x2000, 0x9000 - span % 0x3000), target = random.Next(2) != 0 ? source + random.Next(-40, 41) : random.Next(0x2000, 0x9000);
            count = Math.Min(count, 0x1000 / size);
            random.NextBytes(machine.Memory[0x2000..]);
            byte[] expected = machine.Memory.ToArray();
            int step = down ? -size : size;
            for (int i = 0; i < count; i++)
            {
                byte[] element = expected.AsSpan(source + i * step, size).ToArray();
                element.CopyTo(expected.AsSpan(target + i * step));
            }

            (machine.Rsi, machine.Rdi, machine.Rcx) = ((ulong)source, (ulong)target, (ulong)count);
            SetDirection(machine, down);
            Repeat(machine, 0xF3, Opcode(0xA4, size));
            string what = $"size {size} count {count} down {down} {source:x} to {target:x} seed {Seed} round {round}";
            machine.Memory.SequenceEqual(expected).ShouldBeTrue(what);
            (machine.Rsi, machine.Rdi, machine.Rcx).ShouldBe(((ulong)(source + count * step), (ulong)(target + count * step), 0UL), what);
        }
    }

    [Theory]
    [InlineData(1, false)]
    [InlineData(2, true)]
    [InlineData(4, false)]
    [InlineData(8, true)]
    [InlineData(8, false)]
    public void Stores_fill_exactly_their_range(int size, bool down)
    {
        using IntegerMachine machine = new();
        const int Count = 1200, Start = 0x5003;
        machine.Rax = 0x8877665544332211;
        (machine.Rdi, machine.Rcx) = (Start, Count);
        SetDirection(machine, down);
        Repeat(machine, 0xF3, Opcode(0xAA, size));
        int first = down ? Start - (Count - 1) * size : Start;
        byte[] pattern = BitConverter.GetBytes(machine.Rax);
        for (int i = 0; i < Count * size; i++) machine.Memory[first + i].ShouldBe(pattern[i % size], $"byte {i}");
        machine.Memory[first - 1].ShouldBe((byte)0);
        machine.Memory[first + Count * size].ShouldBe((byte)0);
    }

    [Fact]
    public void Scan_and_compare_stop_at_the_element_that_decides()
    {
        using IntegerMachine machine = new();
        machine.Memory.Slice(0x4FF0, 0x40).Fill(7);
        machine.Memory[0x5005] = 9;
        (machine.Rax, machine.Rdi, machine.Rcx) = (9, 0x4FF0, 1000);
        Repeat(machine, 0xF2, [0xAE]);
        (machine.Rdi, machine.Rcx).ShouldBe((0x5006UL, 1000UL - 0x16));
        (machine.Arithmetic & Flags.Zf).ShouldBe(Flags.Zf);

        (machine.Rsi, machine.Rdi, machine.Rcx) = (0x4FF0, 0x4FF1, 1000);
        Repeat(machine, 0xF3, [0xA6]);
        (machine.Rsi, machine.Rdi).ShouldBe((0x5005UL, 0x5006UL));
        (machine.Arithmetic & (Flags.Zf | Flags.Cf)).ShouldBe(Flags.Cf);
    }

    [Fact]
    public void A_count_of_zero_does_nothing_and_keeps_the_flags()
    {
        using IntegerMachine machine = new();
        (machine.Rsi, machine.Rdi, machine.Rcx) = (ulong.MaxValue, ulong.MaxValue, 0);
        machine.Arithmetic = Flags.Arithmetic;
        machine.Run(0xF3, 0xA6).ShouldBeNull();
        machine.Arithmetic.ShouldBe(Flags.Arithmetic);
        machine.State->Rip.ShouldBe(IntegerMachine.CodeAddress + 2);
    }

    [Fact]
    public void A_pending_event_stops_between_batches_and_the_instruction_resumes()
    {
        using IntegerMachine machine = new();
        machine.Touch(0x4000);
        machine.Touch(0x6000);
        machine.Memory.Slice(0x4000, 0x2000).Fill(0x5A);
        (machine.Rsi, machine.Rdi, machine.Rcx) = (0x4000, 0x6000, 0x2000);
        machine.State->Events |= CpuEvents.Interrupt;
        machine.Run(0xF3, 0xA4).ShouldBeNull();
        machine.State->Rip.ShouldBe(Restarted);
        machine.Rcx.ShouldBeInRange(1UL, 0x1FFFUL);
        machine.State->Events = 0;
        Repeat(machine, 0xF3, [0xA4]);
        machine.Memory.Slice(0x6000, 0x2000).ToArray().ShouldAllBe(b => b == 0x5A);
    }

    [Fact]
    public void Single_stepping_sees_each_element()
    {
        using IntegerMachine machine = new();
        machine.Touch(0x4000);
        machine.State->Mode |= Mode.SingleStep;
        (machine.Rdi, machine.Rcx) = (0x4000, 3);
        machine.Run(0xF3, 0xAA).ShouldBeNull();
        (machine.Rcx, machine.State->Rip).ShouldBe((2UL, Restarted));
        machine.Run(0xF3, 0xAA).ShouldBeNull();
        machine.Run(0xF3, 0xAA).ShouldBeNull();
        (machine.Rcx, machine.State->Rip).ShouldBe((0UL, IntegerMachine.CodeAddress + 2));
    }

    [Fact]
    public void Real_mode_pointers_wrap_at_64_KiB_and_keep_their_upper_halves()
    {
        using IntegerMachine machine = new(realMode: true);
        machine.Memory[0xFFFF] = 1;
        machine.Memory[0] = 2;
        machine.Memory[1] = 3;
        (machine.Rsi, machine.Rdi, machine.Rcx) = (0xAAAA_FFFF, 0xBBBB_4000, 0xCCCC_0003);
        Repeat(machine, 0xF3, [0xA4]);
        machine.Memory.Slice(0x4000, 3).ToArray().ShouldBe([1, 2, 3]);
        (machine.Rsi, machine.Rdi, machine.Rcx).ShouldBe((0xAAAA_0002UL, 0xBBBB_4003UL, 0xCCCC_0000UL));
    }

    [Fact]
    public void Real_mode_stores_beyond_the_limit_fault_where_they_are()
    {
        using IntegerMachine machine = new(realMode: true);
        (machine.Rax, machine.Rdi, machine.Rcx) = (0x1234, 0xFFFB, 10);
        Vector? fault = null;
        for (int i = 0; i < 10 && fault is null; i++) fault = machine.Run(0xF3, 0xAB);
        fault.ShouldBe(Vector.GeneralProtection);
        (machine.Rdi, machine.Rcx).ShouldBe((0xFFFFUL, 8UL));
    }

    private static void SetDirection(IntegerMachine machine, bool down) => machine.Run((byte)(down ? 0xFD : 0xFC)).ShouldBeNull();

    private static byte[] Opcode(byte bytes, int size) => size switch
    {
        1 => [bytes],
        2 => [0x66, (byte)(bytes + 1)],
        4 => [(byte)(bytes + 1)],
        _ => [0x48, (byte)(bytes + 1)],
    };

    /// <summary>Runs a repeated instruction again as long as it asks for it.</summary>
    private static void Repeat(IntegerMachine machine, byte prefix, byte[] opcode)
    {
        for (int i = 0; i < 100_000; i++)
        {
            machine.Run([prefix, .. opcode]).ShouldBeNull();
            if (machine.State->Rip != Restarted) return;
        }
        throw new InvalidOperationException("the instruction does not come to an end");
    }
}
