using System.Text.Json.Nodes;

namespace Hospes.EndToEnd;

/// <summary>Debian's drivers of SCSI disks and CD-ROM drives: discs that are changed, trays that are moved from both sides.</summary>
public sealed class ScsiTests : IDisposable
{
    /// <summary>Moves the tray of a drive and locks it, as eject(1) does.</summary>
    private const string TrayProgram = """
        #include <fcntl.h>
        #include <limits.h>
        #include <linux/cdrom.h>
        #include <stdio.h>
        #include <string.h>
        #include <sys/ioctl.h>
        int main(int count, char **words) {
          int file = open("/dev/sr0", O_RDONLY | O_NONBLOCK), done = -1;
          if (file < 0 || count < 2) return 2;
          if (!strcmp(words[1], "open")) done = ioctl(file, CDROMEJECT);
          if (!strcmp(words[1], "close")) done = ioctl(file, CDROMCLOSETRAY);
          if (!strcmp(words[1], "status")) { done = ioctl(file, CDROM_DRIVE_STATUS, CDSL_CURRENT); printf("status %d\n", done); }
          if (done < 0) perror(words[1]);
          return done < 0;
        }
        """;

    private static readonly string[] s_modules = ["scsi_common", "scsi_mod", "cdrom", "isofs", "sd_mod", "sr_mod", "virtio_scsi"];

