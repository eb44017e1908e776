namespace Hospes.EndToEnd;

/// <summary>Debian's kernel as a domain of the daemon, driven by virsh alone: what is typed goes through <c>virsh console</c>.</summary>
public sealed class DaemonGuestTests : DaemonLab
{
    [Fact]
    public async Task ARunningGuestIsChangedAllOver()
    {
        (string kernel, string initrd) = await TypedGuest.WriteAsync(Folder, ["virtio_balloon"]);
        // A confined machine gets at disks that come where pools are.
        foreach (string name in (string[])["disk", "medium"]) await File.WriteAllBytesAsync(Path.Combine(Folder, "images", name), new byte[16 << 20]);
        await DefineAsync("guest", $"""
            <memory unit='MiB'>256</memory><vcpu current='1'>3</vcpu><os><type>hvm</type><kernel>{kernel}</kernel><initrd>{initrd}</initrd><cmdline>console=ttyS0</cmdline></os>
            <devices><disk type='file' device='cdrom'><target dev='vdz' bus='virtio'/></disk><serial type='pty'/></devices>
            """);
        await VirshAsync("start", "--paused", "guest");
        await using TypedGuest guest = TypedGuest.Behind(Console("guest"));
        await VirshAsync("resume", "guest");
        await guest.WaitUntilReadyAsync();
        (await guest.DoAsync("echo $((6 * 7))")).ShouldBe("42");

        string disk = Path.Combine(Folder, "images", "disk");
        await VirshAsync("attach-disk", "guest", disk, "vda", "--serial", "PLUGGED", "--live");
        await guest.UntilAsync("cat /sys/block/vda/serial 2>&1", "PLUGGED");
        await guest.DoAsync("echo written | dd of=/dev/vda conv=fsync 2>/dev/null");
        (await VirshAsync("domblkstat", "guest", "vda")).ShouldNotContain("wr_req 0");
        (await VirshAsync("domblkinfo", "guest", "vda")).ShouldContain("Capacity:       16777216");
        await VirshAsync("blockresize", "guest", "vda", "32M");
        await guest.UntilAsync("cat /sys/block/vda/size", "65536");
        await VirshAsync("blkdeviotune", "guest", "vda", "--total-iops-sec", "100000");
        (await VirshAsync("blkdeviotune", "guest", "vda")).ShouldContain("total_iops_sec : 100000");

        await VirshAsync("attach-interface", "guest", "network", "default", "--mac", "52:54:00:00:00:09", "--model", "virtio", "--live");
        await guest.UntilAsync("cat /sys/class/net/eth0/address 2>&1", "52:54:00:00:00:09");
        await guest.DoAsync("ip link set eth0 up");
        await VirshAsync("domif-setlink", "guest", "52:54:00:00:00:09", "down");
        await guest.UntilAsync("cat /sys/class/net/eth0/carrier", "0");

        await VirshAsync("setvcpus", "guest", "2", "--live");
        await guest.UntilAsync("[ -e /sys/devices/system/cpu/cpu1/online ] && echo there", "there");
        await VirshAsync("setmem", "guest", "200M", "--live");
        for (int i = 0; i < 600 && !(await VirshAsync("dommemstat", "guest")).Contains("actual 204800", StringComparison.Ordinal); i++) await Task.Delay(100);
        (await VirshAsync("dommemstat", "guest")).ShouldContain("actual 204800");

        await VirshAsync("change-media", "guest", "vdz", Path.Combine(Folder, "images", "medium"), "--insert");
        await guest.UntilAsync("ls /sys/block", "vdb");
        await VirshAsync("change-media", "guest", "vdz", "--eject");
        await guest.UntilAsync("[ -e /sys/block/vdb ] || echo gone", "gone");

        // The successor of a killed daemon knows what came and went.
        await VirshAsync("detach-disk", "guest", "vda", "--live");
        (await guest.DoAsync("ls /sys/block | grep -c vd")).ShouldBe("0");
        await EndAsync("KILL");
        await StartAsync();
        (await VirshAsync("domblklist", "guest")).ShouldNotContain("vda");
        (await VirshAsync("domiflist", "guest")).ShouldContain("52:54:00:00:00:09");
        (await VirshAsync("vcpucount", "guest", "--current", "--live")).ShouldBe("2");
        await using (FileStream file = File.OpenRead(disk))
        {
            using var reader = new StreamReader(file);
            (await reader.ReadLineAsync()).ShouldBe("written");
        }
        await VirshAsync("detach-interface", "guest", "network", "--mac", "52:54:00:00:00:09", "--live");
        (await VirshAsync("domiflist", "guest")).ShouldNotContain("52:54:00:00:00:09");
    }

