using System.Diagnostics;

namespace Hospes.EndToEnd;

/// <summary>The command line in QEMU's documentation of its <c>xenpvh</c> machine, with an engine, a kernel and a serial port added and Xen's own two
/// options left out.</summary>
public sealed class VmmSeedTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hospes-seed-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task ItBootsDebianReachesTheHostThroughItsTapAndObeysBothMonitors()
    {
        string initrd = Path.Combine(_folder, "root.cpio"), first = Path.Combine(_folder, "qmp-libxl-3"), second = Path.Combine(_folder, "qmp-libxenstat-3");
        (string kernel, string package) = await DebianGuest.ImageAsync();
        await DebianGuest.WriteRootAsync(initrd, package, DebianGuest.VirtioModules, $$"""
            {{DebianGuest.LoadVirtio}}
            echo processors $(nproc), memory $(awk '/MemTotal/ { print int($2 / 1048576 + 0.5) }' /proc/meminfo) GiB
            echo card $(cat /sys/class/net/eth0/address)
            grep -E 'System RAM|PCI' /proc/iomem
            ip addr add 10.73.0.2/24 dev eth0
            ip link set eth0 up
            ping -c 2 -w 30 10.73.0.1
            """);
        // The tap is made in a network of its own, where the host's side of it is configured too.
        string start = $"""
            ip tuntap add dev vif3.0-emu mode tap vnet_hdr && ip addr add 10.73.0.1/24 dev vif3.0-emu && ip link set vif3.0-emu up && exec "$@"
            """;
        string[] vmm =
        [
            "-no-shutdown",
            "-chardev", $"socket,id=libxl-cmd,path={first},server=on,wait=off",
            "-mon", "chardev=libxl-cmd,mode=control",
            "-chardev", $"socket,id=libxenstat-cmd,path={second},server=on,wait=off",
            "-mon", "chardev=libxenstat-cmd,mode=control",
            "-nodefaults",
            "-no-user-config",
            "-name", "g0",
            "-vnc", "none",
            "-display", "none",
            "-device", "virtio-net-pci,id=nic0,netdev=net0,mac=00:16:3e:5c:81:78",
            "-netdev", "type=tap,id=net0,ifname=vif3.0-emu,br=xenbr0,script=no,downscript=no",
            "-smp", "4,maxcpus=4",
            "-nographic",
            "-machine", "xenpvh,ram-low-base=0,ram-low-size=2147483648,ram-high-base=4294967296,ram-high-size=2147483648,pci-ecam-base=824633720832,pci-ecam-size=268435456,"
                + "pci-mmio-base=4026531840,pci-mmio-size=33554432,pci-mmio-high-base=824902156288,pci-mmio-high-size=68719476736",
            "-m", "4096",
            "-accel", "soft",
            "-kernel", kernel,
            "-initrd", initrd,
            "-append", "console=ttyS0",
            "-serial", "stdio",
        ];
        string[] unshare = Environment.IsPrivilegedProcess ? ["--net"] : ["--net", "--user", "--map-root-user"];
        using Process process = HospesProcess.StartUnder(["unshare", .. unshare, "sh", "-c", start.Trim(), "sh"], ["vmm", .. vmm]);
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();
        try
        {
            using QmpPeer libxl = await QmpPeer.ConnectAsync(first), libxenstat = await QmpPeer.ConnectAsync(second);
            ((string?)(await libxenstat.CallAsync("query-name"))!["name"]).ShouldBe("g0");
            ((bool?)(await libxenstat.WaitAsync("SHUTDOWN"))["data"]!["guest"]).ShouldBe(true);
            ((string?)(await libxl.CallAsync("query-status"))!["status"]).ShouldBe("shutdown");
            await libxl.CallAsync("quit");
            await process.WaitForExitAsync(new CancellationTokenSource(DebianGuest.Patience).Token);
        }
        finally
        {
            if (!process.HasExited) process.Kill(entireProcessTree: true);
        }
        string console = await output, said = await error;
        process.ExitCode.ShouldBe(0, console + said);
        console.ShouldContain("processors 4, memory 4 GiB", customMessage: said);
        console.ShouldContain("card 00:16:3e:5c:81:78");
        console.ShouldContain("100000000-17fffffff : System RAM");
        console.ShouldContain("0% packet loss");
        console.ShouldNotContain("Call Trace:");
        said.ShouldBe("");
        Directory.GetFiles(_folder, "qmp-*").ShouldBeEmpty();
    }
}
