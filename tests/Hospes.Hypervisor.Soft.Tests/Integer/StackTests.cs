using Hospes.Hypervisor.Soft.Cpu;
using Hospes.Hypervisor.Soft.Interpret;
using static Iced.Intel.AssemblerRegisters;

namespace Hospes.Hypervisor.Soft.Tests.Integer;

/// <summary>The stack instructions, and the privileges of PUSHF and POPF (Intel SDM vol. 2, POPF).</summary>
public sealed unsafe class StackTests
{
    [Fact]
    public void Push_and_pop_of_the_stack_pointer_use_the_value_before_and_the_value_popped()
    {
        using IntegerMachine machine = new();
        machine.Run(a => a.push(rsp)).ShouldBeNull();
        machine.Read<ulong>(0x7FF8).ShouldBe(0x8000UL);
        machine.Write(0x7FF8, 0x1234UL);
        machine.Run(a => a.pop(rsp)).ShouldBeNull();
        machine.Rsp.ShouldBe(0x1234UL);
    }

    [Fact]
    public void Pop_to_memory_addresses_with_the_moved_stack_pointer()
    {
        using IntegerMachine machine = new();
        machine.Write(0x8000, 77UL);
        machine.Run(a => a.pop(__qword_ptr[rsp + 8])).ShouldBeNull();
        machine.Read<ulong>(0x8010).ShouldBe(77UL);
        machine.Rsp.ShouldBe(0x8008UL);
    }

    [Fact]
    public void A_store_that_faults_leaves_the_stack_pointer()
    {
        using IntegerMachine machine = new();
        machine.Rax = 0x8000_0000_0000_0000;
        machine.Run(a => a.pop(__qword_ptr[rax])).ShouldBe(Vector.GeneralProtection);
        machine.Rsp.ShouldBe(0x8000UL);
    }

    [Fact]
    public void Immediates_are_extended_and_words_move_the_pointer_by_two()
    {
        using IntegerMachine machine = new();
        machine.Run(0x6A, 0xFE).ShouldBeNull();
        machine.Read<ulong>(0x7FF8).ShouldBe(unchecked((ulong)-2));
        machine.Run(0x66, 0x6A, 0xFE).ShouldBeNull();
        machine.Rsp.ShouldBe(0x7FF6UL);
        machine.Read<ushort>(0x7FF6).ShouldBe((ushort)0xFFFE);
    }

    [Fact]
    public void Enter_links_frames_and_leave_takes_them_down()
    {
        using IntegerMachine machine = new();
        machine.Rbp = 0x9000;
        machine.Write(0x8FF8, 0xAAUL);
        machine.Run(a => a.enter(0x20, 2)).ShouldBeNull();
        machine.Rbp.ShouldBe(0x7FF8UL);
        machine.Rsp.ShouldBe(0x8000UL - 3 * 8 - 0x20);
        (machine.Read<ulong>(0x7FF8), machine.Read<ulong>(0x7FF0), machine.Read<ulong>(0x7FE8)).ShouldBe((0x9000UL, 0xAAUL, 0x7FF8UL));
        machine.Run(a => a.leave()).ShouldBeNull();
        (machine.Rbp, machine.Rsp).ShouldBe((0x9000UL, 0x8000UL));
    }

    [Fact]
    public void Pusha_stores_all_eight_and_popa_skips_the_stack_pointer()
    {
        using IntegerMachine machine = new(realMode: true);
        for (int i = 0; i < 8; i++) machine.State->General[i] = (ulong)(0x1110 * (i + 1));
        // The stack wraps in the middle.
        machine.Rsp = 6;
        machine.Run(0x60).ShouldBeNull();
        machine.Rsp.ShouldBe(0xFFF6UL);
        (machine.Read<ushort>(4), machine.Read<ushort>(0xFFFE), machine.Read<ushort>(0xFFFC)).ShouldBe(((ushort)0x1110, (ushort)0x4440, (ushort)6));
        for (int i = 0; i < 8; i++) if (i != 4) machine.State->General[i] = 0;
        machine.Run(0x61).ShouldBeNull();
        for (int i = 0; i < 8; i++) machine.State->General[i].ShouldBe(i == 4 ? 6UL : (ulong)(0x1110 * (i + 1)));
    }

