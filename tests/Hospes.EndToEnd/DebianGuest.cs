using System.Diagnostics;
using System.Text.Json;

namespace Hospes.EndToEnd;

/// <summary>Debian's cloud kernel with a small root: busybox, a script, and modules of the kernel's package behind them.</summary>
internal static class DebianGuest
{
    /// <summary>How long a guest may take on a busy machine.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMinutes(8);

    /// <summary>The modules of all virtio devices, in the order in which they can be loaded.</summary>
    public static readonly string[] VirtioModules =
        ["virtio", "virtio_ring", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci", "virtio-rng", "virtio_console", "virtio_blk", "failover", "net_failover", "virtio_net"];

    /// <summary>Lets a guest's script load the modules of all virtio devices; twice, because which of virtio and virtio_ring needs the other depends on the kernel.</summary>
    public static string LoadVirtio => $"for pass in 1 2; do for module in {string.Join(' ', VirtioModules)}; do insmod /modules/$module.ko 2>/dev/null; done; done";

    /// <summary>Lets a guest's script fetch an address for its first card.</summary>
    public const string Lease = """
        ip link set eth0 up
        printf '#!/bin/sh\n[ $1 = bound ] || exit 0\nip addr add $ip/$mask dev $interface\nip route add default via $router\n' >/lease
        chmod +x /lease
        udhcpc -i eth0 -n -q -s /lease
        """;

    /// <summary>Pulls the image if it is not there.</summary>
    /// <returns>The kernel, and the package with its modules.</returns>
    public static async Task<(string Kernel, string Package)> ImageAsync()
    {
        Ran pulled = await HospesProcess.RunAsync("", Patience, "image", "pull", "debian:12", "--json");
        pulled.Status.ShouldBe(0, pulled.Error);
        string kernel = JsonDocument.Parse(pulled.Out).RootElement[0].GetProperty("kernelFile").GetString()!;
        string folder = Path.GetDirectoryName(kernel)!;
        string sum = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "image.json"))).RootElement.GetProperty("kernelPackage").GetString()!;
        return (kernel, Path.Combine(folder, "..", "..", "downloads", sum));
    }

    /// <summary>Writes a small root with modules behind it: the kernel unpacks one archive after the other.</summary>
    /// <param name="initrd">Where it goes; folders beside it are used.</param>
    /// <param name="package">The kernel's package.</param>
    /// <param name="modules">The modules, which go to <c>/modules</c>.</param>
    /// <param name="commands">What the guest does before it powers off.</param>
    public static async Task WriteRootAsync(string initrd, string package, IReadOnlyCollection<string> modules, string commands)
    {
        Ran made = await HospesProcess.RunAsync("", Patience, "image", "initramfs", "--output", initrd, "--run", commands);
        made.Status.ShouldBe(0, made.Error);
        string unpacked = initrd + ".package", root = initrd + ".root";
        await RunAsync("dpkg", "-x", package, unpacked);
        Directory.CreateDirectory(Path.Combine(root, "modules"));
        foreach (string file in Directory.EnumerateFiles(unpacked, "*.ko", SearchOption.AllDirectories))
        {
            if (modules.Contains(Path.GetFileNameWithoutExtension(file))) File.Copy(file, Path.Combine(root, "modules", Path.GetFileName(file)));
        }
        await RunAsync("sh", "-c", $"cd '{root}' && find . | cpio --quiet -o -H newc >>'{initrd}'");
        Directory.Delete(unpacked, recursive: true);
    }

    /// <summary>Runs a program that has to succeed.</summary>
    /// <returns>Its output.</returns>
    public static async Task<string> RunAsync(string program, params string[] arguments)
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
}
