using System.Diagnostics;
using System.Text;

namespace Hospes.EndToEnd;

/// <summary>A guest of Debian's kernel whose console does what is typed, one line after the other, while the test drives it from outside too.</summary>
internal sealed class TypedGuest : IAsyncDisposable
{
    private const string Ready = "[ready]", Done = "[done ";

    private readonly Process _process;
    private readonly Task<string> _error;
    private readonly StringBuilder _said = new();

    private TypedGuest(Process process)
    {
        _process = process;
        _error = process.StandardError.ReadToEndAsync();
    }

    /// <summary>The process of the domain.</summary>
    public Process Process => _process;

    /// <summary>Everything that the console said up to now.</summary>
    public string Said => _said.ToString();

    /// <summary>Boots it with <c>hospes run</c> and waits until it listens.</summary>
    /// <param name="folder">Where its root goes.</param>
    /// <param name="modules">Modules beside those of virtio, in the order in which they are loaded.</param>
    /// <param name="options">Options of <c>hospes run</c> beside kernel, initrd and command line.</param>
    public static async Task<TypedGuest> BootAsync(string folder, string[] modules, params string[] options)
    {
        TypedGuest guest = await StartAsync(folder, modules, (kernel, initrd) =>
            ["run", "--engine", "soft", "--kernel", kernel, "--initrd", initrd, "--append", "console=ttyS0", "--timeout", "400", .. options]);
        await guest.WaitForAsync(Ready);
        return guest;
    }

    /// <summary>Starts it; <see cref="WaitUntilReadyAsync"/> follows.</summary>
    /// <param name="folder">Where its root goes.</param>
    /// <param name="modules">Modules beside those of virtio, in the order in which they are loaded.</param>
    /// <param name="arguments">Makes the arguments of <c>hospes</c> from the paths of kernel and initrd.</param>
    /// <param name="image">Another kernel, and its package; null for the usual one.</param>
    public static async Task<TypedGuest> StartAsync(string folder, string[] modules, Func<string, string, string[]> arguments, (string Kernel, string Package)? image = null)
    {
        (string kernel, string initrd) = await WriteAsync(folder, modules, image);
        return new TypedGuest(HospesProcess.Start(arguments(kernel, initrd)));
    }

    /// <summary>The guest at the other end of a process that is its console; <see cref="WaitUntilReadyAsync"/> follows.</summary>
    public static TypedGuest Behind(Process console) => new(console);

    /// <summary>Writes what it boots.</summary>
    /// <param name="folder">Where its root goes.</param>
    /// <param name="modules">Modules beside those of virtio, in the order in which they are loaded.</param>
    /// <param name="image">Another kernel, and its package; null for the usual one.</param>
    public static async Task<(string Kernel, string Initrd)> WriteAsync(string folder, string[] modules, (string Kernel, string Package)? image = null)
    {
        string initrd = Path.Combine(folder, "root.cpio");
        (string kernel, string package) = image ?? await DebianGuest.ImageAsync();
        await DebianGuest.WriteRootAsync(initrd, package, [.. DebianGuest.VirtioModules, .. modules], $$"""
            {{DebianGuest.LoadVirtio}}
            for module in {{string.Join(' ', modules)}}; do insmod /modules/$module.ko; done
            stty -echo </dev/console
            dmesg -n 1
            echo '{{Ready}}'
            while read -r line; do eval "$line"; echo "{{Done}}$?]"; done </dev/console
            """);
        return (kernel, initrd);
    }

    /// <summary>Waits until the guest listens.</summary>
    public Task WaitUntilReadyAsync() => WaitForAsync(Ready);

    /// <summary>Types a line of a shell and waits until it is done.</summary>
    /// <returns>What it said, without the ends of lines at its ends.</returns>
    public async Task<string> DoAsync(string line)
    {
        await TypeAsync(line);
        int start = _said.Length;
        await WaitForAsync(Done);
        string said = _said.ToString(start, _said.Length - start);
        return said[..said.IndexOf(Done, StringComparison.Ordinal)].ReplaceLineEndings("\n").Trim('\n');
    }

    /// <summary>Types a line of a shell.</summary>
    public async Task TypeAsync(string line)
    {
        await _process.StandardInput.WriteLineAsync(line);
        await _process.StandardInput.FlushAsync();
    }

    /// <summary>Types a line again and again until it says something.</summary>
    /// <param name="line">The line.</param>
    /// <param name="words">What is waited for.</param>
    public async Task UntilAsync(string line, string words)
    {
        long end = Environment.TickCount64 + (long)DebianGuest.Patience.TotalMilliseconds;
        string said;
        while (!(said = await DoAsync(line)).Contains(words, StringComparison.Ordinal))
        {
            (Environment.TickCount64 < end).ShouldBeTrue($"'{line}' still says '{said}' and not '{words}': {Said}");
            await Task.Delay(200);
        }
    }

    /// <summary>Reads the console until it says something.</summary>
    public async Task WaitForAsync(string words)
    {
        while (true)
        {
            string? line = await _process.StandardOutput.ReadLineAsync().WaitAsync(DebianGuest.Patience);
            line.ShouldNotBeNull($"{_said}{(_process.HasExited ? await _error : "")} ended before '{words}'");
            _said.Append(line).Append('\n');
            if (line.Contains(words, StringComparison.Ordinal)) return;
        }
    }

    /// <summary>Bytes that the host holds for the process: guest RAM is shared or anonymous memory (proc(5), RssShmem and RssAnon).</summary>
    public async Task<long> ResidentAsync()
    {
        string children = await File.ReadAllTextAsync($"/proc/{_process.Id}/status");
        return children.Split('\n').Where(static line => line.StartsWith("RssShmem:", StringComparison.Ordinal) || line.StartsWith("RssAnon:", StringComparison.Ordinal))
            .Sum(static line => long.Parse(line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)[1], System.Globalization.CultureInfo.InvariantCulture) << 10);
    }

    /// <summary>Powers it off, and checks that its kernel met nothing bad.</summary>
    public async Task PowerOffAsync()
    {
        // The kernel's own words do not go to the console, where they would mix with answers.
        (await DoAsync("dmesg | grep -E 'Call Trace:|soft lockup'")).ShouldBe("");
        await _process.StandardInput.WriteLineAsync("poweroff -f");
        await _process.StandardInput.FlushAsync();
        _said.Append(await _process.StandardOutput.ReadToEndAsync().WaitAsync(DebianGuest.Patience));
        await _process.WaitForExitAsync().WaitAsync(DebianGuest.Patience);
        _process.ExitCode.ShouldBe(0, Said + await _error);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill();
        await _process.WaitForExitAsync();
        _process.Dispose();
    }
}
