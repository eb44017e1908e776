using System.Text.Json.Nodes;

namespace Hospes.EndToEnd;

/// <summary>Debian's kernel gives memory to its balloon and reports free pages; the host's process gets smaller.</summary>
public sealed class BalloonTests : IDisposable
{
    private const long Mebibyte = 1 << 20, All = 512 * Mebibyte, Wanted = 256 * Mebibyte, Filled = 192 * Mebibyte;

    private readonly string _folder = Directory.CreateTempSubdirectory("hospes-balloon-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task MemoryThatAGuestFreesOrGivesGoesBackToTheHost()
    {
        string qmp = Path.Combine(_folder, "qmp");
        await using TypedGuest guest = await TypedGuest.BootAsync(_folder, ["virtio_balloon"], "--memory", "512M", "--balloon", "--qmp", qmp);
        using QmpPeer monitor = await QmpPeer.ConnectAsync(qmp);

        // Free pages are reported by themselves.
        long before = await guest.ResidentAsync();
        await guest.DoAsync($"head -c {Filled} /dev/zero | tr '\\0' x >/fill");
        long filled = await guest.ResidentAsync();
        (filled - before).ShouldBeGreaterThan(Filled * 9 / 10);
        await guest.DoAsync("rm /fill");
        await UntilAsync(async () => filled - await guest.ResidentAsync() > Filled * 9 / 10, "the memory of the file did not come back");

        // The balloon takes memory that the guest has then less of, and gives it back.
        long free = await FreeAsync(guest);
        await monitor.CallAsync("balloon", new JsonObject { ["value"] = Wanted });
        await UntilAsync(async () => await ActualAsync(monitor) == Wanted, "the guest gave no memory");
        ((long)(await monitor.WaitAsync("BALLOON_CHANGE"))["data"]!["actual"]!).ShouldBeLessThan(All);
        (free - await FreeAsync(guest)).ShouldBeGreaterThan(Wanted * 9 / 10);
        await monitor.CallAsync("balloon", new JsonObject { ["value"] = All });
        await UntilAsync(async () => await ActualAsync(monitor) == All, "the guest took no memory back");
        await UntilAsync(async () => free - await FreeAsync(guest) < Wanted / 10, "the guest has no more memory");

        // Statistics come as often as they are asked for.
        const string Path0 = "/machine/peripheral/balloon0";
        await monitor.CallAsync("qom-set", new JsonObject { ["path"] = Path0, ["property"] = "guest-stats-polling-interval", ["value"] = 1 });
        JsonNode? told = null;
        await UntilAsync(
            async () =>
            {
                told = await monitor.CallAsync("qom-get", new JsonObject { ["path"] = Path0, ["property"] = "guest-stats" });
                return (long)told!["last-update"]! > 0 && (ulong)told["stats"]!["stat-total-memory"]! < (ulong)All;
            },
            "there are no statistics");
        ((long)told!["stats"]!["stat-free-memory"]!).ShouldBeInRange(Mebibyte, All);
        await guest.PowerOffAsync();
    }

    private static async Task<long> FreeAsync(TypedGuest guest) =>
        long.Parse(await guest.DoAsync("sed -n 's/^MemFree: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo"), System.Globalization.CultureInfo.InvariantCulture) << 10;

    private static async Task<long> ActualAsync(QmpPeer monitor) => (long)(await monitor.CallAsync("query-balloon"))!["actual"]!;

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
