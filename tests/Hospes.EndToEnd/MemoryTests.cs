using System.Globalization;
using System.Text.Json.Nodes;

namespace Hospes.EndToEnd;

/// <summary>Debian's kernel gets more memory while it runs and gives it back; the host's process gets smaller.</summary>
public sealed class MemoryTests : IDisposable
{
    private const long Mebibyte = 1 << 20, Wanted = 512 * Mebibyte, Filled = 384 * Mebibyte;

    private const string Device = "/machine/peripheral/memory0";

    private readonly string _folder = Directory.CreateTempSubdirectory("hospes-memory-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task AGuestGrowsAndShrinksAndTheHostHasItsMemoryBack()
    {
        string qmp = Path.Combine(_folder, "qmp");
        await using TypedGuest guest = await TypedGuest.BootAsync(_folder, ["virtio_mem"], "--memory", "256M,max=1280M", "--qmp", qmp);
        using QmpPeer monitor = await QmpPeer.ConnectAsync(qmp);
        // Blocks that come are put to use, and such that they can be taken away again.
        await guest.DoAsync("echo online_movable >/sys/devices/system/memory/auto_online_blocks");
        long total = await TotalAsync(guest), free = await FreeAsync(guest);

        await RequestAsync(monitor, Wanted);
        await UntilAsync(async () => await PluggedAsync(monitor) == Wanted, "the guest plugged nothing in");
        ((long)(await monitor.WaitAsync("MEMORY_DEVICE_SIZE_CHANGE"))["data"]!["size"]!).ShouldBeInRange(1, Wanted);
        await UntilAsync(async () => await TotalAsync(guest) - total == Wanted, "the guest has no more memory");
        (await FreeAsync(guest) - free).ShouldBeGreaterThan(Wanted * 9 / 10);
        (await guest.DoAsync("cat /proc/iomem")).ShouldContain("System RAM (virtio_mem)");

        // More than it began with: some of it lies in what came.
        long before = await guest.ResidentAsync();
        await guest.DoAsync($"mount -t tmpfs -o size=100% none /tmp; head -c {Filled} /dev/zero | tr '\\0' x >/tmp/fill");
        long filled = await guest.ResidentAsync();
        (filled - before).ShouldBeGreaterThan(Filled * 9 / 10);
        (await guest.DoAsync("tr -d x </tmp/fill | wc -c")).ShouldBe("0");
        await guest.DoAsync("rm /tmp/fill");

        await RequestAsync(monitor, 0);
        await UntilAsync(async () => await PluggedAsync(monitor) == 0, "the guest took nothing out");
        (await TotalAsync(guest)).ShouldBe(total);
        (filled - await guest.ResidentAsync()).ShouldBeGreaterThan(Filled / 2, "the host has no memory back");
        ((long)(await monitor.CallAsync("query-memory-size-summary"))!["plugged-memory"]!).ShouldBe(0);

        // And once more: the blocks come again.
        await RequestAsync(monitor, Wanted / 2);
        await UntilAsync(async () => await TotalAsync(guest) - total == Wanted / 2, "the guest did not grow again");
        await guest.PowerOffAsync();
    }

    private static Task RequestAsync(QmpPeer monitor, long bytes) => monitor.CallAsync("qom-set", new JsonObject { ["path"] = Device, ["property"] = "requested-size", ["value"] = bytes });

    private static async Task<long> PluggedAsync(QmpPeer monitor) => (long)(await monitor.CallAsync("query-memory-devices"))![0]!["data"]!["size"]!;

    private static Task<long> TotalAsync(TypedGuest guest) => AskAsync(guest, "MemTotal");

    private static Task<long> FreeAsync(TypedGuest guest) => AskAsync(guest, "MemFree");

    private static async Task<long> AskAsync(TypedGuest guest, string name) =>
        long.Parse(await guest.DoAsync($"sed -n 's/^{name}: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo"), CultureInfo.InvariantCulture) << 10;

    private static async Task UntilAsync(Func<Task<bool>> isSo, string otherwise)
    {
        long end = Environment.TickCount64 + (long)DebianGuest.Patience.TotalMilliseconds;
        while (!await isSo())
        {
            (Environment.TickCount64 < end).ShouldBeTrue(otherwise);
            await Task.Delay(100);
        }
    }
}
