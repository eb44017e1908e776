using Hospes.Hypervisor;

namespace Hospes.Conformance;

/// <summary>
/// What every engine must do, one body for all. An engine's class gives the factory. Guest programs are bytes; the disassembly stands above them.
/// </summary>
public abstract partial class EngineConformance
{
    protected abstract IEngine CreateEngine();

    /// <summary>How many guests of random code are run.</summary>
    protected virtual int RandomGuests => 10_000;

    [Fact]
    public void AnOutIsAPacketAndTheGuestGoesOn()
    {
        using var machine = new Machine(CreateEngine());
        // mov al, 0x5a / out 0x80, al / mov ax, 0x1234 / mov dx, 0x3f8 / out dx, ax / hlt
        machine.Load([0xB0, 0x5A, 0xE6, 0x80, 0xB8, 0x34, 0x12, 0xBA, 0xF8, 0x03, 0xEF, 0xF4]);
        machine.StartReal();

        Packet first = machine.Next();
        first.Kind.ShouldBe(PacketKind.Io);
        (first.Address, first.Size, first.IsWrite, first.Data).ShouldBe((0x80UL, 1, true, 0x5AUL));
        Packet second = machine.Next();
        (second.Address, second.Size, second.Data).ShouldBe((0x3F8UL, 2, 0x1234UL));
    }

    [Fact]
    public void AnInTakesTheCompletedValueInItsWidth()
    {
        using var machine = new Machine(CreateEngine());
        // mov eax, -1 / in al, 0x60 / out 0x80, eax
        machine.Load([0x66, 0xB8, 0xFF, 0xFF, 0xFF, 0xFF, 0xE4, 0x60, 0x66, 0xE7, 0x80]);
        machine.StartReal();

        Packet read = machine.Next();
        (read.IsWrite, read.Address, read.Size).ShouldBe((false, 0x60UL, 1));
        machine.Vcpu.CompleteRead(0x1122).ShouldBe(Status.Ok);
        machine.Next().Data.ShouldBe(0xFFFFFF22UL);
    }

    [Fact]
    public void ATrapKeyComesBackWithItsAccesses()
    {
        using var machine = new Machine(CreateEngine());
        machine.Guest.SetTrap(TrapKind.Io, 0x500, 4, null, 77).ShouldBe(Status.Ok);
        machine.Guest.SetTrap(TrapKind.Memory, 0x200000, 0x1000, null, 88).ShouldBe(Status.Ok);
        // mov dx, 0x502 / out dx, al / mov eax, [0x200010] / mov [0x200ffc], eax / mov eax, [0xd0000000]
        machine.Load([0x66, 0xBA, 0x02, 0x05, 0xEE, 0xA1, 0x10, 0x00, 0x20, 0x00, 0xA3, 0xFC, 0x0F, 0x20, 0x00, 0xA1, 0x00, 0x00, 0x00, 0xD0]);
        machine.StartFlat32();

        Packet io = machine.Next();
        (io.Key, io.IsTrapped).ShouldBe((77UL, true));
        Packet read = machine.Next();
        (read.Kind, read.Key, read.Address, read.Size, read.IsWrite).ShouldBe((PacketKind.Memory, 88UL, 0x200010UL, 4, false));
        machine.Vcpu.CompleteRead(0xCAFEBABE);
        Packet write = machine.Next();
        (write.Key, write.Address, write.IsWrite, write.Data).ShouldBe((88UL, 0x200FFCUL, true, 0xCAFEBABEUL));
        Packet nothing = machine.Next();
        (nothing.Kind, nothing.IsTrapped, nothing.Address).ShouldBe((PacketKind.Memory, false, 0xD0000000UL));
    }

    [Fact]
    public void AReadModifyWriteOfADeviceReadsOnceAndWritesOnce()
    {
        using var machine = new Machine(CreateEngine());
        machine.Guest.SetTrap(TrapKind.Memory, 0x200000, 0x1000, null, 1).ShouldBe(Status.Ok);
        // add dword [0x200000], 5 / out 0x80, al
        machine.Load([0x83, 0x05, 0x00, 0x00, 0x20, 0x00, 0x05, 0xE6, 0x80]);
        machine.StartFlat32();

        machine.Next().IsWrite.ShouldBeFalse();
        machine.Vcpu.CompleteRead(37);
        Packet write = machine.Next();
        (write.IsWrite, write.Data).ShouldBe((true, 42UL));
        machine.Next().Kind.ShouldBe(PacketKind.Io);
    }

