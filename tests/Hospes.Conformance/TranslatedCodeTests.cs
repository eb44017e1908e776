using Hospes.Hypervisor;
using Hospes.Hypervisor.Soft;

namespace Hospes.Conformance;

/// <summary>What is hard for a translator: code and page tables that change under it. Interpreted, translated, and both in lockstep.</summary>
public sealed class TranslatedCodeTests
{
    private const ulong Directory = 0x102000;

    [Theory, InlineData("off"), InlineData("always"), InlineData("lockstep")]
    public void ALoopThatPatchesItsOwnInstructionExecutesThePatch(string translate)
    {
        using Machine machine = Create(translate);
        // 1000: mov ecx, 100 / 1005: add byte [rip+1], 1 -> the immediate at 100D / 100C: mov al, 0 / 100E: dec ecx / 1010: jne 1005 / out 0x80, al
        machine.Load([0xB9, 100, 0, 0, 0, 0x80, 0x05, 0x01, 0, 0, 0, 1, 0xB0, 0, 0xFF, 0xC9, 0x75, 0xF3, 0xE6, 0x80]);
        machine.StartLong();

        machine.Next().Data.ShouldBe(100UL);
    }

    [Theory, InlineData("off"), InlineData("always"), InlineData("lockstep")]
    public void CodeIsPatchedThroughAnotherAddressOfItsPage(string translate)
    {
        using Machine machine = Create(translate);
        // A function at 0x201000 that is also at 0x401000: mov al, 1 / ret. It is called, patched through the other address, and called again.
        machine.Load([0xB0, 1, 0xC3], 0x201000);
        // 1000: mov ebx, 0x201000 / mov ecx, 50 / 100A: call rbx / add edx, eax / inc byte [0x401001] / dec ecx / jne 100A / mov eax, edx / out 0x80, eax
        machine.Load(
        [
            0xBB, 0x00, 0x10, 0x20, 0x00, 0xB9, 50, 0, 0, 0, 0xFF, 0xD3, 0x0F, 0xB6, 0xC0, 0x01, 0xC2, 0xFE, 0x04, 0x25, 0x01, 0x10, 0x40, 0x00,
            0xFF, 0xC9, 0x75, 0xEE, 0x89, 0xD0, 0xE7, 0x80,
        ]);
        machine.StartLong();
        machine.Guest.Memory.TryWrite(Directory + 2 * 8, 1UL << 21 | 0x87);
        SetGeneral(machine, VcpuState.Rdx, 0);

        machine.Next().Data.ShouldBe(50UL * 51 / 2);
    }

    [Theory, InlineData("off"), InlineData("always"), InlineData("lockstep")]
    public void AChangedPageTableChangesTheCodeBehindAnAddress(string translate)
    {
        using Machine machine = Create(translate, 16 << 20);
        machine.Load([0xB0, 1, 0xC3], 0x201000);
        machine.Load([0xB0, 7, 0xC3], 0x401000);
        // mov ebx, 0x601000 / mov ecx, 20 / L: call rbx / add edx, eax / xor qword [directory + 3*8], 2M^4M / invlpg [rbx] / dec ecx / jne L / mov eax, edx / out 0x80, eax
        machine.Load(
        [
            0xBB, 0x00, 0x10, 0x60, 0x00, 0xB9, 20, 0, 0, 0, 0xFF, 0xD3, 0x0F, 0xB6, 0xC0, 0x01, 0xC2,
            0x48, 0x81, 0x34, 0x25, 0x18, 0x20, 0x10, 0x00, 0x00, 0x00, 0x60, 0x00, 0x0F, 0x01, 0x3B, 0xFF, 0xC9, 0x75, 0xE6, 0x89, 0xD0, 0xE7, 0x80,
        ]);
        machine.StartLong();
        machine.Guest.Memory.TryWrite(Directory + 3 * 8, 1UL << 21 | 0x87);
        SetGeneral(machine, VcpuState.Rdx, 0);

        machine.Next().Data.ShouldBe(10UL * 1 + 10 * 7);
    }

