using System.Diagnostics;
using System.Text;

namespace Hospes.EndToEnd;

/// <summary>Scripts drive a guest of <c>hospes run</c> over QMP: Python looks at it, stops it, lets it run on and grows its disk; socat presses its power button.</summary>
public sealed class QmpTests : IDisposable
{
    private const string Script = """
        import json, socket, sys, time
        peer = socket.socket(socket.AF_UNIX)
        peer.connect(sys.argv[1])
        lines = peer.makefile('rw')
        events = []
        def do(command, **arguments):
            lines.write(json.dumps({'execute': command, 'arguments': arguments, 'id': command}))
            lines.flush()
            while True:
                reply = json.loads(lines.readline())
                if 'event' in reply:
                    events.append(reply['event'])
                elif 'error' in reply:
                    raise SystemExit(command + ': ' + reply['error']['desc'])
                else:
                    assert reply['id'] == command
                    return reply['return']
        assert 'QMP' in json.loads(lines.readline())
        do('qmp_capabilities')
        for command in [at['name'] for at in do('query-commands')]:
            if command.startswith('query-'):
                do(command, **({'target': 'vm'} if command == 'query-stats' else {}))
        do('stop')
        print(do('query-status')['status'])
        print(do('human-monitor-command', **{'command-line': 'info registers'}).count('CR3='))
        mapped = do('human-monitor-command', **{'command-line': 'info mem'}).splitlines()
        print('mapped' if any(line.startswith('ffffffff8') for line in mapped) else mapped[:5])
        time.sleep(1)
        do('cont')
        print(do('query-status')['status'])
        print(do('query-block')[0]['inserted']['image']['virtual-size'])
        print([at['class_info']['class'] for at in do('query-pci')[0]['devices']])
        do('block_resize', device='disk0', size=128 << 20)
        print(events)
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("hospes-qmp-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task PythonAndSocatDriveAGuest()
    {
        string disk = Path.Combine(_folder, "disk.img"), initrd = Path.Combine(_folder, "root.cpio"), socket = Path.Combine(_folder, "qmp");
        await using (FileStream file = File.Create(disk)) file.SetLength(64 << 20);
        (string kernel, string package) = await DebianGuest.ImageAsync();
        await DebianGuest.WriteRootAsync(initrd, package, [.. DebianGuest.VirtioModules, "button", "evdev"], $$"""
            {{DebianGuest.LoadVirtio}}
            insmod /modules/button.ko
            insmod /modules/evdev.ko
            exec 4</dev/input/event0
            echo size $(cat /sys/block/vda/size)
            while [ $(cat /sys/block/vda/size) = 131072 ]; do sleep 0.1; done
            echo grown to $(cat /sys/block/vda/size)
            echo button $(head -c 24 <&4 | wc -c)
            """);
        using Process guest = HospesProcess.Start(
            "run", "--engine", "soft", "--kernel", kernel, "--initrd", initrd, "--append", "console=ttyS0", "--memory", "256M", "--disk", $"{disk},format=raw", "--qmp", socket, "--balloon", "--generation-id", "auto",
            "--timeout", "400");
        Task<string> error = guest.StandardError.ReadToEndAsync();
        var said = new StringBuilder();
        await WaitForAsync("size 131072");
        if (!OperatingSystem.IsWindows()) File.GetUnixFileMode(socket).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
        string[] answers = (await DebianGuest.RunAsync("python3", "-c", Script, socket)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        answers.ShouldBe(["paused", "1", "mapped", "running", "67108864", "[1536, 256, 255]", "['STOP', 'RESUME']"]);
        await WaitForAsync("grown to 262144");
        string told = await DebianGuest.RunAsync(
            "sh", "-c", $$"""printf "{'execute':'qmp_capabilities'}\n{'execute':'system_powerdown'}\n" | socat -t 5 - 'UNIX-CONNECT:{{socket}}'""");
        told.ShouldContain("\"event\":\"POWERDOWN\"");
        await WaitForAsync("button 24");
        said.Append(await guest.StandardOutput.ReadToEndAsync().WaitAsync(DebianGuest.Patience));
        await guest.WaitForExitAsync();
        guest.ExitCode.ShouldBe(0, said + await error);
        said.ToString().ShouldNotContain("soft lockup");
        said.ToString().ShouldNotContain("Call Trace:");
        File.Exists(socket).ShouldBeFalse();

        async Task WaitForAsync(string words)
        {
            while (true)
            {
                string? line = await guest.StandardOutput.ReadLineAsync().WaitAsync(DebianGuest.Patience);
                line.ShouldNotBeNull($"{said} ended before '{words}'");
                said.Append(line).Append('\n');
                if (line.Contains(words, StringComparison.Ordinal)) return;
            }
        }
    }
}