    [Fact]
    public void AStringWriteToADeviceGivesOnePacketPerElement()
    {
        using var machine = new Machine(CreateEngine());
        machine.Guest.SetTrap(TrapKind.Memory, 0x200000, 0x1000, null, 1).ShouldBe(Status.Ok);
        // mov edi, 0x200000 / mov ecx, 3 / mov eax, 7 / rep stosd / out 0x80, al
        machine.Load([0xBF, 0x00, 0x00, 0x20, 0x00, 0xB9, 0x03, 0x00, 0x00, 0x00, 0xB8, 0x07, 0x00, 0x00, 0x00, 0xF3, 0xAB, 0xE6, 0x80]);
        machine.StartFlat32();

        for (ulong i = 0; i < 3; i++)
        {
            Packet packet = machine.Next();
            (packet.Address, packet.Data).ShouldBe((0x200000 + i * 4, 7UL));
        }
        machine.Next().Kind.ShouldBe(PacketKind.Io);
        machine.State().General[VcpuState.Rcx].ShouldBe(0UL);
    }

    [Fact]
    public void ABellGoesToItsPortAndTheGuestDoesNotStop()
    {
        using var machine = new Machine(CreateEngine());
        using var port = new Port();
        machine.Guest.SetTrap(TrapKind.Bell, 0x200000, 0x1000, port, 99).ShouldBe(Status.Ok);
        // mov [0x200004], eax / out 0x80, al
        machine.Load([0xA3, 0x04, 0x00, 0x20, 0x00, 0xE6, 0x80]);
        machine.StartFlat32();

        machine.Next().Kind.ShouldBe(PacketKind.Io);
        port.Wait(TimeSpan.Zero, out Packet bell).ShouldBe(Status.Ok);
        (bell.Kind, bell.Key, bell.Address).ShouldBe((PacketKind.Bell, 99UL, 0x200004UL));
    }

    [Fact]
    public void AKickBeforeARunCancelsItOnceHoweverOftenItCame()
    {
        using var machine = new Machine(CreateEngine());
        // out 0x80, al
        machine.Load([0xE6, 0x80]);
        machine.StartReal();
        machine.Vcpu.Kick();
        machine.Vcpu.Kick();

        machine.Vcpu.Run(out _).ShouldBe(Status.Canceled);
        machine.Vcpu.Run(out Packet packet).ShouldBe(Status.Ok);
        packet.Kind.ShouldBe(PacketKind.Io);
    }

    [Fact]
    public async Task AKickEndsAnEndlessLoopAndAHalt()
    {
        foreach (byte[] program in (byte[][])[[0xEB, 0xFE], [0xF4]])
        {
            using var machine = new Machine(CreateEngine());
            machine.Load(program);
            machine.StartReal();
            Task<Status> run = Task.Run(() =>
            {
                machine.Vcpu.Bind();
                return machine.Vcpu.Run(out _);
            });
            machine.Vcpu.Kick();
            (await run.WaitAsync(TimeSpan.FromSeconds(20))).ShouldBe(Status.Canceled);
        }
    }

    [Fact]
    public void AnotherThreadMayNotRunABoundProcessor()
    {
        using var machine = new Machine(CreateEngine());
        Status status = Status.Ok;
        var thread = new Thread(() => status = machine.Vcpu.Run(out _));
        thread.Start();
        thread.Join();
        status.ShouldBe(Status.BadState);
    }

    [Fact]
    public void ATripleFaultIsAShutdown()
    {
        using var machine = new Machine(CreateEngine());
        // lidt [empty] / int 3
        machine.Load([0x0F, 0x01, 0x1E, 0x00, 0x20, 0xCC]);
        machine.StartReal();

        machine.Next().Kind.ShouldBe(PacketKind.Shutdown);
    }

    [Fact]
    public void WrittenPagesAreLogged()
    {
        using var machine = new Machine(CreateEngine());
        // mov [0x300000], eax / out 0x80, al / mov [0x301000], eax / out 0x80, al
        machine.Load([0xA3, 0x00, 0x00, 0x30, 0x00, 0xE6, 0x80, 0xA3, 0x00, 0x10, 0x30, 0x00, 0xE6, 0x80]);
        machine.StartFlat32();
        machine.Guest.SetDirtyLogging(true).ShouldBe(Status.Ok);
        var bitmap = new ulong[machine.Ram.DirtyWords];

        machine.Next();
        machine.Guest.CollectDirtyPages(machine.Ram, bitmap).ShouldBe(Status.Ok);
        // An engine may count a page as written that was merely touched for the first time, as the code's page is here.
        Pages(bitmap).Except([(int)(Machine.CodeAt >> 12)]).ShouldBe([0x300]);
        machine.Next();
        machine.Guest.CollectDirtyPages(machine.Ram, bitmap).ShouldBe(Status.Ok);
        Pages(bitmap).ShouldBe([0x301]);
    }

