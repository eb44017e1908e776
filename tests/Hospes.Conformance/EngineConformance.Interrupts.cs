using System.Runtime.Intrinsics.X86;
using Hospes.Hypervisor;

namespace Hospes.Conformance;

/// <summary>Interrupts: when one is taken, and that none is slept through.</summary>
public abstract partial class EngineConformance
{
    /// <summary>The vector of these programs, and how long an interrupt that was not slept through may take on a busy host.</summary>
    private const byte Vector = 0x40;

    private static readonly TimeSpan Awake = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Whether the processor under KVM is QEMU's emulation of one. It saves the shadow of STI when it leaves a guest and does not load it when it enters
    /// one (QEMU 7.2 to 10, target/i386/tcg, <c>helper_vmrun</c>; AMD APM vol. 2, 15.21.5 says it is loaded), so that an interrupt of the host's that falls between STI and HLT ends the shadow.
    /// </summary>
    private static bool LosesShadows
    {
        get
        {
            const uint Hypervisor = 0x4000_0000, Tcg = 0x54474354; // "TCGT"
            return X86Base.IsSupported && (uint)X86Base.CpuId(unchecked((int)Hypervisor), 0).Ebx == Tcg;
        }
    }

    [Fact]
    public void TheInterruptThatWaitsForStiIsTakenBehindTheNextInstruction()
    {
        const ulong BehindHalt = Machine.CodeAt + 2;
        ulong taken = InterruptedAt();
        for (int again = 0; taken == BehindHalt - 1 && LosesShadows && again < 20; again++)
        {
            Machine.ForgetLastEnd();
            taken = InterruptedAt();
        }
        taken.ShouldBe(BehindHalt);
    }

    [Fact]
    public async Task NoInterruptIsSleptThrough()
    {
        const int Rounds = 200;
        using var machine = new Machine(CreateEngine());
        // sti / again: hlt / jmp again
        machine.Load([0xFB, 0xF4, 0xEB, 0xFD]);
        // inc ecx / mov dword [0xfee000b0], 0 / out 0x80, al / iret
        machine.Load([0x41, 0xC7, 0x05, 0xB0, 0x00, 0xE0, 0xFE, 0x00, 0x00, 0x00, 0x00, 0xE6, 0x80, 0xCF], 0x2000);
        machine.Guest.Memory.TryWrite(0x4008UL, 0x00CF9B000000FFFFUL);
        machine.Guest.Memory.TryWrite(0x3000UL + Vector * 8, 0x0000_8E00_0008_2000UL);
        machine.StartFlat32();
        VcpuState state = machine.State();
        (state.GdtBase, state.GdtLimit, state.IdtBase, state.IdtLimit) = (0x4000, 0x1F, 0x3000, 0x7FF);
        machine.Vcpu.WriteState(state).ShouldBe(Status.Ok);
        EnableApic(machine);
        using var served = new SemaphoreSlim(0);
        // From another thread, each at a different moment of the way into the halt.
        Task<int> sender = Task.Factory.StartNew(
            () =>
            {
                for (int round = 0; round < Rounds; round++)
                {
                    Thread.SpinWait(round * 37 % 400 * 5);
                    machine.Vcpu.Interrupt(Vector);
                    if (served.Wait(Awake)) continue;
                    machine.Vcpu.Kick();
                    return round;
                }
                return Rounds;
            },
            TaskCreationOptions.LongRunning);

        int taken = 0;
        for (; taken < Rounds && machine.Vcpu.Run(out Packet packet) == Status.Ok && packet.Address == 0x80; taken++) served.Release();
        (await sender).ShouldBe(Rounds);
        taken.ShouldBe(Rounds);
    }

    /// <summary>Lets an interrupt wait while interrupts are off, then lets it in before a HLT; gives the address that its handler returns to.</summary>
    private ulong InterruptedAt()
    {
        using var machine = new Machine(CreateEngine());
        machine.Guest.Memory.TryWrite(Vector * 4UL, 0x0000_2000u);
        // sti / hlt / out 0x81, al
        machine.Load([0xFB, 0xF4, 0xE6, 0x81]);
        // pop ax / push ax / out 0x80, ax / iret
        machine.Load([0x58, 0x50, 0xE7, 0x80, 0xCF], 0x2000);
        machine.StartReal();
        EnableApic(machine);
        machine.Vcpu.Interrupt(Vector).ShouldBe(Status.Ok);
        Packet packet = machine.Next();
        packet.Address.ShouldBe(0x80UL);
        return packet.Data;
    }

    private static void EnableApic(Machine machine)
    {
        // The spurious vector register's enable bit, through the saved state.
        VcpuState state = machine.State();
        BitConverter.TryWriteBytes(state.LocalApic.AsSpan(0xF0), 0x1FFu);
        machine.Vcpu.WriteState(state).ShouldBe(Status.Ok);
    }
}
