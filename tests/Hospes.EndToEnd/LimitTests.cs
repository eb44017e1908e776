using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;

namespace Hospes.EndToEnd;

/// <summary>
/// Debian's disk and network card keep to their limits, by the guest's own clock, and to others once those are set. Nothing here is too slow: a
/// busy machine may take as long as it likes.
/// </summary>
public sealed class LimitTests : IDisposable
{
    /// <summary>What clocks may be apart, as a part of the time.</summary>
    private const double Drift = 1.1;

    private const int PageSize = 1_000_000, Reads = 150, UploadKilobytes = 400;

    private readonly string _folder = Directory.CreateTempSubdirectory("hospes-limits-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task DisksAndCardsAreNoFasterThanTheirLimits()
    {
        const int Operations = 50, Bytes = 200_000, Frames = 100;
        string qmp = Path.Combine(_folder, "qmp"), disk = Path.Combine(_folder, "disk.img");
        await using (FileStream file = File.Create(disk)) file.SetLength(64 << 20);
        using var page = new PageServer(new string('x', PageSize));
        using var sink = new ByteSink();
        await using TypedGuest guest = await TypedGuest.BootAsync(
            _folder, [], "--memory", "256M", "--disk", $"{disk},format=raw,iops={Operations}", "--net", $"user,bps-read={Bytes}", "--qmp", qmp);
        using QmpPeer monitor = await QmpPeer.ConnectAsync(qmp);
        await guest.DoAsync(DebianGuest.Lease.ReplaceLineEndings(";"));
        string gateway = await guest.DoAsync(@"ip route | sed -n 's/^default via \([^ ]*\).*/\1/p'");

        // A disk: operations, then bytes in a burst and behind it.
        await KeepsToAsync(Read(4096), await ReadsAsync("rd_operations"), () => ReadsAsync("rd_operations"), Reads, Operations, 0);
        await LimitDiskAsync(("bps", 1_000_000), ("bps_max", 2_000_000));
        await KeepsToAsync(Read(32768), await ReadsAsync("rd_bytes"), () => ReadsAsync("rd_bytes"), Reads * 32768, 1_000_000, 2_000_000 + 32768);

        // At one a second this would take hours; with the limit gone it ends.
        await LimitDiskAsync(("iops", 1));
        long before = await ReadsAsync("rd_operations");
        await BeginAsync("dd if=/dev/vda of=/dev/null bs=4096 count=10000 iflag=direct 2>/dev/null");
        await LimitDiskAsync();
        await EndAsync();
        (await ReadsAsync("rd_operations") - before).ShouldBeGreaterThan(9_900);

        // A card: bytes that come, then frames that go.
        await KeepsToAsync($"wget -q -O /dev/null http://{gateway}:{page.Port}/", await CardAsync("rx_bytes"), () => CardAsync("rx_bytes"), PageSize, Bytes, 65536);
        await LimitCardAsync(("bps-read", 0), ("iops-write", Frames));
        await guest.DoAsync("ip link set eth0 mtu 1500");
        await KeepsToAsync(Upload(UploadKilobytes), await CardAsync("tx_packets"), () => CardAsync("tx_packets"), UploadKilobytes * 1024 / 1500, Frames, 0);
        await LimitCardAsync(("iops-write", 1));
        await BeginAsync(Upload(UploadKilobytes));
        await LimitCardAsync(("iops-write", 0));
        await EndAsync();
        sink.Received.ShouldBe(2 * UploadKilobytes * 1024);
        (await monitor.CallAsync("qom-get", Property("limits")))!["iops-write"]!.GetValue<long>().ShouldBe(0);
        await guest.PowerOffAsync();

        string Upload(int kilobytes) => $"dd if=/dev/zero bs=1k count={kilobytes} 2>/dev/null | nc {gateway} {sink.Port}";

        // Something that does not end while the limit is what it is.
        async Task BeginAsync(string line)
        {
            await guest.DoAsync($"rm -f /over; ({line}; echo is over >/over) &");
            (await guest.DoAsync("sleep 1; cat /over 2>/dev/null")).ShouldBe("");
        }

        Task EndAsync() => guest.UntilAsync("cat /over 2>/dev/null", "is over");

        async Task KeepsToAsync(string line, long counted, Func<Task<long>> count, long least, double rate, double atOnce)
        {
            string said = await guest.DoAsync($"read from rest </proc/uptime; {line}; read to rest </proc/uptime; echo $from $to");
            double[] times = [.. said.Split('\n')[^1].Split(' ').Select(static text => double.Parse(text, CultureInfo.InvariantCulture))];
            long done = await count() - counted;
            done.ShouldBeGreaterThanOrEqualTo(least, line);
            ((double)done).ShouldBeLessThanOrEqualTo(rate * (times[1] - times[0]) * Drift + rate * 0.2 + atOnce, $"{line} from {times[0]} to {times[1]}");
        }

        async Task<long> ReadsAsync(string name) => (await monitor.CallAsync("query-blockstats"))![0]!["stats"]![name]!.GetValue<long>();

        async Task<long> CardAsync(string name) => long.Parse(await guest.DoAsync($"cat /sys/class/net/eth0/statistics/{name}"), CultureInfo.InvariantCulture);

        Task LimitDiskAsync(params (string Name, int Value)[] limits)
        {
            var arguments = new JsonObject { ["id"] = "disk0" };
            foreach (string name in (string[])["bps", "bps_rd", "bps_wr", "iops", "iops_rd", "iops_wr"]) arguments[name] = 0;
            foreach ((string name, int value) in limits) arguments[name] = value;
            return monitor.CallAsync("block_set_io_throttle", arguments);
        }

        Task LimitCardAsync(params (string Name, int Value)[] limits)
        {
            JsonObject arguments = Property("limits"), value = [];
            foreach ((string name, int limit) in limits) value[name] = limit;
            arguments["value"] = value;
            return monitor.CallAsync("qom-set", arguments);
        }
    }

    private static string Read(int size) => $"dd if=/dev/vda of=/dev/null bs={size} count={Reads} iflag=direct 2>/dev/null";

    private static JsonObject Property(string name) => new() { ["path"] = "/machine/peripheral/nic0", ["property"] = name };

    /// <summary>Takes what is sent to a port of the loopback, one connection after the other.</summary>
    private sealed class ByteSink : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private long _received;

        public ByteSink()
        {
            _listener.Start();
            _ = TakeAsync();
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public long Received => Interlocked.Read(ref _received);

        public void Dispose() => _listener.Dispose();

        private async Task TakeAsync()
        {
            byte[] buffer = new byte[65536];
            try
            {
                while (true)
                {
                    using TcpClient client = await _listener.AcceptTcpClientAsync();
                    int read;
                    while ((read = await client.GetStream().ReadAsync(buffer)) > 0) Interlocked.Add(ref _received, read);
                }
            }
            catch (Exception fault) when (fault is SocketException or ObjectDisposedException or IOException)
            {
                // The test is over.
            }
        }
    }
}
