using Hospes.Hypervisor;
using Hospes.Virtio;

namespace Hospes.Machine.Tests;

/// <summary>A machine on the fake engine, with a processor to send packets from.</summary>
internal sealed class Bench : IDisposable
{
    public const ulong HostMemory = 64UL << 30;

    private readonly HypervisorResource _resource;
    private readonly Guest _guest;
    private readonly Vcpu _vcpu;

    public Bench(MachineConfig? config = null, IReadOnlyList<VirtioDevice>? devices = null, IReadOnlyList<MachineDevice>? places = null)
    {
        _resource = new HypervisorResource(Engine);
        config ??= new MachineConfig { Memory = 64 << 20, TestDevice = true };
        Guest.Create(_resource, new GuestOptions { MaxVcpus = config.Vcpus, Time = Time }, out Guest? guest).ShouldBe(Status.Ok);
        _guest = guest!;
        _guest.CreateVcpu(out Vcpu? vcpu).ShouldBe(Status.Ok);
        _vcpu = vcpu!;
        PvhMachine.Create(_guest, config, Sink, HostMemory, out PvhMachine? machine, out string message, places ?? [.. (devices ?? []).Select(static device => new MachineDevice(device))]).ShouldBe(MachineError.None, message);
        Machine = machine!;
    }

    public FakeEngine Engine { get; } = new();

    public FakeTime Time { get; } = new(new DateTimeOffset(2026, 3, 4, 5, 6, 7, TimeSpan.Zero));

    public CollectingSink Sink { get; } = new();

    public PvhMachine Machine { get; }

    public GuestMemory Memory => _guest.Memory;

    public Guest Guest => _guest;

    public bool Handle(in Packet packet) => Machine.Handle(_vcpu, packet);

    public uint In(int port, int size = 1)
    {
        Handle(Io((ushort)port, size, false, 0));
        return (uint)(Engine.Vcpu.Answer & (ulong.MaxValue >> (64 - size * 8)));
    }

    public bool Out(int port, uint value, int size = 1) => Handle(Io((ushort)port, size, true, value));

    public ulong Load(ulong address, int size = 4)
    {
        Handle(Mmio(address, size, false, 0));
        return Engine.Vcpu.Answer & (ulong.MaxValue >> (64 - size * 8));
    }

    public bool Store(ulong address, ulong value, int size = 4) => Handle(Mmio(address, size, true, value));

    public Packet Io(ushort port, int size, bool write, uint value)
    {
        Trap? trap = Engine.Traps.FindPort(port);
        return new Packet
        {
            Kind = PacketKind.Io,
            Key = trap?.Key ?? 0,
            IsTrapped = trap is not null,
            Address = port,
            Size = size,
            IsWrite = write,
            Data = value,
        };
    }

    public Packet Mmio(ulong address, int size, bool write, ulong value)
    {
        Trap? trap = Engine.Traps.FindMemory(address);
        return new Packet
        {
            Kind = PacketKind.Memory,
            Key = trap?.Key ?? 0,
            IsTrapped = trap is not null,
            Address = address,
            Size = size,
            IsWrite = write,
            Data = value,
        };
    }

    public void Dispose()
    {
        Machine.Dispose();
        _vcpu.Dispose();
        _guest.Dispose();
        _resource.Dispose();
    }
}
