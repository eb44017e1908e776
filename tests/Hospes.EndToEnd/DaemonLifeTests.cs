using System.Globalization;

namespace Hospes.EndToEnd;

/// <summary>What virsh tells of a running guest, beside what the guest itself counts; and how guests start anew and end.</summary>
public sealed class DaemonLifeTests : DaemonLab
{
    private const int Mebibyte = 1 << 20;

    [Fact]
    public async Task ARunningGuestIsMeasured()
    {
        string disk = Path.Combine(Folder, "disk");
        await using (FileStream file = File.Create(disk)) file.SetLength(16 * Mebibyte);
        await using TypedGuest guest = await BootAsync(["virtio_balloon", "af_packet"], $"""
            <disk type='file'><driver type='raw'/><source file='{disk}'/><target dev='vda'/></disk>
            <interface type='network'><source network='default'/><mac address='52:54:00:00:00:07'/></interface>
            """);

        // The disk: what is read and written is counted to the byte.
        Dictionary<string, string> before = await StatisticsAsync();
        await guest.DoAsync("dd if=/dev/vda of=/dev/null bs=1M count=4 iflag=direct 2>/dev/null; dd if=/dev/zero of=/dev/vda bs=1M count=2 seek=8 oflag=direct conv=fsync 2>/dev/null");
        Dictionary<string, string> after = await StatisticsAsync();
        Difference("block.0.rd.bytes").ShouldBe(4 * Mebibyte);
        Difference("block.0.wr.bytes").ShouldBe(2 * Mebibyte);
        Difference("block.0.fl.reqs").ShouldBeGreaterThan(0);
        Difference("block.0.rd.times").ShouldBeGreaterThan(0);
        Difference("block.0.wr.reqs").ShouldBeGreaterThan(0);
        after["block.0.allocation"].ShouldBe($"{10 * Mebibyte}");
        after["block.0.capacity"].ShouldBe($"{16 * Mebibyte}");
        after["block.0.physical"].ShouldBe($"{16 * Mebibyte}");
        (await VirshAsync("domblkstat", "guest", "vda")).ShouldContain($"wr_bytes {after["block.0.wr.bytes"]}");
        (await VirshAsync("domblkstat", "guest")).ShouldContain($"wr_bytes {after["block.0.wr.bytes"]}");

        // The card: the guest counts the same frames.
        await guest.DoAsync("ip link set eth0 up; udhcpc -i eth0 -n -q -s /bin/true >/dev/null 2>&1; ip link set eth0 down");
        string[] counted = (await guest.DoAsync("cd /sys/class/net/eth0/statistics; cat rx_bytes rx_packets tx_bytes tx_packets; cd /")).Split('\n');
        string card = await VirshAsync("domifstat", "guest", "52:54:00:00:00:07") + "\n";
        card.ShouldContain($"tx_bytes {counted[2]}\n");
        card.ShouldContain($"tx_packets {counted[3]}\n");
        long.Parse(counted[1], CultureInfo.InvariantCulture).ShouldBeGreaterThan(0);
        Dictionary<string, string> cards = await StatisticsAsync();
        cards["net.0.tx.bytes"].ShouldBe(counted[2]);
        // What arrives while the card goes down fills a buffer that nobody counts any more.
        Number(cards, "net.0.rx.pkts").ShouldBeGreaterThanOrEqualTo(long.Parse(counted[1], CultureInfo.InvariantCulture));
        Number(cards, "net.0.rx.bytes").ShouldBeGreaterThanOrEqualTo(long.Parse(counted[0], CultureInfo.InvariantCulture));

        // Processors: one works, the other sleeps.
        before = await StatisticsAsync();
        await guest.DoAsync("i=0; while [ $i -lt 20000 ]; do i=$((i + 1)); done");
        after = await StatisticsAsync();
        (Difference("vcpu.0.time") + Difference("vcpu.1.time")).ShouldBeGreaterThan(0);
        Difference("cpu.time").ShouldBeGreaterThan(0);
        (Difference("vcpu.0.exits.sum") + Difference("vcpu.1.exits.sum")).ShouldBeGreaterThan(0);
        after["vcpu.current"].ShouldBe("2");
        foreach (string name in (string[])["vcpu.0.delay", "vcpu.1.state", "vm.memory_resident.cur", "balloon.rss", "state.state"]) after.ShouldContainKey(name);
        after["vm.memory.cur"].ShouldBe($"{256 * Mebibyte}");
        (await VirshAsync("cpu-stats", "guest", "--total")).ShouldContain("cpu_time");
        (await VirshAsync("vcpuinfo", "guest")).ShouldContain("CPU time:");

        // Memory: the guest tells as often as it is asked to.
        string first = await UpdatedAsync();
        await VirshAsync("dommemstat", "guest", "--period", "1", "--live", "--config");
        for (int i = 0; i < 600 && await UpdatedAsync() == first; i++) await Task.Delay(100);
        Dictionary<string, string> told = await MemoryAsync();
        told["last_update"].ShouldNotBe(first);
        long all = long.Parse((await guest.DoAsync("sed -n 's/^MemTotal: *\\([0-9]*\\) kB/\\1/p' /proc/meminfo")).Trim(), CultureInfo.InvariantCulture);
        Number(told, "available").ShouldBe(all);
        Number(told, "unused").ShouldBeInRange(1, all);
        Number(told, "usable").ShouldBeInRange(1, all);
        Number(told, "rss").ShouldBeGreaterThan(0);
        (await StatisticsAsync())["balloon.available"].ShouldBe($"{all}");
        (await VirshAsync("dumpxml", "--inactive", "guest")).ShouldContain("<stats period=\"1\"");

        async Task<Dictionary<string, string>> MemoryAsync() => (await VirshAsync("dommemstat", "guest")).Split('\n').Select(static line => line.Split(' ')).ToDictionary(static words => words[0], static words => words[1]);
        async Task<string> UpdatedAsync() => (await MemoryAsync()).GetValueOrDefault("last_update", "never");
        long Difference(string name) => Number(after, name) - Number(before, name);
    }

