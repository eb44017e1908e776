using System.Diagnostics;
using Hospes.Libvirt.Client;

namespace Hospes.EndToEnd;

/// <summary>A daemon with real machines, in a folder of its own, and libvirt's programs that talk to it.</summary>
public abstract class DaemonLab : IAsyncLifetime
{
    private protected static readonly TimeSpan s_patience = TimeSpan.FromMinutes(2);

    private protected string Folder { get; } = Directory.CreateTempSubdirectory("hd").FullName;

    private protected string SocketPath => Path.Combine(Folder, "s");

    private protected string Uri => $"hospes+unix:///system?socket={SocketPath}";

    private protected Process? Daemon { get; private set; }

    public virtual Task InitializeAsync() => StartAsync();

    public virtual async Task DisposeAsync()
    {
        using (LibvirtClient client = LibvirtClient.Connect(SocketPath))
        {
            foreach (RemoteDomain domain in client.List().Where(static domain => domain.Id > 0)) client.Act(12, domain);
        }
        await EndAsync("TERM");
        Directory.Delete(Folder, recursive: true);
    }

    private protected async Task StartAsync()
    {
        Daemon = HospesProcess.Start("daemon", "--socket", SocketPath, "--state", Folder);
        string? line = await Daemon.StandardOutput.ReadLineAsync().WaitAsync(s_patience);
        line.ShouldNotBeNull(await ErrorOf(Daemon)).ShouldStartWith("virsh -c 'hospes+unix:///");
        line.ShouldEndWith($"?socket={SocketPath}'");
    }

    private protected async Task EndAsync(string signal)
    {
        await DebianGuest.RunAsync("kill", $"-{signal}", $"{Daemon!.Id}");
        await Daemon.WaitForExitAsync().WaitAsync(s_patience);
        Daemon.Dispose();
    }

    private protected async Task DefineAsync(string name, byte[] kernel, string devices = "")
    {
        string image = Path.Combine(Folder, $"{name}.kernel");
        await File.WriteAllBytesAsync(image, kernel);
        await DefineAsync(name, $"<memory unit='MiB'>64</memory><os><type>hvm</type><kernel>{image}</kernel></os><devices><serial type='pty'/>{devices}</devices>");
    }

    private protected async Task DefineAsync(string name, string content)
    {
        string document = Path.Combine(Folder, $"{name}.xml");
        await File.WriteAllTextAsync(document, $"<domain type='qemu'><name>{name}</name>{content}</domain>");
        await VirshAsync("define", document);
    }

    private protected async Task<string> VirshAsync(params string[] arguments)
    {
        (int status, string output, string error) = await TryAsync("virsh", ["-q", "-c", Uri, .. arguments]);
        (status, error).ShouldBe((0, ""), $"virsh {string.Join(' ', arguments)}");
        return output.Trim();
    }

    private protected async Task<string> FailAsync(params string[] arguments)
    {
        (int status, _, string error) = await TryAsync("virsh", ["-q", "-c", Uri, .. arguments]);
        status.ShouldNotBe(0);
        return error;
    }

    private protected static async Task<(int Status, string Output, string Error)> TryAsync(string program, string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync().WaitAsync(s_patience);
        await process.WaitForExitAsync();
        return (process.ExitCode, output, await error);
    }

    private protected async Task EventuallyAsync(string name, string state)
    {
        string last = "";
        for (int i = 0; i < 200 && (last = await VirshAsync("domstate", "--reason", name)) != state; i++) await Task.Delay(50);
        last.ShouldBe(state);
    }

    /// <summary>A domain's console, as <c>virsh console</c> has it. virsh wants a terminal: script(1) is one.</summary>
    private protected Process Console(string name) => Process.Start(new ProcessStartInfo("script", ["-qfec", $"virsh -q -c '{Uri}' console {name}", "/dev/null"])
    {
        RedirectStandardInput = true, RedirectStandardOutput = true, RedirectStandardError = true,
    })!;

    /// <summary>A second client that is told of everything that happens, from when this ends on.</summary>
    private protected async Task<Listener> ListenAsync()
    {
        var listener = new Listener(Process.Start(new ProcessStartInfo("virsh", ["-q", "-c", Uri, "event", "--loop", "--all"]) { RedirectStandardOutput = true })!);
        // The first event that it hears proves that it listens.
        for (int i = 0; i < 200 && !listener.Heard.Contains("'probe'", StringComparison.Ordinal); i++)
        {
            await DefineAsync("probe", "<uuid>00000000-0000-4000-8000-000000000001</uuid><memory unit='MiB'>64</memory><os><type>hvm</type></os>");
            await Task.Delay(50);
        }
        listener.Heard.ShouldContain("'probe'");
        return listener;
    }

    /// <summary>A process that waits for events.</summary>
    private protected sealed class Listener : IAsyncDisposable
    {
        private readonly Process _process;
        private readonly System.Text.StringBuilder _heard = new();

        public Listener(Process process)
        {
            _process = process;
            process.OutputDataReceived += (_, line) =>
            {
                lock (_heard) _heard.AppendLine(line.Data);
            };
            process.BeginOutputReadLine();
        }

        /// <summary>What was heard up to now.</summary>
        public string Heard
        {
            get
            {
                lock (_heard) return _heard.ToString();
            }
        }

        /// <summary>Waits until something was heard so often.</summary>
        public async Task HearsAsync(string words, int times = 1)
        {
            for (long end = Environment.TickCount64 + (long)s_patience.TotalMilliseconds; Heard.Split(words).Length <= times; await Task.Delay(20))
                (Environment.TickCount64 < end).ShouldBeTrue($"'{words}' was not heard {times} times: {Heard}");
        }

        public async ValueTask DisposeAsync()
        {
            if (!_process.HasExited) _process.Kill();
            await _process.WaitForExitAsync();
            _process.Dispose();
        }
    }

    private static async Task<string> ErrorOf(Process daemon) => daemon.HasExited ? await daemon.StandardError.ReadToEndAsync() : "";
}
