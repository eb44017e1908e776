using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json.Nodes;

namespace Hospes.EndToEnd;

/// <summary>A domain in the background with a disk, a network and a channel, driven over QMP.</summary>
public sealed class VmmDeviceTests : IDisposable
{
    private const long Grown = 96L << 20;

    private readonly string _folder = Directory.CreateTempSubdirectory("hospes-vmm-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task ADaemonServesItsDiskNetworkAndChannelGrowsTheDiskAndIsPoweredDown()
    {
        string files = Path.Combine(_folder, "files"), raw = Path.Combine(_folder, "disk.raw"), disk = Path.Combine(_folder, "disk.qcow2"), after = Path.Combine(_folder, "after.raw");
        string initrd = Path.Combine(_folder, "root.cpio"), qmp = Path.Combine(_folder, "qmp"), channel = Path.Combine(_folder, "channel");
        string console = Path.Combine(_folder, "console"), pid = Path.Combine(_folder, "pid");
        Directory.CreateDirectory(files);
        await File.WriteAllTextAsync(Path.Combine(files, "question"), "written by the host\n");
        await DebianGuest.RunAsync("mke2fs", "-q", "-t", "ext4", "-F", "-d", files, raw, "64M");
        await DebianGuest.RunAsync("qemu-img", "convert", "-f", "raw", "-O", "qcow2", raw, disk);
        (string kernel, string package) = await DebianGuest.ImageAsync();
        using var server = new PageServer("from the host's loopback");
        await DebianGuest.WriteRootAsync(initrd, package, [.. DebianGuest.VirtioModules, "button", "evdev"], $$"""
            {{DebianGuest.LoadVirtio}}
            insmod /modules/button.ko
            insmod /modules/evdev.ko
            mkdir /mnt
            mount -t ext4 /dev/vda /mnt
            cat /mnt/question
            echo written by the guest >/mnt/answer
            umount /mnt
            {{DebianGuest.Lease}}
            wget -q -O - http://$(ip route | sed -n 's/^default via \([^ ]*\).*/\1/p'):{{server.Port}}/
            port=/dev/$(basename /sys/class/virtio-ports/vport*)
            echo channel $(cat /sys/class/virtio-ports/vport*/name)
            exec 3<>$port
            exec 4</dev/input/event0
            echo ready >&3
            head -n 1 <&3
            while [ $(cat /sys/block/vda/size) = 131072 ]; do sleep 0.1; done
            echo grown to $(cat /sys/block/vda/size)
            echo grown >&3
            head -c 24 <&4 | wc -c
            """);
        Ran started = await HospesProcess.RunAsync("", DebianGuest.Patience,
            "vmm", "-daemonize", "-pidfile", pid, "-nodefaults", "-accel", "soft", "-m", "512", "-smp", "2", "-kernel", kernel, "-initrd", initrd, "-append", "console=ttyS0",
            "-blockdev", $$$"""{"driver":"qcow2","node-name":"disk0","file":{"driver":"file","filename":"{{{disk}}}"}}""",
            "-device", """{"driver":"virtio-blk-pci","id":"vda","drive":"disk0","serial":"HOSPES-1"}""",
            "-netdev", "user,id=net0", "-device", "virtio-net-pci,netdev=net0",
            "-object", "rng-random,id=rng0", "-device", "virtio-rng-pci,rng=rng0",
            "-device", "virtio-serial-pci", "-chardev", $"socket,id=channel,path={channel},server=on,wait=off", "-device", "virtserialport,chardev=channel,name=org.hospes.test",
            "-serial", $"file:{console}", "-qmp", $"unix:{qmp},server=on,wait=off");
        started.ShouldBe(new Ran(0, "", ""));
        int number = int.Parse(await File.ReadAllTextAsync(pid));
        using Process domain = Process.GetProcessById(number);
        try
        {
            // Whoever started it finds its monitor listening.
            using var channelPeer = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await channelPeer.ConnectAsync(new UnixDomainSocketEndPoint(channel));
            using QmpPeer monitor = await QmpPeer.ConnectAsync(qmp);
            using var reader = new StreamReader(new NetworkStream(channelPeer));
            (await reader.ReadLineAsync()).ShouldBe("ready", await ReadAsync(console));
            await channelPeer.SendAsync(Encoding.ASCII.GetBytes("through the channel\n"));
            await monitor.CallAsync("block_resize", new JsonObject { ["node-name"] = "disk0", ["size"] = Grown });
            (await reader.ReadLineAsync()).ShouldBe("grown", await ReadAsync(console));
            await monitor.CallAsync("system_powerdown");
            await monitor.WaitAsync("POWERDOWN");
            await monitor.WaitAsync("SHUTDOWN");
            await domain.WaitForExitAsync(new CancellationTokenSource(DebianGuest.Patience).Token);
        }
        finally
        {
            if (!domain.HasExited) domain.Kill();
        }
        string said = await ReadAsync(console);
        said.ShouldContain("written by the host");
        said.ShouldContain("from the host's loopback");
        said.ShouldContain("channel org.hospes.test");
        said.ShouldContain("through the channel");
        said.ShouldContain($"grown to {Grown / 512}");
        said.ShouldNotContain("Call Trace:");
        File.Exists(pid).ShouldBeFalse();
        await DebianGuest.RunAsync("qemu-img", "check", disk);
        await DebianGuest.RunAsync("qemu-img", "convert", "-O", "raw", disk, after);
        await DebianGuest.RunAsync("qemu-img", "compare", disk, after);
        new FileInfo(after).Length.ShouldBe(Grown);
        (await DebianGuest.RunAsync("debugfs", "-R", "cat answer", after)).ShouldContain("written by the guest");
    }

    private static Task<string> ReadAsync(string file) => File.ReadAllTextAsync(file);
}
