using Hospes.Hypervisor.Kvm.Native;
using Hospes.Hypervisor.Kvm.Probe;

namespace Hospes.Hypervisor.Kvm.Tests;

/// <summary>A guest with one processor in flat 32-bit mode, on the KVM of the host, or of a host that lacks something.</summary>
internal sealed class FlatGuest : IDisposable
{
    public const ulong CodeAt = 0x1000, HandlerAt = 0x2000, InterruptTable = 0x3000, SegmentTable = 0x4000;

    private readonly KvmEngine _engine;
    private readonly HypervisorResource _resource;

    private FlatGuest(KvmEngine engine, ulong memory, IReadOnlyDictionary<string, string> settings)
    {
        _engine = engine;
        var tap = new Tap(engine);
        _resource = new HypervisorResource(tap);
        Guest.Create(_resource, new GuestOptions { EngineSettings = settings }, out Guest? guest).ShouldBe(Status.Ok);
        Guest = guest!;
        Kvm = tap.Made!;
        Guest.Memory.Map(0, memory, out MemoryRange? ram).ShouldBe(Status.Ok);
        Ram = ram!;
        Guest.CreateVcpu(out Vcpu? vcpu).ShouldBe(Status.Ok);
        Vcpu = vcpu!;
    }

    public Guest Guest { get; }

    /// <summary>The engine's side of it.</summary>
    public KvmGuest Kvm { get; }

    public MemoryRange Ram { get; }

    public Vcpu Vcpu { get; }

    /// <summary>Whether there is hardware virtualization behind the host's KVM.</summary>
    public bool IsReal => KvmProbe.Judge(_engine) is null;

    /// <summary>Makes one; null where the host has no KVM.</summary>
    public static FlatGuest? TryCreate(Predicate<KvmExtension>? lacks = null, ulong memory = 1 << 20, IReadOnlyDictionary<string, string>? settings = null) =>
        HostKvm.TryOpen(lacks) is { } engine ? new FlatGuest(engine, memory, settings ?? new Dictionary<string, string>()) : null;

    /// <summary>Puts a program at <see cref="CodeAt"/> and the processor at its start, with interrupt handlers at <see cref="HandlerAt"/> for the vectors given.</summary>
    public void Load(ReadOnlySpan<byte> code, ReadOnlySpan<byte> handler = default, params byte[] vectors)
    {
        Guest.Memory.TryWrite(CodeAt, code).ShouldBeTrue();
        if (!handler.IsEmpty) Guest.Memory.TryWrite(HandlerAt, handler).ShouldBeTrue();
        Guest.Memory.TryWrite(SegmentTable + 8, 0x00CF9B000000FFFFUL).ShouldBeTrue();
        foreach (byte vector in vectors) Guest.Memory.TryWrite(InterruptTable + vector * 8UL, 0x0000_8E00_0008_0000UL | HandlerAt).ShouldBeTrue();
        var state = new VcpuState();
        Vcpu.ReadState(state).ShouldBe(Status.Ok);
        for (int i = 0; i < 6; i++)
            state.Segments[i] = new SegmentState { Selector = (ushort)(i == 1 ? 8 : 16), Limit = uint.MaxValue, Attributes = i == 1 ? 0xC09Bu : 0xC093u };
        (state.Cr0, state.Rip, state.Rflags) = (0x11, CodeAt, 2);
        (state.GdtBase, state.GdtLimit, state.IdtBase, state.IdtLimit) = (SegmentTable, 0x1F, InterruptTable, 0x7FF);
        state.General[VcpuState.Rsp] = 0x8000;
        // The spurious vector register's enable bit.
        BitConverter.TryWriteBytes(state.LocalApic.AsSpan(0xF0), 0x1FFu);
        Vcpu.WriteState(state).ShouldBe(Status.Ok);
    }

    /// <summary>Runs until the next packet.</summary>
    public Packet Next()
    {
        Vcpu.Run(out Packet packet).ShouldBe(Status.Ok);
        return packet;
    }

    public void Dispose()
    {
        Vcpu.Dispose();
        Guest.Dispose();
        _resource.Dispose();
        _engine.Dispose();
    }

    /// <summary>Keeps the engine's side of the guest for those who look behind the contract.</summary>
    private sealed class Tap(KvmEngine engine) : IEngine
    {
        public KvmGuest? Made { get; private set; }

        public string Name => engine.Name;

        public bool Supports(Capability capability) => engine.Supports(capability);

        public Status CreateGuest(GuestOptions options, GuestMemory memory, TrapTable traps, out IGuestEngine? guest)
        {
            Status status = engine.CreateGuest(options, memory, traps, out guest);
            Made = guest as KvmGuest;
            return status;
        }
    }
}