    [Fact]
    public void ThePageFaultOfLongModeHasItsAddressAndErrorCode()
    {
        using var machine = new Machine(CreateEngine());
        const ulong Idt = 0x3000, Handler = 0x2000;
        machine.Guest.Memory.TryWrite(Idt + 14 * 16, Handler | 8UL << 16 | 0x8E00UL << 32);
        machine.Guest.Memory.TryWrite(0x4008UL, 0x00AF9B000000FFFFUL);
        // mov rax, 0x40000000 / mov [rax + 0x123], rbx
        machine.Load([0x48, 0xC7, 0xC0, 0x00, 0x00, 0x00, 0x40, 0x48, 0x89, 0x98, 0x23, 0x01, 0x00, 0x00]);
        // pop rax / out 0x80, eax / mov rax, cr2 / out 0x80, eax
        machine.Load([0x58, 0xE7, 0x80, 0x0F, 0x20, 0xD0, 0xE7, 0x80], Handler);
        machine.StartLong();
        VcpuState state = machine.State();
        (state.IdtBase, state.IdtLimit, state.GdtBase, state.GdtLimit) = (Idt, 0xFFF, 0x4000, 0x1F);
        machine.Vcpu.WriteState(state).ShouldBe(Status.Ok);

        machine.Next().Data.ShouldBe(2UL);
        machine.Next().Data.ShouldBe(0x40000123UL);
    }

    [Fact]
    public void CodeThatWritesTheNextInstructionExecutesWhatItWrote()
    {
        using var machine = new Machine(CreateEngine());
        // mov byte [0x1008], 0x7f / mov al, 0 / out 0x80, al: the immediate of "mov al" at 0x1008 is overwritten.
        machine.Load([0xC6, 0x05, 0x08, 0x10, 0x00, 0x00, 0x7F, 0xB0, 0x00, 0xE6, 0x80]);
        machine.StartFlat32();

        machine.Next().Data.ShouldBe(0x7FUL);
    }

    [Fact]
    public void CodeWrittenByTheHostIsExecutedAnew()
    {
        using var machine = new Machine(CreateEngine());
        // mov al, 1 / out 0x80, al / jmp to the start
        machine.Load([0xB0, 0x01, 0xE6, 0x80, 0xEB, 0xFA]);
        machine.StartFlat32();
        machine.Next().Data.ShouldBe(1UL);
        machine.Load([0xB0, 0x02]);
        machine.Next().Data.ShouldBe(2UL);
    }

    [Fact]
    public void TheStateThatIsWrittenIsTheStateThatIsRead()
    {
        using var machine = new Machine(CreateEngine());
        machine.StartLong();
        VcpuState written = machine.State();
        for (int i = 0; i < 16; i++) written.General[i] = 0x0101010101010101UL * (ulong)(i + 1);
        written.Rflags = 0xAD7;
        written.Debug[0] = 0x1234;
        BitConverter.TryWriteBytes(written.ExtendedArea.AsSpan(160), 0x1122334455667788UL);
        machine.Vcpu.WriteState(written).ShouldBe(Status.Ok);

        VcpuState read = machine.State();
        read.General.ShouldBe(written.General);
        read.Rflags.ShouldBe(0xAD7UL);
        read.Segments.ShouldBe(written.Segments);
        (read.Cr0, read.Cr3, read.Cr4, read.Efer).ShouldBe((written.Cr0, written.Cr3, written.Cr4, written.Efer));
        read.Debug[0].ShouldBe(0x1234UL);
        BitConverter.ToUInt64(read.ExtendedArea, 160).ShouldBe(0x1122334455667788UL);
    }

    [Fact]
    public void AStateThatNoProcessorTakesIsRefused()
    {
        using var machine = new Machine(CreateEngine());
        machine.StartLong();
        VcpuState state = machine.State();
        state.Cr0 = 0x80000000;
        machine.Vcpu.WriteState(state).ShouldBe(Status.InvalidArgs);
        machine.State().Cr0.ShouldBe(0x80010031UL);
    }

