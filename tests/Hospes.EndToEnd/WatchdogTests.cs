namespace Hospes.EndToEnd;

/// <summary>A guest that no longer tends its watchdog is reset, or whatever else was asked for.</summary>
public sealed class WatchdogTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hospes-watchdog-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task TheCloudKernelsWatchdogResetsTheDomain()
    {
        string qmp = Path.Combine(_folder, "qmp");
        await using TypedGuest guest = await TypedGuest.BootAsync(_folder, ["watchdog", "wdat_wdt"], "--watchdog", "reset", "--qmp", qmp);
        using QmpPeer monitor = await QmpPeer.ConnectAsync(qmp);
        (await guest.DoAsync("cat /sys/class/watchdog/watchdog0/identity")).ShouldBe("wdat_wdt");
        // A program that tends it for longer than the time that it has.
        await guest.DoAsync("watchdog -T 2 -t 1 -F /dev/watchdog & sleep 4; kill -9 $!");
        ((string?)(await monitor.WaitAsync("WATCHDOG"))["data"]!["action"]).ShouldBe("reset");
        ((bool)(await monitor.WaitAsync("RESET"))["data"]!["guest"]!).ShouldBeTrue();
        await guest.WaitUntilReadyAsync();
        (await guest.DoAsync("cat /sys/class/watchdog/watchdog0/state")).ShouldBe("inactive");
        await guest.PowerOffAsync();
    }

    [Fact]
    public async Task TheGenericKernelsWatchdogPausesTheDomain()
    {
        string qmp = Path.Combine(_folder, "qmp");
        await using TypedGuest guest = await TypedGuest.StartAsync(
            _folder, ["watchdog", "i6300esb"],
            (kernel, initrd) => ["vmm", "-accel", "soft", "-m", "256M", "-kernel", kernel, "-initrd", initrd, "-append", "console=ttyS0", "-serial", "stdio", "-qmp", $"unix:{qmp},server=on,wait=off",
                "-device", "i6300esb,id=w0", "-watchdog-action", "pause"],
            await GenericKernel.ImageAsync(_folder));
        await guest.WaitUntilReadyAsync();
        using QmpPeer monitor = await QmpPeer.ConnectAsync(qmp);
        (await guest.DoAsync("cat /sys/class/watchdog/watchdog0/identity")).ShouldBe("i6300ESB timer");
        await guest.DoAsync("watchdog -T 2 -t 1 -F /dev/watchdog & sleep 4; kill -9 $!");
        ((string?)(await monitor.WaitAsync("WATCHDOG"))["data"]!["action"]).ShouldBe("pause");
        ((string?)(await monitor.CallAsync("query-status"))!["status"]).ShouldBe("watchdog");
        await monitor.CallAsync("cont");
        (await guest.DoAsync("echo alive")).ShouldBe("alive");
        await guest.PowerOffAsync();
    }
}
