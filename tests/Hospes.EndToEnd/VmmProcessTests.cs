using System.Diagnostics;
using System.Net.Sockets;
using System.Text;

namespace Hospes.EndToEnd;

/// <summary><c>hospes vmm</c> as a process: its statuses, its files, its character devices, its monitors; with kernels of a few bytes.</summary>
public sealed class VmmProcessTests : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    private readonly string _folder = Directory.CreateTempSubdirectory("hospes-vmm-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task APowerOffIsZeroAndSilent() => (await RunAsync(TestKernels.PowerOff, "")).ShouldBe(new Ran(0, "", ""));

    [Fact]
    public async Task AResetWithoutRebootIsZeroToo() => (await RunAsync(TestKernels.Reset, "", "-no-reboot")).ShouldBe(new Ran(0, "", ""));

    [Fact]
    public async Task APanicIsZeroUnlessItIsToFail()
    {
        (await RunAsync(TestKernels.Panic, "")).Status.ShouldBe(0);
        (await RunAsync(TestKernels.Panic, "", "-action", "panic=exit-failure")).Status.ShouldBe(1);
    }

    [Fact]
    public async Task MistakesAreOneAndInQemusForm()
    {
        (await HospesProcess.RunAsync("", s_patience, "vmm", "-foo")).ShouldBe(new Ran(1, "", "hospes vmm: -foo: invalid option\n"));
        (await HospesProcess.RunAsync("", s_patience, "vmm", "-m", "512")).ShouldBe(new Ran(1, "", "hospes vmm: no kernel: -kernel is missing\n"));
        string nowhere = Path.Combine(_folder, "no", "s");
        (await RunAsync(TestKernels.PowerOff, "", "-qmp", $"unix:{nowhere},server=on,wait=off"))
            .ShouldBe(new Ran(1, "", $"hospes vmm: -qmp unix:{nowhere},server=on,wait=off: Failed to bind socket to {nowhere}: No such file or directory\n"));
        Ran disk = await RunAsync(TestKernels.PowerOff, "", "-drive", $"if=virtio,file={nowhere}");
        disk.Status.ShouldBe(1);
        disk.Error.ShouldStartWith($"hospes vmm: the disk '{nowhere}' cannot be opened: ");
    }

    [Fact]
    public async Task QuestionsAreZero()
    {
        Ran page = await HospesProcess.RunAsync("", s_patience, "vmm", "--help");
        (page.Status, page.Error).ShouldBe((0, ""));
        page.Out.ShouldContain("NAME\n       hospes vmm - ");
        page.Out.ShouldContain("-netdev TYPE,id=ID");
        (await HospesProcess.RunAsync("", s_patience, "vmm", "-device", "virtio-blk-pci,help")).Out.ShouldStartWith("virtio-blk-pci options:\n");
        (await HospesProcess.RunAsync("", s_patience, "vmm", "-version")).Out.ShouldContain("version");
    }

    [Fact]
    public async Task ASignalEndsItInOrderAndItsFilesGo()
    {
        string pid = Path.Combine(_folder, "pid"), socket = Path.Combine(_folder, "qmp");
        using Process process = Start(TestKernels.Spin, "-pidfile", pid, "-qmp", $"unix:{socket},server=on,wait=off", "-msg", "timestamp=on,guest-name=on", "-name", "g7");
        using (QmpPeer peer = await QmpPeer.ConnectAsync(socket))
        {
            (await File.ReadAllTextAsync(pid)).ShouldBe($"{process.Id}\n");
            // A second domain does not get the file.
            Ran second = await RunAsync(TestKernels.PowerOff, "", "-pidfile", pid);
            second.ShouldBe(new Ran(1, "", "hospes vmm: cannot create PID file: Cannot lock pid file: Resource temporarily unavailable\n"));
            await DebianGuest.RunAsync("kill", "-TERM", $"{process.Id}");
            ((bool?)(await peer.WaitAsync("SHUTDOWN"))["data"]!["guest"]).ShouldBe(false);
        }
        await process.WaitForExitAsync(new CancellationTokenSource(s_patience).Token);
        process.ExitCode.ShouldBe(0);
        (await process.StandardError.ReadToEndAsync()).ShouldMatch(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z g7 hospes vmm: terminating on signal 15\n$");
        File.Exists(pid).ShouldBeFalse();
        File.Exists(socket).ShouldBeFalse();
    }

    [Fact]
    public async Task InTheBackgroundFailuresComeBackAndSuccessIsADomain()
    {
        string pid = Path.Combine(_folder, "pid"), socket = Path.Combine(_folder, "qmp"), kernel = await KernelAsync(TestKernels.Halt);
        (await HospesProcess.RunAsync("", s_patience, "vmm", "-daemonize", "-kernel", Path.Combine(_folder, "no"))).Status.ShouldBe(1);
        Ran refused = await RunAsync(TestKernels.Halt, "", "-daemonize", "-serial", "stdio");
        refused.ShouldBe(new Ran(1, "", "hospes vmm: -serial stdio: cannot use stdio with -daemonize\n"));
        Ran started = await HospesProcess.RunAsync(
            "", s_patience, "vmm", "-daemonize", "-pidfile", pid, "-accel", "soft", "-kernel", kernel, "-qmp", $"unix:{socket},server=on,wait=off", "-serial", "pty");
        started.Status.ShouldBe(0, started.Error);
        started.Out.ShouldMatch(@"^char device redirected to /dev/pts/\d+ \(label serial0\)\n$");
        // No waiting: it listens already.
        File.Exists(socket).ShouldBeTrue();
        using QmpPeer peer = await QmpPeer.ConnectAsync(socket);
        using Process domain = Process.GetProcessById(int.Parse(await File.ReadAllTextAsync(pid)));
        await peer.CallAsync("quit");
        await domain.WaitForExitAsync(new CancellationTokenSource(s_patience).Token);
    }

    [Fact]
    public async Task LinesForPeopleHoldTheDomainAndLetItGo()
    {
        Ran ran = await RunAsync(TestKernels.PowerOff, "info status\ncont\n", "-S", "-monitor", "stdio");
        ran.Status.ShouldBe(0, ran.Error);
        ran.Out.ShouldContain("(qemu) ");
        ran.Out.ShouldContain("VM status: paused (prelaunch)");
    }

    [Fact]
    public async Task ThePortAndTheMonitorShareStandardInput()
    {
        using Process process = Start(TestKernels.Echo, "-serial", "mon:stdio", "-name", "shared");
        await process.StandardInput.WriteAsync("hello\u0001cinfo name\n");
        await process.StandardInput.FlushAsync();
        var said = new StringBuilder();
        char[] some = new char[256];
        using var patience = new CancellationTokenSource(s_patience);
        while (!said.ToString().Contains("hello", StringComparison.Ordinal) || !said.ToString().Contains("\nshared", StringComparison.Ordinal))
        {
            int count = await process.StandardOutput.ReadAsync(some, patience.Token);
            count.ShouldBeGreaterThan(0, said.ToString());
            said.Append(some, 0, count);
        }
        await process.StandardInput.WriteAsync("\u0001cq");
        await process.StandardInput.FlushAsync();
        await process.WaitForExitAsync(patience.Token);
        process.ExitCode.ShouldBe(0);
        (await RunAsync(TestKernels.Echo, "\u0001x", "-nographic")).Status.ShouldBe(0);
    }

    [Fact]
    public async Task TheSerialPortIsOnASocket()
    {
        string path = Path.Combine(_folder, "serial");
        using Process process = Start(TestKernels.Echo, "-serial", $"unix:{path},server=on,wait=on");
        (await process.StandardError.ReadLineAsync()).ShouldBe($"hospes vmm: info: waiting for connection on: disconnected:unix:{path},server=on");
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path));
        await socket.SendAsync("to and froq"u8.ToArray());
        using var reader = new StreamReader(new NetworkStream(socket), Encoding.ASCII);
        (await reader.ReadToEndAsync(new CancellationTokenSource(s_patience).Token)).ShouldBe("to and froq");
        await process.WaitForExitAsync(new CancellationTokenSource(s_patience).Token);
        process.ExitCode.ShouldBe(0);
    }

    private async Task<string> KernelAsync(byte[] kernel)
    {
        string path = Path.Combine(_folder, "kernel");
        await File.WriteAllBytesAsync(path, kernel);
        return path;
    }

    private async Task<Ran> RunAsync(byte[] kernel, string input, params string[] arguments) =>
        await HospesProcess.RunAsync(input, s_patience, ["vmm", "-accel", "soft", "-kernel", await KernelAsync(kernel), .. arguments]);

    private Process Start(byte[] kernel, params string[] arguments)
    {
        string path = Path.Combine(_folder, "started");
        File.WriteAllBytes(path, kernel);
        return HospesProcess.Start(["vmm", "-accel", "soft", "-kernel", path, .. arguments]);
    }
}
