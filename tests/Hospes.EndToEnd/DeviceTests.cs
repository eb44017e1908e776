using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Hospes.EndToEnd;

/// <summary>
/// Debian's cloud kernel with its own virtio drivers: an ext4 disk that mke2fs made, a page from the host's loopback through passt, entropy, and
/// a console, in one boot on the software processor.
/// </summary>
public sealed class DeviceTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(8);

    /// <summary>Modules in the order in which they can be loaded.</summary>
    private static readonly string[] Modules =
        ["virtio", "virtio_ring", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci", "virtio-rng", "virtio_console", "virtio_blk", "failover", "net_failover", "virtio_net"];

    private readonly string _folder = Directory.CreateTempSubdirectory("hospes-devices-").FullName;

    [Fact]
    public async Task DiskNetworkConsoleAndEntropyWorkTogether()
    {
        string disk = Path.Combine(_folder, "disk.img"), initrd = Path.Combine(_folder, "root.cpio");
        await using (FileStream file = File.Create(disk)) file.SetLength(64 << 20);
        await RunAsync("mke2fs", "-q", "-t", "ext4", "-F", disk);
        (string kernel, string package) = await ImageAsync();
        using var server = new PageServer("from the host's loopback");
        await WriteInitrdAsync(initrd, package, $$"""
            for module in {{string.Join(' ', Modules)}}; do insmod /modules/$module.ko; done
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
            ip link set eth0 up
            printf '#!/bin/sh\n[ $1 = bound ] || exit 0\nip addr add $ip/$mask dev $interface\nip route add default via $router\n' >/lease
            chmod +x /lease
            udhcpc -i eth0 -n -q -s /lease
            wget -q -O - http://$(ip route | sed -n 's/^default via \([^ ]*\).*/\1/p'):{{server.Port}}/
            grep -c -E 'MSI.*virtio' /proc/interrupts
            dmesg -r | grep '^<[0-3]>'
            """);
        Ran ran = await HospesProcess.RunAsync(
            "", Patience, "run", "--engine", "soft", "--kernel", kernel, "--initrd", initrd, "--append", "console=ttyS0", "--memory", "512M", "--vcpus", "2",
            "--disk", $"{disk},format=raw,serial=HOSPES-1,queues=2", "--net", "user", "--console", "virtio", "--rng", "--timeout", "400");
        ran.Status.ShouldBe(0, ran.Out + ran.Error);
        ran.Out.ShouldContain("entropy 32");
        ran.Out.ShouldContain("from hvc0");
        ran.Out.ShouldContain("serial HOSPES-1 of 131072");
        ran.Out.ShouldContain("noise is the same");
        ran.Out.ShouldContain("from the host's loopback");
        ran.Out.ShouldNotContain("Call Trace:");
        (await RunAsync("debugfs", "-R", "cat words", disk)).ShouldContain("written by the guest");
        await RunAsync("e2fsck", "-f", "-n", disk);
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync()
    {
        Directory.Delete(_folder, recursive: true);
        return Task.CompletedTask;
    }

    /// <summary>Pulls the image if it is not there; gives the kernel and the package with its modules.</summary>
    private static async Task<(string Kernel, string Package)> ImageAsync()
    {
        Ran pulled = await HospesProcess.RunAsync("", Patience, "image", "pull", "debian:12", "--json");
        pulled.Status.ShouldBe(0, pulled.Error);
        string kernel = JsonDocument.Parse(pulled.Out).RootElement[0].GetProperty("kernelFile").GetString()!;
        string folder = Path.GetDirectoryName(kernel)!;
        string sum = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "image.json"))).RootElement.GetProperty("kernelPackage").GetString()!;
        return (kernel, Path.Combine(folder, "..", "..", "downloads", sum));
    }

    /// <summary>A small root with the modules behind it: the kernel unpacks one archive after the other.</summary>
    private async Task WriteInitrdAsync(string initrd, string package, string commands)
    {
        Ran made = await HospesProcess.RunAsync("", Patience, "image", "initramfs", "--output", initrd, "--run", commands);
        made.Status.ShouldBe(0, made.Error);
        string unpacked = Path.Combine(_folder, "package"), root = Path.Combine(_folder, "root");
        await RunAsync("dpkg", "-x", package, unpacked);
        Directory.CreateDirectory(Path.Combine(root, "modules"));
        foreach (string file in Directory.EnumerateFiles(unpacked, "*.ko", SearchOption.AllDirectories))
        {
            if (Modules.Contains(Path.GetFileNameWithoutExtension(file))) File.Copy(file, Path.Combine(root, "modules", Path.GetFileName(file)));
        }
        await RunAsync("sh", "-c", $"cd '{root}' && find . | cpio --quiet -o -H newc >>'{initrd}'");
    }

    private static async Task<string> RunAsync(string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["PATH"] = $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/sbin";
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        process.ExitCode.ShouldBe(0, $"{program} {string.Join(' ', arguments)}: {output}{await error}");
        return output;
    }

    /// <summary>Answers every connection on the loopback with one page.</summary>
    private sealed class PageServer : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);

        public PageServer(string page)
        {
            _listener.Start();
            _ = ServeAsync(page);
        }

        public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

        public void Dispose() => _listener.Dispose();

        private async Task ServeAsync(string page)
        {
            try
            {
                while (true)
                {
                    using TcpClient client = await _listener.AcceptTcpClientAsync();
                    NetworkStream stream = client.GetStream();
                    using var request = new StreamReader(stream, Encoding.ASCII, leaveOpen: true);
                    while (!string.IsNullOrEmpty(await request.ReadLineAsync()))
                    {
                        // The whole request is read before it is answered.
                    }

                    await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.0 200 OK\r\nContent-Length: {page.Length}\r\n\r\n{page}"));
                    client.Client.Shutdown(SocketShutdown.Send);
                    await stream.CopyToAsync(Stream.Null);
                }
            }
            catch (Exception fault) when (fault is SocketException or ObjectDisposedException or IOException)
            {
                // The test is over.
            }
        }
    }
}