    [Fact]
    public async Task ASecondProcessorStartsBySipiAndBothCountWithoutLoss()
    {
        using var machine = new Machine(CreateEngine(), vcpus: 2);
        const uint Rounds = 20000;
        // Processor 1, real mode at 0x2000: mov ecx, 20000 / again: lock inc dword [0x5000] / dec ecx / jnz again / mov byte [0x5004], 1 / hlt
        machine.Load([0x66, 0xB9, 0x20, 0x4E, 0x00, 0x00, 0xF0, 0x66, 0xFF, 0x06, 0x00, 0x50, 0x66, 0x49, 0x75, 0xF6, 0xC6, 0x06, 0x04, 0x50, 0x01, 0xF4], 0x2000);
        // Processor 0, flat: mov edx, 0xfee00300 / mov dword [edx], 0xc4500 / mov dword [edx], 0xc4602 / mov ecx, 20000
        // again: lock inc dword [0x5000] / dec ecx / jnz again / wait: pause / cmp byte [0x5004], 1 / jne wait / mov eax, [0x5000] / out 0x80, eax
        machine.Load([
            0xBA, 0x00, 0x03, 0xE0, 0xFE, 0xC7, 0x02, 0x00, 0x45, 0x0C, 0x00, 0xC7, 0x02, 0x02, 0x46, 0x0C, 0x00, 0xB9, 0x20, 0x4E, 0x00, 0x00,
            0xF0, 0xFF, 0x05, 0x00, 0x50, 0x00, 0x00, 0x49, 0x75, 0xF6, 0xF3, 0x90, 0x80, 0x3D, 0x04, 0x50, 0x00, 0x00, 0x01, 0x75, 0xF5,
            0xA1, 0x00, 0x50, 0x00, 0x00, 0xE7, 0x80]);
        machine.StartFlat32();
        Task<Status> second = Task.Run(() =>
        {
            machine.Vcpus[1].Bind();
            return machine.Vcpus[1].Run(out _);
        });

        machine.Next().Data.ShouldBe(2UL * Rounds);
        machine.Vcpus[1].Kick();
        (await second.WaitAsync(TimeSpan.FromSeconds(20))).ShouldBe(Status.Canceled);
    }

    [Fact]
    public async Task ThousandsOfGuestsOfRandomCodeEndOnlyThemselves()
    {
        int guests = int.Parse(Environment.GetEnvironmentVariable("HOSPES_RANDOM_GUESTS") ?? $"{RandomGuests}");
        int first = int.Parse(Environment.GetEnvironmentVariable("HOSPES_RANDOM_SEED") ?? "1");
        IEngine engine = CreateEngine();
        var ends = new SortedDictionary<string, int>();
        for (int seed = first; seed < first + guests; seed++)
        {
            int current = seed;
            Task<string> run = Task.Factory.StartNew(() => RandomCode.Run(engine, current), TaskCreationOptions.LongRunning);
            try
            {
                string end = await run.WaitAsync(TimeSpan.FromSeconds(60));
                ends[end] = ends.GetValueOrDefault(end) + 1;
            }
            catch (Exception fault)
            {
                throw new InvalidOperationException($"the guest of seed {seed} broke the engine or does not stop (HOSPES_RANDOM_SEED={seed} HOSPES_RANDOM_GUESTS=1)", fault);
            }
        }
        ends.Count.ShouldBeGreaterThan(1, string.Join(", ", ends));
    }

    [Fact]
    public async Task AProcessorThatWaitsForItsStartExecutesNothing()
    {
        using var machine = new Machine(CreateEngine(), vcpus: 2);
        // What an exception at the reset vector would lead to: 0:0x2000: mov byte [0x5000], 1 / jmp to itself
        machine.Guest.Memory.TryWrite(6UL * 4, 0x0000_2000u);
        machine.Load([0xC6, 0x06, 0x00, 0x50, 0x01, 0xEB, 0xFE], 0x2000);
        Task<Status> second = Task.Run(() =>
        {
            machine.Vcpus[1].Bind();
            Status status = Status.Ok;
            // Two kicks, one after the other: the processor was in its loop between them.
            for (int i = 0; i < 2; i++) status = machine.Vcpus[1].Run(out _);
            return status;
        });
        while (!second.IsCompleted)
        {
            machine.Vcpus[1].Kick();
            await Task.Yield();
        }
        (await second).ShouldBe(Status.Canceled);
        machine.Guest.Memory.TryRead(0x5000UL, out byte written).ShouldBeTrue();
        written.ShouldBe((byte)0);
    }

    private static List<int> Pages(ulong[] bitmap)
    {
        var pages = new List<int>();
        for (int i = 0; i < bitmap.Length * 64; i++)
        {
            if ((bitmap[i / 64] >> (i % 64) & 1) != 0) pages.Add(i);
        }
        return pages;
    }
}
