using Hospes.Hypervisor;

namespace Hospes.Conformance;

/// <summary>Guests whose code is random: whatever they do, the process lives, every run ends when kicked, and only their own domain ends.</summary>
internal static class RandomCode
{
    /// <summary>Instructions that random bytes would seldom hit and that a processor is easily broken by. Operands are left to the bytes behind.</summary>
    private static readonly byte[][] Rare =
    [
        [0x0F, 0x22, 0xC0], // mov cr0, rax
        [0x0F, 0x22, 0xD8], // mov cr3, rax
        [0x0F, 0x22, 0xE0], // mov cr4, rax
        [0x0F, 0x22, 0xD0], // mov cr2, rax
        [0x0F, 0x23, 0xF8], // mov dr7, rax
        [0x0F, 0x23, 0xC0], // mov dr0, rax
        [0x0F, 0x30], // wrmsr
        [0x0F, 0x32], // rdmsr
        [0xB9, 0x80, 0x00, 0x00, 0xC0, 0x0F, 0x30], // mov ecx, IA32_EFER / wrmsr
        [0xB9, 0x1B, 0x00, 0x00, 0x00, 0x0F, 0x30], // mov ecx, IA32_APIC_BASE / wrmsr
        [0xB9, 0x30, 0x08, 0x00, 0x00, 0x0F, 0x30], // mov ecx, x2APIC ICR / wrmsr
        [0x0F, 0x01, 0x10], // lgdt [rax]
        [0x0F, 0x01, 0x18], // lidt [rax]
        [0x0F, 0x00, 0xD8], // ltr ax
        [0x0F, 0x00, 0xD0], // lldt ax
        [0x8E, 0xD0], // mov ss, ax
        [0x8E, 0xD8], // mov ds, ax
        [0xCF], // iret
        [0x48, 0xCF], // iretq
        [0xCB], // retf
        [0xFF, 0x28], // jmp far [rax]
        [0xFF, 0x18], // call far [rax]
        [0xCD], // int n
        [0x0F, 0x05], // syscall
        [0x0F, 0x07], // sysret
        [0x0F, 0x34], // sysenter
        [0x0F, 0x35], // sysexit
        [0x9D], // popf
        [0xFB], // sti
        [0xFA], // cli
        [0xF4], // hlt
        [0x0F, 0x01, 0xCA], // clac
        [0x0F, 0x01, 0xF8], // swapgs
        [0x0F, 0xAE, 0x08], // fxrstor [rax]
        [0x0F, 0xAE, 0x28], // xrstor [rax]
        [0x0F, 0x01, 0xD1], // xsetbv
        [0xF3, 0xA4], // rep movsb
        [0xF3, 0xAA], // rep stosb
        [0xC7, 0x05, 0x00, 0x00, 0x10, 0x00], // mov dword [0x100000], imm: the page tables
        [0xC7, 0x04, 0x25, 0x00, 0x00, 0x10, 0x00], // the same in 64-bit mode
        [0xC7, 0x04, 0x25, 0x00, 0x03, 0xE0, 0xFE], // mov dword [0xfee00300], imm: an IPI
        [0xC8], // enter
        [0xF0, 0x0F, 0xC7, 0x08], // lock cmpxchg8b [rax]
    ];

    /// <summary>Runs one guest. Answers how its run ended: a name for the statistics.</summary>
    public static string Run(IEngine engine, int seed)
    {
        var random = new Random(seed);
        using var machine = new Machine(engine);
        var code = new byte[0x3000];
        random.NextBytes(code);
        for (int i = random.Next(64); i > 0; i--)
        {
            byte[] piece = Rare[random.Next(Rare.Length)];
            piece.CopyTo(code, random.Next(code.Length / 8));
        }
        // The rest of low memory holds the code again: stacks, tables and handlers that go astray find something there.
        for (ulong at = 0; at < 0x10000; at += 0x3000) machine.Load(code, at);
        machine.Load(code);
        switch (seed % 3)
        {
            case 0: machine.StartReal(); break;
            case 1: machine.StartFlat32(); break;
            default: machine.StartLong(); break;
        }
        VcpuState state = machine.State();
        for (int i = 0; i < 16; i++) state.General[i] = Value(random);
        state.General[VcpuState.Rsp] = random.Next(4) == 0 ? Value(random) : Machine.StackAt;
        (state.IdtBase, state.IdtLimit) = ((ulong)random.Next(0x8000), 0xFFF);
        (state.GdtBase, state.GdtLimit) = ((ulong)random.Next(0x8000), 0xFFF);
        machine.Vcpu.WriteState(state).ShouldBe(Status.Ok);

        long end = Environment.TickCount64 + 2;
        using var watch = new Timer(_ => machine.Vcpu.Kick(), null, 3, 3);
        for (int packets = 0; packets < 200; packets++)
        {
            Status status = machine.Vcpu.Run(out Packet packet);
            if (status == Status.Canceled)
            {
                if (Environment.TickCount64 >= end) return "kicked";
                continue;
            }
            status.ShouldBe(Status.Ok);
            if (packet.Kind == PacketKind.Shutdown) return "shut down";
            if (!packet.IsWrite) machine.Vcpu.CompleteRead(Value(random));
        }
        return "many packets";
    }

    private static ulong Value(Random random) => random.Next(6) switch
    {
        0 => (ulong)random.Next(0x10000),
        1 => 0x100000 + (ulong)random.Next(0x3000),
        2 => ulong.MaxValue << random.Next(64),
        3 => 1UL << random.Next(64),
        4 => 0xFEE00000 + (ulong)random.Next(0x400),
        _ => (ulong)random.NextInt64(),
    };
}
