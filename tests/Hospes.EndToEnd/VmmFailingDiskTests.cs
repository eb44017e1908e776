using System.Diagnostics;
using System.Text.Json.Nodes;

namespace Hospes.EndToEnd;

/// <summary>Disks whose host fails them while a guest uses them.</summary>
public sealed class VmmFailingDiskTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hospes-failing-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task AHostThatIsFullAndAFileThatVanishesAreErrorsToTheGuestAndEventsToTheMonitor()
    {
        string small = Path.Combine(_folder, "small"), full = Path.Combine(small, "full.qcow2"), gone = Path.Combine(_folder, "gone.raw");
        string initrd = Path.Combine(_folder, "root.cpio"), qmp = Path.Combine(_folder, "qmp"), console = Path.Combine(_folder, "console");
        Directory.CreateDirectory(small);
        await DebianGuest.RunAsync("dd", "if=/dev/urandom", $"of={gone}", "bs=1M", "count=16", "status=none");
        (string kernel, string package) = await DebianGuest.ImageAsync();
        await DebianGuest.WriteRootAsync(initrd, package, DebianGuest.VirtioModules, $"""
            {DebianGuest.LoadVirtio}
            dd if=/dev/urandom of=/dev/vda bs=1M count=48 conv=fsync
            echo full: $?
            dd if=/dev/vda of=/dev/null bs=1M count=1
            echo readable: $?
            dd if=/dev/vdb of=/dev/null bs=64k skip=100 count=1
            echo gone: $?
            dd if=/dev/urandom of=/dev/vdb bs=64k count=1 conv=fsync
            echo written: $?
            """);
        // A file system of 24 MiB that only this domain sees.
        string[] crowded =
        [
            "unshare", "--mount", "--map-root-user", "sh", "-ec",
            "mount -t tmpfs -o size=24m crowded \"$0\"; qemu-img create -q -f qcow2 \"$0/full.qcow2\" 64M; exec \"$@\"", small,
        ];
        using Process domain = HospesProcess.StartUnder(
            crowded,
            [
                "vmm", "-S", "-nodefaults", "-no-reboot", "-accel", "soft", "-m", "256", "-kernel", kernel, "-initrd", initrd, "-append", "console=ttyS0 quiet",
                "-drive", $"if=none,id=full,format=qcow2,file={full}", "-device", "virtio-blk-pci,drive=full",
                "-drive", $"if=none,id=gone,format=raw,file={gone}", "-device", "virtio-blk-pci,drive=gone",
                "-serial", $"file:{console}", "-qmp", $"unix:{qmp},server=on,wait=off",
            ]);
        try
        {
            using QmpPeer monitor = await QmpPeer.ConnectAsync(qmp);
            // The domain has it open.
            using (FileStream file = File.OpenWrite(gone)) file.SetLength(0);
            await monitor.CallAsync("cont");
            var failed = new Dictionary<string, JsonNode>();
            while (failed.Count < 2)
            {
                JsonNode told = (await monitor.WaitAsync("BLOCK_IO_ERROR"))["data"]!;
                failed.TryAdd((string)told["device"]!, told);
            }
            ((string?)failed["full"]["operation"], (bool?)failed["full"]["nospace"], (string?)failed["full"]["action"]).ShouldBe(("write", true, "report"));
            ((string?)failed["gone"]["operation"], (bool?)failed["gone"]["nospace"], (string?)failed["gone"]["action"]).ShouldBe(("read", false, "report"));
            await monitor.WaitAsync("SHUTDOWN");
            await domain.WaitForExitAsync(new CancellationTokenSource(DebianGuest.Patience).Token);
            domain.ExitCode.ShouldBe(0);
        }
        finally
        {
            if (!domain.HasExited) domain.Kill();
        }
        string said = await File.ReadAllTextAsync(console);
        said.ShouldContain("full: 1");
        said.ShouldContain("readable: 0");
        said.ShouldContain("gone: 1");
        said.ShouldNotContain("Call Trace:");
    }
}