    [Fact]
    public async Task AGuestIsRebootedAndReset()
    {
        await using TypedGuest guest = await BootAsync(["button", "evdev"], "");
        string id = await VirshAsync("domid", "guest");
        (await guest.DoAsync("echo first >/life; cat /life")).ShouldBe("first");
        // Somebody in the guest has to do what the button says.
        await guest.DoAsync("(head -c 24 </dev/input/event0 >/dev/null; poweroff -f) & sleep 1");
        await using Listener listener = await ListenAsync();
        await VirshAsync("reboot", "guest");
        await guest.WaitUntilReadyAsync();
        await listener.HearsAsync("event 'reboot' for domain 'guest'");
        (await guest.DoAsync("ls /life 2>&1")).ShouldContain("No such file");
        (await VirshAsync("domid", "guest")).ShouldBe(id);
        (await VirshAsync("domstate", "guest", "--reason")).ShouldBe("running (unpaused)");
        await VirshAsync("reset", "guest");
        await guest.WaitUntilReadyAsync();
        await listener.HearsAsync("event 'reboot' for domain 'guest'", times: 2);
        // So may the guest itself; it does not say that it is done.
        await guest.TypeAsync("reboot -f");
        await guest.WaitUntilReadyAsync();
        await listener.HearsAsync("event 'reboot' for domain 'guest'", times: 3);
        (await VirshAsync("domid", "guest")).ShouldBe(id);
    }

    [Theory]
    [InlineData("on_reboot", "destroy", "reset", "shut off (shutdown)")]
    [InlineData("on_poweroff", "destroy", "off", "shut off (shutdown)")]
    [InlineData("on_crash", "destroy", "panic", "shut off (crashed)")]
    [InlineData("on_crash", "coredump-destroy", "panic", "shut off (crashed)")]
    [InlineData("on_crash", "preserve", "panic", "crashed (panicked)")]
    [InlineData("on_crash", "restart", "panic", "shut off (crashed)")]
    public async Task WhatAGuestsEndMeansIsTheDefinitionsAffair(string policy, string action, string deed, string state)
    {
        string kernel = Path.Combine(Folder, "kernel");
        await File.WriteAllBytesAsync(kernel, deed switch
        {
            "reset" => TestKernels.Reset,
            "off" => TestKernels.PowerOff,
            _ => TestKernels.Panic,
        });
        await DefineAsync("ends", $"<memory unit='MiB'>64</memory><os><type>hvm</type><kernel>{kernel}</kernel></os><{policy}>{action}</{policy}><devices><panic model='isa'/></devices>");
        await using Listener listener = await ListenAsync();
        await VirshAsync("start", "ends");
        // A guest that crashes again and again is started three times more, and then no more.
        int times = action == "restart" ? 4 : 1;
        await listener.HearsAsync(deed == "panic" ? "'ends': Crashed Panicked" : "'ends': Stopped Shutdown", times);
        await EventuallyAsync("ends", state);
        listener.Heard.Split("'ends': Started Booted").Length.ShouldBe(times + 1, listener.Heard);
        if (action == "coredump-destroy") new FileInfo(Directory.GetFiles(Path.Combine(Folder, "dump"), "*-ends-*").ShouldHaveSingleItem()).Length.ShouldBeGreaterThan(64 << 20);
        if (action == "preserve") await VirshAsync("destroy", "ends");
    }

    [Fact]
    public async Task AGuestThatPowersOffMayBeStartedAnew()
    {
        string kernel = Path.Combine(Folder, "kernel");
        await File.WriteAllBytesAsync(kernel, TestKernels.Echo);
        await DefineAsync("again", $"<memory unit='MiB'>64</memory><os><type>hvm</type><kernel>{kernel}</kernel></os><on_poweroff>restart</on_poweroff><devices><serial type='pty'/></devices>");
        await VirshAsync("start", "again");
        using (Libvirt.Client.LibvirtClient client = Libvirt.Client.LibvirtClient.Connect(SocketPath)) client.OpenConsole(client.Find("again")).Send("q"u8.ToArray());
        string id = "";
        for (int i = 0; i < 200 && (id = await VirshAsync("domid", "again")) != "2"; i++) await Task.Delay(50);
        id.ShouldBe("2");
        await EventuallyAsync("again", "running (booted)");
    }

    private async Task<TypedGuest> BootAsync(string[] modules, string devices)
    {
        (string kernel, string initrd) = await TypedGuest.WriteAsync(Folder, modules);
        await DefineAsync("guest", $"""
            <memory unit='MiB'>256</memory><vcpu>2</vcpu><os><type>hvm</type><kernel>{kernel}</kernel><initrd>{initrd}</initrd><cmdline>console=ttyS0</cmdline></os>
            <devices>{devices}<serial type='pty'/></devices>
            """);
        await VirshAsync("start", "--paused", "guest");
        TypedGuest guest = TypedGuest.Behind(Console("guest"));
        await VirshAsync("resume", "guest");
        await guest.WaitUntilReadyAsync();
        return guest;
    }

    private async Task<Dictionary<string, string>> StatisticsAsync()
        => (await VirshAsync("domstats", "guest")).Split('\n').Skip(1).Select(static line => line.Trim().Split('=', 2)).ToDictionary(static parts => parts[0], static parts => parts[1]);

    private static long Number(Dictionary<string, string> values, string name) => long.Parse(values[name], CultureInfo.InvariantCulture);
}
