using System.Text.Json.Nodes;

namespace Hospes.EndToEnd;

/// <summary>Debian's kernel finds devices and processors that come while it runs, uses them, and lets them go.</summary>
public sealed class HotplugTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hospes-hotplug-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task DisksCardsAndProcessorsComeAndGo()
    {
        string qmp = Path.Combine(_folder, "qmp"), disk = Path.Combine(_folder, "disk.img");
        await using (FileStream file = File.Create(disk)) file.SetLength(32 << 20);
        await using TypedGuest guest = await TypedGuest.BootAsync(
            _folder, [], "--memory", "256M", "--vcpus", "1", "--max-vcpus", "3", "--hotplug", "2", "--qmp", qmp);
        using QmpPeer monitor = await QmpPeer.ConnectAsync(qmp);
        (await guest.DoAsync("ls /sys/block | grep -c vd")).ShouldBe("0");

        // A disk comes, is written, and goes when the guest has let it go.
        await monitor.CallAsync("blockdev-add", new JsonObject { ["driver"] = "raw", ["node-name"] = "n0", ["file"] = new JsonObject { ["driver"] = "file", ["filename"] = disk } });
        await monitor.CallAsync("device_add", new JsonObject { ["driver"] = "virtio-blk-pci", ["id"] = "d0", ["drive"] = "n0", ["serial"] = "PLUGGED", ["bus"] = "port2" });
        await guest.UntilAsync("cat /sys/block/vda/size /sys/block/vda/serial 2>&1", "65536");
        (await guest.DoAsync("cat /sys/block/vda/serial; echo")).ShouldBe("PLUGGED");
        await guest.DoAsync("echo plugged-in-and-written | dd of=/dev/vda conv=fsync 2>/dev/null; sync");
        await monitor.CallAsync("device_del", new JsonObject { ["id"] = "d0" });
        ((string?)(await monitor.WaitAsync("DEVICE_DELETED"))["data"]!["device"]).ShouldBe("d0");
        (await guest.DoAsync("ls /sys/block | grep -c vd")).ShouldBe("0");
        await monitor.CallAsync("blockdev-del", new JsonObject { ["node-name"] = "n0" });
        await using (FileStream file = File.OpenRead(disk))
        {
            using var reader = new StreamReader(file);
            (await reader.ReadLineAsync()).ShouldBe("plugged-in-and-written");
        }

        // A card in the same place talks to the host's loopback.
        using var server = new PageServer("through a card that came");
        await monitor.CallAsync("netdev_add", new JsonObject { ["type"] = "user", ["id"] = "net9" });
        await monitor.CallAsync("device_add", new JsonObject { ["driver"] = "virtio-net-pci", ["id"] = "c0", ["netdev"] = "net9", ["mac"] = "52:54:00:00:00:09", ["bus"] = "port2" });
        await guest.UntilAsync("cat /sys/class/net/eth0/address 2>&1", "52:54:00:00:00:09");
        await guest.DoAsync("ip link set eth0 up");
        await guest.DoAsync("""printf '#!/bin/sh\n[ $1 = bound ] || exit 0\nip addr add $ip/$mask dev $interface\nip route add default via $router\n' >/lease; chmod +x /lease; udhcpc -i eth0 -n -q -s /lease""");
        (await guest.DoAsync($"wget -q -O - http://$(ip route | sed -n 's/^default via \\([^ ]*\\).*/\\1/p'):{server.Port}/")).ShouldContain("through a card that came");

        // Pulled out in the middle of it all, it is gone, and the guest lives.
        await monitor.CallAsync("human-monitor-command", new JsonObject { ["command-line"] = "device_del -s c0" });
        ((string?)(await monitor.WaitAsync("DEVICE_DELETED"))["data"]!["device"]).ShouldBe("c0");
        await guest.UntilAsync("[ -e /sys/class/net/eth0 ] || echo gone", "gone");
        await monitor.CallAsync("netdev_del", new JsonObject { ["id"] = "net9" });

        // Processors.
        (await guest.DoAsync("nproc")).ShouldBe("1");
        for (int id = 1; id < 3; id++)
        {
            await monitor.CallAsync("device_add", new JsonObject { ["driver"] = "max-x86_64-cpu", ["id"] = $"cpu{id}", ["socket-id"] = id, ["core-id"] = 0, ["thread-id"] = 0 });
            await guest.UntilAsync($"[ -e /sys/devices/system/cpu/cpu{id}/online ] && echo there", "there");
            await guest.DoAsync($"echo 1 >/sys/devices/system/cpu/cpu{id}/online");
            (await guest.DoAsync("nproc")).ShouldBe($"{id + 1}");
        }
        (await guest.DoAsync("for mask in 1 2 4; do taskset $mask sha256sum /bin/busybox; done | uniq -c")).ShouldContain("3 ");
        (await monitor.CallAsync("query-cpus-fast"))!.AsArray().Count.ShouldBe(3);
        await guest.PowerOffAsync();
    }
}