    [Theory, InlineData("off"), InlineData("always"), InlineData("lockstep")]
    public void AnInstructionWhoseSecondPageIsMissingFaultsAtItsFirstByte(string translate)
    {
        using Machine machine = Create(translate);
        const ulong Idt = 0x3000, Handler = 0x2000, Start = 0x3FFFFE;
        machine.Guest.Memory.TryWrite(Idt + 14 * 16, Handler | 8UL << 16 | 0x8E00UL << 32);
        machine.Guest.Memory.TryWrite(0x4008UL, 0x00AF9B000000FFFFUL);
        // mov eax, imm32, of which two bytes are on the page; a jump to it; a handler that gives CR2 and the saved RIP.
        machine.Load([0xB8, 0x11], Start);
        machine.Load([0xE9, .. BitConverter.GetBytes((int)(Start - 0x1005))]);
        machine.Load([0x58, 0x0F, 0x20, 0xD0, 0xE7, 0x80, 0x58, 0xE7, 0x80], Handler);
        machine.StartLong();
        machine.Guest.Memory.TryWrite(Directory + 2 * 8, 0UL);
        VcpuState state = machine.State();
        (state.IdtBase, state.IdtLimit, state.GdtBase, state.GdtLimit) = (Idt, 0xFFF, 0x4000, 0x1F);
        machine.Vcpu.WriteState(state).ShouldBe(Status.Ok);

        machine.Next().Data.ShouldBe(0x400000UL);
        machine.Next().Data.ShouldBe(Start);
    }

    [Theory, InlineData("off"), InlineData("always"), InlineData("lockstep")]
    public void AccessesThroughOneRegisterWorkAcrossAPage(string translate)
    {
        using Machine machine = Create(translate);
        // mov ecx, 40 / L: push rcx; push rcx; mov rax, [rsp+8]; add rax, [rsp]; mov [rsp], rax; pop rbx; pop rbp; add rdx, rbx; dec ecx; jne L; mov eax, edx; out
        machine.Load(
        [
            0xB9, 40, 0, 0, 0, 0x51, 0x51, 0x48, 0x8B, 0x44, 0x24, 0x08, 0x48, 0x03, 0x04, 0x24, 0x48, 0x89, 0x04, 0x24, 0x5B, 0x5D, 0x48, 0x01, 0xDA,
            0xFF, 0xC9, 0x75, 0xE8, 0x89, 0xD0, 0xE7, 0x80,
        ]);
        machine.StartLong();
        SetGeneral(machine, VcpuState.Rdx, 0);
        foreach (ulong stack in (ReadOnlySpan<ulong>)[0x8000, 0x8004, 0x8008, 0x800C, 0x8010])
        {
            VcpuState state = machine.State();
            state.Rip = Machine.CodeAt;
            (state.General[VcpuState.Rsp], state.General[VcpuState.Rdx]) = (stack, 0);
            machine.Vcpu.WriteState(state).ShouldBe(Status.Ok);
            machine.Next().Data.ShouldBe(2UL * 40 * 41 / 2);
        }
    }

    [Theory, InlineData("off"), InlineData("always"), InlineData("lockstep")]
    public void AComparisonWithMemoryAcrossAPageGivesItsFlagsBehindOtherAccesses(string translate)
    {
        using Machine machine = Create(translate);
        machine.Load([10, 0, 0, 0], 0x5FFE);
        // mov ebx, 0x5FFE / mov ecx, 20 / L: cmp [rbx], ecx / mov rsi, [rbx+0x1000] / setb al / movzx eax, al / add edx, eax / dec ecx / jne L / mov eax, edx / out 0x80, eax
        machine.Load(
        [
            0xBB, 0xFE, 0x5F, 0x00, 0x00, 0xB9, 20, 0, 0, 0, 0x39, 0x0B, 0x48, 0x8B, 0xB3, 0x00, 0x10, 0x00, 0x00, 0x0F, 0x92, 0xC0, 0x0F, 0xB6, 0xC0, 0x01, 0xC2,
            0xFF, 0xC9, 0x75, 0xEB, 0x89, 0xD0, 0xE7, 0x80,
        ]);
        machine.StartLong();
        SetGeneral(machine, VcpuState.Rdx, 0);

        machine.Next().Data.ShouldBe(10UL);
    }

