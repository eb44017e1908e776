using Hospes.Hypervisor;

namespace Hospes.Conformance;

/// <summary>A guest with RAM at 0 and a processor in 16-bit real mode at 0x1000, or in flat 32-bit mode: the least that a program needs.</summary>
internal sealed class Machine : IDisposable
{
    public const ulong CodeAt = 0x1000, StackAt = 0x8000;

    private readonly HypervisorResource _resource;
    private bool _awaitsAnswer;

    public Machine(IEngine engine, int vcpus = 1, ulong memory = 4 << 20)
    {
        _resource = new HypervisorResource(engine);
        Guest.Create(_resource, new GuestOptions { MaxVcpus = vcpus }, out Guest? guest).ShouldBe(Status.Ok);
        Guest = guest!;
        Guest.Memory.Map(0, memory, out MemoryRange? range).ShouldBe(Status.Ok);
        Ram = range!;
        Vcpus = new Vcpu[vcpus];
        for (int i = 0; i < vcpus; i++)
        {
            Guest.CreateVcpu(out Vcpu? vcpu).ShouldBe(Status.Ok);
            Vcpus[i] = vcpu!;
        }
    }

    /// <summary>Where machines made in this flow of control leave the state of their processor 0 when they end; null when nobody asks.</summary>
    public static AsyncLocal<List<VcpuState>?> Ended { get; } = new();

    /// <summary>The last machine is to be made again: its end does not count.</summary>
    public static void ForgetLastEnd()
    {
        if (Ended.Value is { Count: > 0 } ended) ended.RemoveAt(ended.Count - 1);
    }

    public Guest Guest { get; }

    public MemoryRange Ram { get; }

    public Vcpu[] Vcpus { get; }

    public Vcpu Vcpu => Vcpus[0];

    /// <summary>Puts a program at an address.</summary>
    public void Load(ReadOnlySpan<byte> code, ulong at = CodeAt) => Guest.Memory.TryWrite(at, code).ShouldBeTrue();

    /// <summary>Sets processor 0 to 16-bit real mode at the program's start.</summary>
    public void StartReal()
    {
        var state = new VcpuState();
        Vcpu.ReadState(state).ShouldBe(Status.Ok);
        for (int i = 0; i < 6; i++) state.Segments[i] = new SegmentState { Limit = 0xFFFF, Attributes = i == 1 ? 0x9Bu : 0x93u };
        // What a reset leaves there is the processor's model.
        state.General[VcpuState.Rdx] = 0;
        state.Rip = CodeAt;
        state.General[VcpuState.Rsp] = StackAt;
        state.Rflags = 2;
        Vcpu.WriteState(state).ShouldBe(Status.Ok);
    }

    /// <summary>Sets processor 0 to flat 32-bit protected mode without paging.</summary>
    public void StartFlat32()
    {
        var state = new VcpuState();
        Vcpu.ReadState(state).ShouldBe(Status.Ok);
        for (int i = 0; i < 6; i++)
        {
            state.Segments[i] = new SegmentState { Selector = (ushort)(i == 1 ? 8 : 16), Limit = uint.MaxValue, Attributes = i == 1 ? 0xC09Bu : 0xC093u };
        }
        state.Cr0 = 0x11;
        // What a reset leaves there is the processor's model.
        state.General[VcpuState.Rdx] = 0;
        state.Rip = CodeAt;
        state.General[VcpuState.Rsp] = StackAt;
        state.Rflags = 2;
        Vcpu.WriteState(state).ShouldBe(Status.Ok);
    }

    /// <summary>Sets processor 0 to 64-bit mode with the first 1 GiB identity-mapped by one 2 MiB page each, tables at 0x100000.</summary>
    public void StartLong(ulong pageFlags = 0x87)
    {
        const ulong Pml4 = 0x100000, Pdpt = 0x101000, Directory = 0x102000;
        Guest.Memory.TryWrite(Pml4, Pdpt | 7).ShouldBeTrue();
        Guest.Memory.TryWrite(Pdpt, Directory | 7).ShouldBeTrue();
        for (ulong i = 0; i < 512; i++) Guest.Memory.TryWrite(Directory + i * 8, (i << 21) | pageFlags).ShouldBeTrue();
        var state = new VcpuState();
        Vcpu.ReadState(state).ShouldBe(Status.Ok);
        for (int i = 0; i < 6; i++)
        {
            state.Segments[i] = new SegmentState { Selector = (ushort)(i == 1 ? 8 : 16), Limit = uint.MaxValue, Attributes = i == 1 ? 0xA09Bu : 0xC093u };
        }
        state.Cr0 = 0x80010031;
        state.Cr3 = Pml4;
        state.Cr4 = 0x620;
        state.Efer = 0xD00;
        // What a reset leaves there is the processor's model.
        state.General[VcpuState.Rdx] = 0;
        state.Rip = CodeAt;
        state.General[VcpuState.Rsp] = StackAt;
        state.Rflags = 2;
        Vcpu.WriteState(state).ShouldBe(Status.Ok);
    }

    /// <summary>Runs processor 0 until its next packet.</summary>
    public Packet Next()
    {
        Vcpu.Run(out Packet packet).ShouldBe(Status.Ok);
        _awaitsAnswer = !packet.IsWrite;
        return packet;
    }

    public VcpuState State()
    {
        var state = new VcpuState();
        Vcpu.ReadState(state).ShouldBe(Status.Ok);
        return state;
    }

    /// <summary>Lets processor 0 end the instruction that its last packet was for, and nothing behind it.</summary>
    public void Settle()
    {
        if (_awaitsAnswer) Vcpu.CompleteRead(0);
        Vcpu.Kick();
        // More packets come only from further parts of the same instruction.
        for (int i = 0; i < 8 && Vcpu.Run(out _) == Status.Ok; i++) Vcpu.CompleteRead(0);
    }

    public void Dispose()
    {
        if (Ended.Value is { } ended)
        {
            Settle();
            ended.Add(State());
        }
        foreach (Vcpu vcpu in Vcpus) vcpu.Dispose();
        Guest.Dispose();
        _resource.Dispose();
    }
}