    [Fact]
    public async Task ADomainWithoutKernelBootsFromItsDisk()
    {
        string root = Directory.CreateDirectory(Path.Combine(Folder, "root")).FullName, raw = Path.Combine(Folder, "raw"), disk = Path.Combine(Folder, "images", "boot.qcow2");
        Directory.CreateDirectory(Path.Combine(root, "boot/grub"));
        await File.WriteAllTextAsync(Path.Combine(root, "boot/grub/grub.cfg"), "menuentry it { linux /kernel console=none }\n");
        await File.WriteAllBytesAsync(Path.Combine(root, "kernel"), TestKernels.Echo);
        await DebianGuest.RunAsync("mke2fs", "-q", "-F", "-t", "ext4", "-d", root, raw, "4M");
        await DebianGuest.RunAsync("qemu-img", "convert", "-O", "qcow2", raw, disk);
        // The pool 'default' has what is in its folder, and its volumes go with their domain.
        (await VirshAsync("vol-info", "boot.qcow2", "--pool", "default", "--bytes")).ShouldContain("4194304 bytes");
        (int status, string output, string error) = await TryAsync("virt-install",
        [
            "--connect", Uri, "--name", "imported", "--memory", "64", "--vcpus", "1", "--import", "--disk", $"{disk},bus=virtio,driver.type=qcow2", "--osinfo", "detect=off,require=off", "--graphics", "none", "--noautoconsole",
            "--virt-type", "qemu", "--network", "network=default,model=virtio",
        ]);
        status.ShouldBe(0, output + error);
        (await VirshAsync("domstate", "--reason", "imported")).ShouldBe("running (booted)");
        (await VirshAsync("domblklist", "imported")).ShouldContain(disk);
        await VirshAsync("destroy", "imported");
        await VirshAsync("undefine", "imported", "--remove-all-storage");
        File.Exists(disk).ShouldBeFalse();
        await DefineAsync("empty", "<memory unit='MiB'>64</memory><os><type>hvm</type></os>");
        (await FailAsync("start", "empty")).ShouldContain("there is nothing to boot");
    }

    [Fact]
    public async Task ImagesOfTheDefaultPoolAreQcow2()
    {
        await VirshAsync("vol-create-as", "default", "v.qcow2", "8M", "--format", "qcow2");
        string path = await VirshAsync("vol-path", "v.qcow2", "--pool", "default");
        (await DebianGuest.RunAsync("qemu-img", "info", path)).ShouldContain("virtual size: 8 MiB");
        await VirshAsync("vol-resize", "v.qcow2", "16M", "--pool", "default");
        (await VirshAsync("vol-dumpxml", "v.qcow2", "--pool", "default")).ShouldContain("<format type=\"qcow2\"");
        await VirshAsync("vol-create-as", "default", "over.qcow2", "16M", "--format", "qcow2", "--backing-vol", "v.qcow2", "--backing-vol-format", "qcow2");
        (await DebianGuest.RunAsync("qemu-img", "info", Path.Combine(Folder, "images", "over.qcow2"))).ShouldContain($"backing file: {path}");
        await VirshAsync("vol-clone", "v.qcow2", "copy.qcow2", "--pool", "default");
        await DebianGuest.RunAsync("qemu-img", "check", "-q", Path.Combine(Folder, "images", "copy.qcow2"));
        // What people made of the defaults stays as it is.
        await VirshAsync("net-destroy", "default");
        await VirshAsync("net-undefine", "default");
        await EndAsync("TERM");
        await StartAsync();
        (await VirshAsync("net-list", "--all", "--name")).ShouldBe("");
        (await VirshAsync("pool-list", "--name")).ShouldBe("default");
    }
}