    [Theory, InlineData("off"), InlineData("always"), InlineData("lockstep")]
    public void AFunctionThatReturnsElsewhereThanItWasCalledFromGoesThere(string translate)
    {
        using Machine machine = Create(translate);
        // f: every other time the caller's next instruction (add edx, 1) is skipped: inc esi / test sil, 1 / je +5 / add qword [rsp], 3 / ret
        machine.Load([0xFF, 0xC6, 0x40, 0xF6, 0xC6, 0x01, 0x74, 0x05, 0x48, 0x83, 0x04, 0x24, 0x03, 0xC3], 0x1080);
        // mov ecx, 40 / xor esi, esi / L: call f / add edx, 1 / sub rsp, 8 / add rsp, 8 / dec ecx / jne L / mov eax, edx / out 0x80, eax
        machine.Load(
        [
            0xB9, 40, 0, 0, 0, 0x31, 0xF6, 0xE8, 0x74, 0, 0, 0, 0x83, 0xC2, 0x01, 0x48, 0x83, 0xEC, 0x08, 0x48, 0x83, 0xC4, 0x08,
            0xFF, 0xC9, 0x75, 0xEC, 0x89, 0xD0, 0xE7, 0x80,
        ]);
        machine.StartLong();
        SetGeneral(machine, VcpuState.Rdx, 0);

        machine.Next().Data.ShouldBe(20UL);
    }

    [Fact]
    public void ASettingThatIsUnknownIsRefused()
    {
        using var resource = new HypervisorResource(new ConfiguredEngine(new SoftEngine(), "translate", "perhaps"));
        Guest.Create(resource, new GuestOptions(), out _).ShouldBe(Status.InvalidArgs);
    }

    [Theory, InlineData("off"), InlineData("always"), InlineData("lockstep")]
    public void ACallWhoseOperandAndStackArePushedOutByEachOtherIsMade(string translate)
    {
        using Machine machine = Create(translate);
        // f: add edx, ecx / ret
        machine.Load([0x01, 0xCA, 0xC3], 0x1080);
        machine.Load([0x80, 0x10], 0x7000);
        // 64 MiB above 0x7000, where the TLB has the same place for it, lies the stack: mov rsp, 0x4007800 / mov ebx, 0x7000 / mov ecx, 30 / L: call [rbx] / push [rbx] / pop rax / dec ecx / jne L / mov eax, edx / out 0x80, eax
        machine.Load(
        [
            0x48, 0xC7, 0xC4, 0x00, 0x78, 0x00, 0x04, 0xBB, 0x00, 0x70, 0x00, 0x00, 0xB9, 30, 0, 0, 0, 0xFF, 0x13, 0xFF, 0x33, 0x58, 0xFF, 0xC9, 0x75, 0xF7, 0x89, 0xD0, 0xE7, 0x80,
        ]);
        machine.StartLong();
        machine.Guest.Memory.TryWrite(Directory + 32 * 8, 0UL << 21 | 0x87);
        SetGeneral(machine, VcpuState.Rdx, 0);

        machine.Next().Data.ShouldBe(30UL * 31 / 2);
    }

    [Fact]
    public void TheProfileNamesTheHotLoopAndWhyItsCodeWasLeft()
    {
        string file = Path.GetTempFileName();
        try
        {
            using (var machine = new Machine(new ConfiguredEngine(new SoftEngine(), "profile", file), memory: 8 << 20))
            {
                // mov ecx, 1000 / L: add ebx, ecx / rdtsc / dec ecx / jne L / out 0x80, eax
                machine.Load([0xB9, 0xE8, 0x03, 0, 0, 0x01, 0xCB, 0x0F, 0x31, 0xFF, 0xC9, 0x75, 0xF8, 0xE7, 0x80]);
                machine.StartLong();
                machine.Next().Kind.ShouldBe(PacketKind.Io);
            }
            string report = File.ReadAllText(file);
            report.ShouldContain("processor 0: ");
            report.ShouldContain("0000000000001005  add ebx,ecx");
            report.ShouldContain("Rdtsc");
        }
        finally
        {
            File.Delete(file);
        }
    }

    [Fact]
    public void AProfileThatCannotBeWrittenIsRefused()
    {
        using var resource = new HypervisorResource(new ConfiguredEngine(new SoftEngine(), "profile", "/none/such/file"));
        Guest.Create(resource, new GuestOptions(), out _).ShouldBe(Status.InvalidArgs);
    }

    private static Machine Create(string translate, ulong memory = 8 << 20) => new(new ConfiguredEngine(new SoftEngine(), "translate", translate), memory: memory);

    private static void SetGeneral(Machine machine, int register, ulong value)
    {
        VcpuState state = machine.State();
        state.General[register] = value;
        machine.Vcpu.WriteState(state).ShouldBe(Status.Ok);
    }
}
