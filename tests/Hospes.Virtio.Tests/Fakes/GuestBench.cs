using Hospes.Hypervisor;

namespace Hospes.Virtio.Tests;

/// <summary>A guest with memory and nothing else.</summary>
internal sealed class GuestBench : IDisposable
{
    public const ulong MemorySize = 128 << 20;

    private readonly FakeEngine _engine = new();
    private readonly HypervisorResource _resource;

    public GuestBench()
    {
        _resource = new HypervisorResource(_engine);
        Guest.Create(_resource, new GuestOptions(), out Guest? guest).ShouldBe(Status.Ok);
        Guest = guest!;
        Guest.Memory.Map(0, MemorySize, out _).ShouldBe(Status.Ok);
    }

    public Guest Guest { get; }

    public IReadOnlyList<Trap> Traps => _engine.Traps;

    public GuestMemory Memory => Guest.Memory;

    public void Dispose()
    {
        Guest.Dispose();
        _resource.Dispose();
    }
}
