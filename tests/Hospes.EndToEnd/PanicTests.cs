namespace Hospes.EndToEnd;

/// <summary>Debian's kernel finds pvpanic-pci and tells of its panic there.</summary>
public sealed class PanicTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hospes-panic-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task APanicIsToldAndEndsTheRun()
    {
        string qmp = Path.Combine(_folder, "qmp");
        await using TypedGuest guest = await TypedGuest.BootAsync(_folder, ["pvpanic", "pvpanic-pci"], "--memory", "256M", "--panic-device", "--generation-id", "00112233-4455-6677-8899-aabbccddeeff", "--qmp", qmp);
        // The generation id lies where the tables say.
        (await guest.DoAsync("cat /sys/bus/acpi/devices/HSPS0001:00/path")).ShouldBe("\\_SB_.VGEN");
        (await guest.DoAsync("dd if=/dev/mem bs=16 skip=57088 count=1 2>/dev/null | od -An -tx1")).Trim().ShouldBe("33 22 11 00 55 44 77 66 88 99 aa bb cc dd ee ff");
        using QmpPeer monitor = await QmpPeer.ConnectAsync(qmp);
        ((string?)(await monitor.CallAsync("query-vm-generation-id"))!["guid"]).ShouldBe("00112233-4455-6677-8899-aabbccddeeff");
        (await guest.DoAsync("ls -d /sys/bus/pci/drivers/pvpanic-pci/0000*")).ShouldContain("0000:00:01.0");
        await guest.Process.StandardInput.WriteLineAsync("echo c >/proc/sysrq-trigger");
        await guest.Process.StandardInput.FlushAsync();
        await monitor.WaitAsync("GUEST_PANICKED");
        await guest.Process.WaitForExitAsync().WaitAsync(DebianGuest.Patience);
        guest.Process.ExitCode.ShouldBe(4);
    }
}
