using System.Runtime.InteropServices;
using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Interpret;
using Hospes.Hypervisor.Soft.Interpret.Integer;
using static Iced.Intel.AssemblerRegisters;

namespace Hospes.Hypervisor.Soft.Tests.Integer;

/// <summary>XCHG, XADD, the compare-and-exchange family and locked arithmetic.</summary>
public sealed unsafe class ExchangeTests
{
    [Fact]
    public void Cmpxchg_stores_on_a_match_and_loads_otherwise()
    {
        using IntegerMachine machine = new();
        machine.Write(IntegerMachine.Data, 5UL);
        (machine.Rax, machine.Rcx) = (5, 9);
        machine.Run(a => a.@lock.cmpxchg(__qword_ptr[IntegerMachine.Data], rcx)).ShouldBeNull();
        machine.Read<ulong>(IntegerMachine.Data).ShouldBe(9UL);
        (machine.Arithmetic & Flags.Zf).ShouldBe(Flags.Zf);
        machine.Run(a => a.cmpxchg(__qword_ptr[IntegerMachine.Data], rcx)).ShouldBeNull();
        machine.Rax.ShouldBe(9UL);
        (machine.Arithmetic & (Flags.Zf | Flags.Cf)).ShouldBe(Flags.Cf);
    }

    [Fact]
    public void Cmpxchg8b_changes_only_zf()
    {
        using IntegerMachine machine = new();
        machine.Write(IntegerMachine.Data, 0x1111111122222222UL);
        (machine.Rax, machine.Rdx, machine.Rbx, machine.Rcx) = (0x22222222, 0x11111111, 0x44444444, 0x33333333);
        machine.Arithmetic = Flags.Cf | Flags.Sf | Flags.Of;
        machine.Run(a => a.@lock.cmpxchg8b(__qword_ptr[IntegerMachine.Data])).ShouldBeNull();
        machine.Read<ulong>(IntegerMachine.Data).ShouldBe(0x3333333344444444UL);
        machine.Arithmetic.ShouldBe(Flags.Cf | Flags.Sf | Flags.Of | Flags.Zf);
        machine.Run(a => a.cmpxchg8b(__qword_ptr[IntegerMachine.Data])).ShouldBeNull();
        (machine.Rax, machine.Rdx).ShouldBe((0x44444444UL, 0x33333333UL));
        machine.Arithmetic.ShouldBe(Flags.Cf | Flags.Sf | Flags.Of);
    }

    [Fact]
    public void Cmpxchg16b_needs_alignment_and_exchanges_sixteen_bytes()
    {
        using IntegerMachine machine = new();
        machine.Run(a => a.cmpxchg16b(__xmmword_ptr[IntegerMachine.Data + 8])).ShouldBe(Vector.GeneralProtection);
        machine.Write(IntegerMachine.Data, new UInt128(2, 1));
        (machine.Rax, machine.Rdx, machine.Rbx, machine.Rcx) = (1, 2, 3, 4);
        machine.Run(a => a.@lock.cmpxchg16b(__xmmword_ptr[IntegerMachine.Data])).ShouldBeNull();
        machine.Read<UInt128>(IntegerMachine.Data).ShouldBe(new UInt128(4, 3));
        (machine.Arithmetic & Flags.Zf).ShouldBe(Flags.Zf);
        machine.Run(a => a.@lock.cmpxchg16b(__xmmword_ptr[IntegerMachine.Data])).ShouldBeNull();
        (machine.Rax, machine.Rdx).ShouldBe((3UL, 4UL));
        (machine.Arithmetic & Flags.Zf).ShouldBe(0U);
    }

    [Fact]
    public void The_portable_sixteen_byte_exchange_agrees()
    {
        UInt128* at = (UInt128*)NativeMemory.AlignedAlloc(16, 16);
        try
        {
            *at = new UInt128(2, 1);
            CompareExchange16.InHalves((ulong*)at, new UInt128(4, 3), new UInt128(2, 1)).ShouldBe(new UInt128(2, 1));
            (*at).ShouldBe(new UInt128(4, 3));
            CompareExchange16.InHalves((ulong*)at, 0, new UInt128(4, 2)).ShouldBe(new UInt128(4, 3));
            (*at).ShouldBe(new UInt128(4, 3));
        }
        finally
        {
            NativeMemory.AlignedFree(at);
        }
    }

    [Fact]
    public void Threads_lose_no_update_of_a_sixteen_byte_counter()
    {
        const int Rounds = 5_000, Threads = 2;
        using IntegerMachine machine = new();
        CpuState* state = machine.State;
        UInt128* at = (UInt128*)NativeMemory.AlignedAlloc(16, 16);
        try
        {
            *at = 0;
            Parallel.For(0, Threads, _ =>
            {
                for (int i = 0; i < Rounds; i++)
                {
                    UInt128 seen = 0;
                    while (true)
                    {
                        // Both halves move, so that a torn exchange would show.
                        UInt128 old = CompareExchange16.Run(state, at, seen + UInt128.One + (UInt128.One << 64), seen);
                        if (old == seen) break;
                        seen = old;
                    }
                }
            });
            (*at).ShouldBe(new UInt128(Rounds * Threads, Rounds * Threads));
        }
        finally
        {
            NativeMemory.AlignedFree(at);
        }
    }

    [Fact]
    public void Xadd_and_xchg_answer_the_old_value()
    {
        using IntegerMachine machine = new();
        machine.Write(IntegerMachine.Data, 0xFFFFFFFFU);
        machine.Rcx = 2;
        machine.Run(a => a.@lock.xadd(__dword_ptr[IntegerMachine.Data], ecx)).ShouldBeNull();
        (machine.Rcx, machine.Read<uint>(IntegerMachine.Data)).ShouldBe((0xFFFFFFFFUL, 1U));
        (machine.Arithmetic & Flags.Cf).ShouldBe(Flags.Cf);
        machine.Run(a => a.xchg(__dword_ptr[IntegerMachine.Data], ecx)).ShouldBeNull();
        (machine.Rcx, machine.Read<uint>(IntegerMachine.Data)).ShouldBe((1UL, 0xFFFFFFFFU));
        machine.Rax = 7;
        machine.Run(a => a.xadd(rax, rax)).ShouldBeNull();
        machine.Rax.ShouldBe(14UL);
    }

    [Fact]
    public void Locked_carry_chains_use_the_carry_that_was()
    {
        using IntegerMachine machine = new();
        machine.Write(IntegerMachine.Data, ulong.MaxValue);
        machine.Arithmetic = Flags.Cf;
        machine.Run(a => a.@lock.adc(__qword_ptr[IntegerMachine.Data], 0)).ShouldBeNull();
        machine.Read<ulong>(IntegerMachine.Data).ShouldBe(0UL);
        (machine.Arithmetic & (Flags.Cf | Flags.Zf)).ShouldBe(Flags.Cf | Flags.Zf);
    }
}
