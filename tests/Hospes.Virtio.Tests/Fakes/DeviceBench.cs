using Hospes.Hypervisor;
using Hospes.Virtio.Testing;

namespace Hospes.Virtio.Tests;

/// <summary>A device on its transport, with a driver.</summary>
internal sealed class DeviceBench : IDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly GuestBench _guest = new();

    public DeviceBench(VirtioDevice device)
    {
        Device = device;
        Transport = new VirtioPci(device, _guest.Memory);
        Transport.Connect(Host);
        Driver = new VirtioDriver(Transport, _guest.Memory, 1 << 20);
    }

    public VirtioDevice Device { get; }

    public VirtioPci Transport { get; }

    public VirtioDriver Driver { get; }

    public FakeHost Host { get; } = new();

    public Guest Guest => _guest.Guest;

    public IReadOnlyList<Trap> Traps => _guest.Traps;

    public GuestMemory Memory => _guest.Memory;

    /// <summary>Sends a buffer, waits for it to come back, and answers how many bytes were written.</summary>
    public uint Exchange(int queue, params ReadOnlySpan<DriverBuffer> parts)
    {
        int token = Driver.Send(queue, parts);
        (int Token, uint Written) used = Driver.Await(queue, Patience).ShouldNotBeNull();
        used.Token.ShouldBe(token);
        return used.Written;
    }

    /// <summary>Waits for something that a device's thread does.</summary>
    public static void Until(Func<bool> isSo)
    {
        long end = Environment.TickCount64 + (long)Patience.TotalMilliseconds;
        while (!isSo())
        {
            (Environment.TickCount64 < end).ShouldBeTrue("it did not come to pass");
            Thread.Yield();
        }
    }

    public void Dispose()
    {
        Transport.Dispose();
        Device.Dispose();
        _guest.Dispose();
        Host.Faults.ShouldBeEmpty();
    }
}
