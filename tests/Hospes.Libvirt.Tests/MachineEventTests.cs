using System.Diagnostics;
using Hospes.Domains.Drivers;
using Hospes.Domains.Events;

namespace Hospes.Libvirt.Tests;

/// <summary>What machines tell of their devices, as Debian's virsh hears it.</summary>
public sealed class MachineEventTests : IDisposable
{
    private readonly SimulatedServer _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task WatchdogsAndDisksAreHeardOf()
    {
        _lab.Virsh("create", _lab.File("one", "<watchdog model='i6300esb' action='none'/>"));
        SimulatedMachine machine = _lab.Driver.Machine(_lab.Host.Find("one").Value.Uuid)!;
        using Process listener = SimulatedServer.Start("virsh", ["-q", "-c", _lab.Uri, "event", "--loop", "--all"]);
        Task<string?> first = listener.StandardOutput.ReadLineAsync();
        for (int i = 0; await Task.WhenAny(first, Task.Delay(200)) != first; i++)
        {
            i.ShouldBeLessThan(300, "it never listens");
            machine.LetWatchdogExpire(WatchdogResult.None);
        }
        (await first).ShouldBe("event 'watchdog' for domain 'one': none");
        machine.FailDisk("virtio-disk0", isFull: true);
        string? line;
        while ((line = await listener.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60))) == "event 'watchdog' for domain 'one': none") continue;
        line.ShouldBe("event 'io-error' for domain 'one': /var/lib/one.qcow2 (virtio-disk0) report");
        (await listener.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60))).ShouldBe("event 'io-error-reason' for domain 'one': /var/lib/one.qcow2 (virtio-disk0) report due to enospc");
        machine.SetClock(-3600);
        (await listener.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60))).ShouldBe("event 'rtc-change' for domain 'one': -3600");
        listener.Kill();
        await listener.WaitForExitAsync();
    }
}
