namespace Hospes.EndToEnd;

/// <summary>
/// Debian's cloud kernel with its own virtio drivers: an ext4 disk that mke2fs made, a page from the host's loopback through passt, entropy, and
/// a console, in one boot on the software processor.
/// </summary>
public sealed class DeviceTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hospes-devices-").FullName;

    [Fact]
    public async Task DiskNetworkConsoleAndEntropyWorkTogether()
    {
        string disk = Path.Combine(_folder, "disk.img"), initrd = Path.Combine(_folder, "root.cpio");
        await using (FileStream file = File.Create(disk)) file.SetLength(64 << 20);
        await DebianGuest.RunAsync("mke2fs", "-q", "-t", "ext4", "-F", disk);
        (string kernel, string package) = await DebianGuest.ImageAsync();
        using var server = new PageServer("from the host's loopback");
        await DebianGuest.WriteRootAsync(initrd, package, DebianGuest.VirtioModules, $$"""
            {{DebianGuest.LoadVirtio}}
            echo entropy $(dd if=/dev/hwrng bs=32 count=1 2>/dev/null | wc -c)
            echo from hvc0 >/dev/hvc0
            mkdir /mnt
            mount -t ext4 /dev/vda /mnt
            echo serial $(cat /sys/block/vda/serial) of $(cat /sys/block/vda/size)
            dd if=/dev/urandom of=/mnt/noise bs=1M count=8 2>/dev/null
            sha256sum </mnt/noise >/mnt/sum
            echo written by the guest >/mnt/words
            sync
            echo 3 >/proc/sys/vm/drop_caches
            sha256sum </mnt/noise | cmp - /mnt/sum && echo noise is the same
            umount /mnt
            {{DebianGuest.Lease}}
            wget -q -O - http://$(ip route | sed -n 's/^default via \([^ ]*\).*/\1/p'):{{server.Port}}/
            grep -c -E 'MSI.*virtio' /proc/interrupts
            dmesg -r | grep '^<[0-3]>'
            """);
        Ran ran = await HospesProcess.RunAsync(
            "", DebianGuest.Patience, "run", "--engine", "soft", "--kernel", kernel, "--initrd", initrd, "--append", "console=ttyS0", "--memory", "512M", "--vcpus", "2",
            "--disk", $"{disk},format=raw,serial=HOSPES-1,queues=2", "--net", "user", "--console", "virtio", "--rng", "--timeout", "400");
        ran.Status.ShouldBe(0, ran.Out + ran.Error);
        ran.Out.ShouldContain("entropy 32");
        ran.Out.ShouldContain("from hvc0");
        ran.Out.ShouldContain("serial HOSPES-1 of 131072");
        ran.Out.ShouldContain("noise is the same");
        ran.Out.ShouldContain("from the host's loopback");
        ran.Out.ShouldNotContain("Call Trace:");
        (await DebianGuest.RunAsync("debugfs", "-R", "cat words", disk)).ShouldContain("written by the guest");
        await DebianGuest.RunAsync("e2fsck", "-f", "-n", disk);
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return Task.CompletedTask;
    }
}