    private readonly string _folder = Directory.CreateTempSubdirectory("hospes-scsi-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task DiscsAreChangedAndTraysMoved()
    {
        string qmp = Path.Combine(_folder, "qmp"), tools = Directory.CreateDirectory(Path.Combine(_folder, "root.cpio.root", "tools")).FullName;
        string first = await DiscAsync("first"), second = await DiscAsync("second"), third = await DiscAsync("third");
        await File.WriteAllTextAsync(Path.Combine(_folder, "tray.c"), TrayProgram);
        await DebianGuest.RunAsync("gcc", "-static", "-O1", "-o", Path.Combine(tools, "tray"), Path.Combine(_folder, "tray.c"));
        await using TypedGuest guest = await TypedGuest.BootAsync(_folder, s_modules, "--memory", "256M", "--cdrom", first, "--qmp", qmp);
        using QmpPeer monitor = await QmpPeer.ConnectAsync(qmp);
        await guest.UntilAsync("ls /dev/sr0 2>&1; mkdir -p /mnt", "/dev/sr0");

        await ShowsAsync("first");
        (await guest.DoAsync("touch /mnt/new 2>&1; cat /sys/block/sr0/size")).ShouldMatch("Read-only file system\n[1-9]");
        // What is mounted is locked: the guest is asked, and nothing moves.
        await IsAsync(isOpen: false, isLocked: true, file: first);
        (await monitor.RefuseAsync("eject", Drive())).ShouldBe("Device 'cd0' is locked and force was not specified, wait for tray to open and try again");
        await monitor.CallAsync("blockdev-open-tray", Drive());
        await IsAsync(isOpen: false, isLocked: true, file: first);
        await guest.DoAsync("umount /mnt");
        await IsAsync(isOpen: false, isLocked: false, file: first);

        await monitor.CallAsync("blockdev-change-medium", Drive("filename", second));
        await MovedAsync(isOpen: true);
        await MovedAsync(isOpen: false);
        await ShowsAsync("second");
        await guest.DoAsync("umount /mnt");

        // The guest opens its tray, and closes it.
        (await guest.DoAsync("/tools/tray open 2>&1")).ShouldBe("");
        await MovedAsync(isOpen: true);
        await IsAsync(isOpen: true, isLocked: false, file: second);
        (await guest.DoAsync("/tools/tray status")).ShouldBe("status 2");
        (await guest.DoAsync("/tools/tray close 2>&1; /tools/tray status")).ShouldBe("status 4");
        await MovedAsync(isOpen: false);
        await ShowsAsync("second");

        // Torn out while it is in use, it is gone, and the guest lives.
        await monitor.CallAsync("eject", Drive("force", true));
        await MovedAsync(isOpen: true);
        await IsAsync(isOpen: true, isLocked: false, file: null);
        (await guest.DoAsync("echo 3 >/proc/sys/vm/drop_caches; cat /mnt/words 2>&1; umount /mnt; /tools/tray status")).ShouldMatch("cat: .*\nstatus 2");
        await monitor.CallAsync("blockdev-add", new JsonObject { ["driver"] = "raw", ["node-name"] = "disc", ["read-only"] = true, ["file"] = new JsonObject { ["driver"] = "file", ["filename"] = third } });
        await monitor.CallAsync("blockdev-insert-medium", new JsonObject { ["id"] = "cd0", ["node-name"] = "disc" });
        await monitor.CallAsync("blockdev-close-tray", Drive());
        await MovedAsync(isOpen: false);
        await ShowsAsync("third");
        await guest.DoAsync("umount /mnt");
        await guest.PowerOffAsync();

        async Task ShowsAsync(string words) =>
            (await guest.DoAsync("mount -t iso9660 -o ro /dev/sr0 /mnt 2>&1; cat /mnt/words; md5sum </mnt/bulk")).ShouldBe($"{words} disc\n{await SumAsync(words)}  -");

        async Task MovedAsync(bool isOpen)
        {
            JsonNode told = (await monitor.WaitAsync("DEVICE_TRAY_MOVED"))["data"]!;
            ((string?)told["device"], (string?)told["id"], (bool)told["tray-open"]!).ShouldBe(("cd0", "cd0", isOpen));
        }

        async Task IsAsync(bool isOpen, bool isLocked, string? file)
        {
            JsonNode drive = (await monitor.CallAsync("query-block"))!.AsArray().Single()!;
            ((bool)drive["tray_open"]!, (bool)drive["locked"]!, (bool)drive["removable"]!, (string?)drive["inserted"]?["file"]).ShouldBe((isOpen, isLocked, true, file));
        }
    }

    [Fact]
    public async Task DisksAreWrittenGivenBackAndResized()
    {
        string qmp = Path.Combine(_folder, "qmp"), disk = Path.Combine(_folder, "disk.img");
        await using (FileStream file = File.Create(disk)) file.SetLength(32 << 20);
        await using TypedGuest guest = await TypedGuest.StartAsync(_folder, s_modules, (kernel, initrd) =>
            ["vmm", "-nodefaults", "-accel", "soft", "-m", "256", "-smp", "2", "-kernel", kernel, "-initrd", initrd, "-append", "console=ttyS0", "-serial", "stdio",
                "-qmp", $"unix:{qmp},server=on,wait=off", "-drive", $"if=none,id=d0,file={disk},format=raw", "-device", "virtio-scsi-pci,id=s0,num_queues=2",
                "-device", "scsi-hd,drive=d0,bus=s0.0,scsi-id=2,serial=SCSI-1", "-device", "scsi-cd,id=empty,bus=s0.0,scsi-id=2,lun=1"]);
        await guest.WaitUntilReadyAsync();
        using QmpPeer monitor = await QmpPeer.ConnectAsync(qmp);
        await guest.UntilAsync("cat /sys/block/sda/size 2>&1", "65536");
        (await guest.DoAsync("cat /sys/block/sda/device/model /sys/block/sda/queue/rotational /sys/block/sda/queue/write_cache; tail -c 6 /sys/block/sda/device/vpd_pg80; echo; cat /sys/block/sr0/device/model"))
            .ShouldMatch(@"DISK *\n0\nwrite back\nSCSI-1\nDVD-ROM");
        await guest.DoAsync("head -c 8000000 /dev/urandom >/noise; dd if=/noise of=/dev/sda bs=1M conv=fsync 2>/dev/null; echo 3 >/proc/sys/vm/drop_caches");
        (await guest.DoAsync("head -c 8000000 /dev/sda | cmp - /noise && echo the same")).ShouldBe("the same");
        await guest.DoAsync("blkdiscard -o 1048576 -l 4194304 /dev/sda");
        await monitor.CallAsync("block_resize", new JsonObject { ["device"] = "d0", ["size"] = 48 << 20 });
        await guest.UntilAsync("cat /sys/block/sda/size", "98304");
        JsonNode told = (await monitor.CallAsync("query-blockstats"))!.AsArray().Single(static at => (string?)at!["device"] == "d0")!["stats"]!;
        ((long)told["wr_bytes"]!).ShouldBeGreaterThanOrEqualTo(8_000_000);
        ((long)told["flush_operations"]!).ShouldBeGreaterThan(0);
        ((long)told["unmap_bytes"]!).ShouldBe(4194304);
        await guest.PowerOffAsync();
    }

    private static JsonObject Drive(string? name = null, JsonNode? value = null)
    {
        var arguments = new JsonObject { ["id"] = "cd0" };
        if (name is not null) arguments[name] = value;
        return arguments;
    }

    private async Task<string> DiscAsync(string words)
    {
        string content = Directory.CreateDirectory(Path.Combine(_folder, words)).FullName, disc = Path.Combine(_folder, $"{words}.iso");
        await File.WriteAllTextAsync(Path.Combine(content, "words"), $"{words} disc\n");
        byte[] bulk = new byte[3_000_000];
        new Random(words.Length).NextBytes(bulk);
        await File.WriteAllBytesAsync(Path.Combine(content, "bulk"), bulk);
        await DebianGuest.RunAsync("genisoimage", "-quiet", "-R", "-V", words, "-o", disc, content);
        return disc;
    }

    private async Task<string> SumAsync(string words) => (await DebianGuest.RunAsync("md5sum", Path.Combine(_folder, words, "bulk")))[..32];
}
