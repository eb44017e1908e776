using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace Hospes.EndToEnd;

/// <summary>A Debian with systemd on a disk of its own, made by <c>hospes image pull --rootfs</c>, from nothing but the disk to a log-in and back.</summary>
public sealed class DebianDiskTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(15);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("hospes-debian-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task ADiskBootsToItsPromptLetsInByConsoleAndByKeyAndPowersOff()
    {
        string disk = Path.Combine(_folder.FullName, "web1.qcow2"), key = Path.Combine(_folder.FullName, "key"), script = Path.Combine(_folder.FullName, "user-data");
        Ran pulled = await HospesProcess.RunAsync("", Patience, "image", "pull", "debian:12", "--rootfs", "--output", disk);
        pulled.Status.ShouldBe(0, pulled.Error);
        await DebianGuest.RunAsync("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key);
        await File.WriteAllTextAsync(script, "#!/bin/sh\necho told >/root/told\n");
        int port = FreePort();
        using Process guest = HospesProcess.Start(
            "run", "--engine", "soft", "--disk", disk, "--memory", "1G", "--vcpus", "2", "--timeout", "800", "--rng", "--net", $"user,hostfwd=tcp:127.0.0.1:{port}-:22",
            "--hostname", "web1", "--ssh-key", key + ".pub", "--user-data", script);
        try
        {
            using var end = new CancellationTokenSource(Patience);
            var console = new ConsoleText(guest.StandardOutput);
            await console.UntilAsync("web1 login: ", end.Token);
            // The console belongs to whoever started the guest: root needs no password there.
            await TypeAsync(guest, "root\n");
            await console.UntilAsync("root@web1:~# ", end.Token);
            await TypeAsync(guest, "echo $((6 * 7)) failed $(systemctl --failed --no-legend | wc -l)\n");
            await console.UntilAsync("42 failed 0", end.Token);
            string seen = await SshAsync(key, port, "hostname; cat /etc/machine-id; findmnt -n -o SOURCE,FSTYPE /; until [ -e told ]; do sleep 1; done; cat told", end.Token);
            seen.ShouldMatch(@"^web1\n[0-9a-f]{32}\n/dev/vda +ext4\ntold\n$");
            await SshAsync(key, port, "systemctl poweroff", end.Token);
            await guest.WaitForExitAsync(end.Token);
            string error = await guest.StandardError.ReadToEndAsync(end.Token);
            guest.ExitCode.ShouldBe(0, console + error);
        }
        finally
        {
            if (!guest.HasExited) guest.Kill(entireProcessTree: true);
        }

        // What the guest left is whole, and its menu is still there.
        string raw = Path.Combine(_folder.FullName, "raw");
        await DebianGuest.RunAsync("qemu-img", "convert", "-O", "raw", disk, raw);
        await DebianGuest.RunAsync("e2fsck", "-fn", raw);
        (await HospesProcess.RunAsync("", Patience, "image", "boot-entries", disk)).Out.ShouldContain("*  0  Debian GNU/Linux");
    }

    private static async Task TypeAsync(Process guest, string text)
    {
        await guest.StandardInput.WriteAsync(text);
        await guest.StandardInput.FlushAsync();
    }

    /// <summary>Runs a command in the guest; its server may need a while yet.</summary>
    private static async Task<string> SshAsync(string key, int port, string command, CancellationToken end)
    {
        while (true)
        {
            var start = new ProcessStartInfo("ssh", ["-i", key, "-p", $"{port}", "-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR", "-o", "ConnectTimeout=60", "root@127.0.0.1", command])
            { RedirectStandardOutput = true, RedirectStandardError = true };
            using Process ssh = Process.Start(start)!;
            Task<string> error = ssh.StandardError.ReadToEndAsync(end);
            string output = await ssh.StandardOutput.ReadToEndAsync(end);
            await ssh.WaitForExitAsync(end);
            // A guest that powers off breaks the connection, too: 255 is ssh's own word for that.
            if (ssh.ExitCode == 0 || (ssh.ExitCode == 255 && command.EndsWith("poweroff", StringComparison.Ordinal) && !(await error).Contains("refused", StringComparison.Ordinal))) return output;
            ssh.ExitCode.ShouldBe(255, await error);
            await Task.Delay(1000, end);
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