    [Theory]
    [InlineData(0, 0u, true, true)]
    [InlineData(3, 0u, false, false)]
    [InlineData(3, 3u, true, false)]
    public void Popf_changes_if_and_iopl_by_privilege(int cpl, uint iopl, bool changesIf, bool changesIopl)
    {
        using IntegerMachine machine = new();
        machine.State->Cpl = (byte)cpl;
        machine.State->SystemFlags = iopl << 12;
        machine.Write(0x8000, (ulong)(Flags.If | Flags.IoplMask & (~iopl << 12) | Flags.Df | Flags.Zf | Flags.Rf | Flags.Vip | Flags.Vm));
        machine.Run(a => a.popfq()).ShouldBeNull();
        uint flags = Flags.Read(machine.State);
        ((flags & Flags.If) != 0).ShouldBe(changesIf);
        ((flags & Flags.IoplMask) != iopl << 12).ShouldBe(changesIopl);
        (flags & (Flags.Df | Flags.Zf)).ShouldBe(Flags.Df | Flags.Zf);
        (flags & (Flags.Rf | Flags.Vip | Flags.Vm)).ShouldBe(0U);
        machine.Rsp.ShouldBe(0x8008UL);
    }

    [Fact]
    public void Virtual_8086_mode_needs_iopl_3_or_its_extensions()
    {
        using IntegerMachine machine = new(realMode: true);
        machine.State->Mode = Mode.Protected | Mode.Virtual8086 | Mode.User;
        machine.State->Cpl = 3;
        machine.State->SystemFlags = Flags.Vm | Flags.Vif;
        machine.Run(0x9C).ShouldBe(Vector.GeneralProtection);
        machine.Run(0x9D).ShouldBe(Vector.GeneralProtection);
        machine.State->Cr4 |= ControlRegisters.Cr4Vme;
        machine.Run(0x9C).ShouldBeNull();
        (machine.Read<ushort>(0x7FFE) & (Flags.If | Flags.IoplMask)).ShouldBe(Flags.If | Flags.IoplMask);
        machine.Write(0x7FFE, (ushort)Flags.Zf);
        machine.Run(0x9D).ShouldBeNull();
        (machine.State->SystemFlags & (Flags.Vif | Flags.If | Flags.IoplMask)).ShouldBe(0U);
        machine.Rsp = 0x7FFE;
        machine.Write(0x7FFE, (ushort)Flags.If);
        machine.State->SystemFlags |= Flags.Vip;
        machine.Run(0x9D).ShouldBe(Vector.GeneralProtection);
        machine.Rsp.ShouldBe(0x7FFEUL);
    }

    [Fact]
    public void Lahf_and_sahf_exchange_five_flags_and_keep_of()
    {
        using IntegerMachine machine = new();
        machine.Arithmetic = Flags.Of;
        machine.Rax = 0xFF00;
        machine.Run(a => a.sahf()).ShouldBeNull();
        machine.Arithmetic.ShouldBe(Flags.Arithmetic);
        machine.Rax = 0;
        machine.Run(a => a.lahf()).ShouldBeNull();
        machine.Rax.ShouldBe(0xD700UL);
        machine.Run(a => a.cmc()).ShouldBeNull();
        machine.Arithmetic.ShouldBe(Flags.Arithmetic & ~Flags.Cf);
        machine.Run(a => a.stc()).ShouldBeNull();
        machine.Arithmetic.ShouldBe(Flags.Arithmetic);
        machine.Run(a => a.clc()).ShouldBeNull();
        machine.Arithmetic.ShouldBe(Flags.Arithmetic & ~Flags.Cf);
    }
}
