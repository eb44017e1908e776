using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Interpret;
using static Iced.Intel.AssemblerRegisters;

namespace Hospes.Hypervisor.Soft.Tests.Integer;

/// <summary>Near branches, and conditions against their definitions (Intel SDM vol. 1, appendix B).</summary>
public sealed unsafe class BranchTests
{
    [Fact]
    public void All_conditions_hold_for_exactly_their_flags()
    {
        using IntegerMachine machine = new();
        uint[] bits = [Flags.Cf, Flags.Pf, Flags.Af, Flags.Zf, Flags.Sf, Flags.Of];
        for (int image = 0; image < 64; image++)
        {
            uint flags = 0;
            for (int bit = 0; bit < 6; bit++) if ((image >> bit & 1) != 0) flags |= bits[bit];
            for (int condition = 0; condition < 16; condition++)
            {
                bool holds = Holds(condition, flags);
                machine.Arithmetic = flags;
                machine.Run((byte)(0x70 + condition), 0x10).ShouldBeNull();
                machine.State->Rip.ShouldBe(IntegerMachine.CodeAddress + (holds ? 0x12UL : 2), $"jcc {condition:x} {flags:x}");
                machine.Rax = ulong.MaxValue;
                machine.Run(0x0F, (byte)(0x90 + condition), 0xC0).ShouldBeNull();
                machine.Rax.ShouldBe(ulong.MaxValue << 8 | (holds ? 1UL : 0), $"setcc {condition:x} {flags:x}");
                (machine.Rax, machine.Rcx) = (ulong.MaxValue, 5);
                machine.Run(0x0F, (byte)(0x40 + condition), 0xC1).ShouldBeNull();
                machine.Rax.ShouldBe(holds ? 5UL : uint.MaxValue, $"cmovcc {condition:x} {flags:x}");
                machine.Arithmetic.ShouldBe(flags);
            }
        }
    }

    [Fact]
    public void A_conditional_move_loads_even_when_it_does_not_move()
    {
        using IntegerMachine machine = new();
        machine.Arithmetic = 0;
        machine.Rbx = 0x8000_0000_0000_0000;
        machine.Run(a => a.cmove(rax, __qword_ptr[rbx])).ShouldBe(Vector.GeneralProtection);
    }

    [Fact]
    public void Call_and_return_round_the_stack()
    {
        using IntegerMachine machine = new();
        machine.Rax = 0x2345;
        machine.Run(a => a.call(rax)).ShouldBeNull();
        machine.State->Rip.ShouldBe(0x2345UL);
        machine.Read<ulong>(0x7FF8).ShouldBe(IntegerMachine.CodeAddress + 2);
        machine.Run(a => a.ret(0x10)).ShouldBeNull();
        machine.State->Rip.ShouldBe(IntegerMachine.CodeAddress + 2);
        machine.Rsp.ShouldBe(0x8010UL);
    }

    [Fact]
    public void Targets_that_are_not_canonical_fault_before_anything_changes()
    {
        using IntegerMachine machine = new();
        machine.Rax = 0x0000_8000_0000_0000;
        machine.Run(a => a.call(rax)).ShouldBe(Vector.GeneralProtection);
        machine.Run(a => a.jmp(rax)).ShouldBe(Vector.GeneralProtection);
        machine.Write(0x8000, machine.Rax);
        machine.Run(a => a.ret()).ShouldBe(Vector.GeneralProtection);
        machine.Rsp.ShouldBe(0x8000UL);
    }

    [Fact]
    public void Loops_count_in_their_address_size()
    {
        using IntegerMachine machine = new();
        machine.Rcx = 0x1_0000_0001;
        machine.Run(0x67, 0xE2, 0x10).ShouldBeNull();
        (machine.Rcx, machine.State->Rip).ShouldBe((0UL, IntegerMachine.CodeAddress + 3));
        machine.Rcx = 0;
        machine.Run(0xE2, 0x10).ShouldBeNull();
        (machine.Rcx, machine.State->Rip).ShouldBe((ulong.MaxValue, IntegerMachine.CodeAddress + 0x12));
        machine.Arithmetic = Flags.Zf;
        machine.Run(0xE0, 0x10).ShouldBeNull();
        machine.State->Rip.ShouldBe(IntegerMachine.CodeAddress + 2);
        machine.Run(0xE1, 0x10).ShouldBeNull();
        machine.State->Rip.ShouldBe(IntegerMachine.CodeAddress + 0x12);
        machine.Rcx = 0x1_0000_0000;
        machine.Run(0x67, 0xE3, 0x10).ShouldBeNull();
        machine.State->Rip.ShouldBe(IntegerMachine.CodeAddress + 0x13);
    }

    [Fact]
    public void Real_mode_targets_wrap_at_64_KiB()
    {
        using IntegerMachine machine = new(realMode: true);
        machine.Run(0xE9, 0xFD, 0xEF).ShouldBeNull();
        machine.State->Rip.ShouldBe(0UL);
        machine.Run(0xE8, 0x00, 0xE0).ShouldBeNull();
        machine.State->Rip.ShouldBe(0xF003UL);
        machine.Read<ushort>(0x7FFE).ShouldBe((ushort)(IntegerMachine.CodeAddress + 3));
    }

    private static bool Holds(int condition, uint flags)
    {
        bool c = (flags & Flags.Cf) != 0, z = (flags & Flags.Zf) != 0, s = (flags & Flags.Sf) != 0, o = (flags & Flags.Of) != 0;
        bool holds = (condition >> 1) switch
        {
            0 => o,
            1 => c,
            2 => z,
            3 => c || z,
            4 => s,
            5 => (flags & Flags.Pf) != 0,
            6 => s != o,
            _ => z || s != o,
        };
        return holds != ((condition & 1) != 0);
    }
}
