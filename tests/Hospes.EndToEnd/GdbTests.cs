using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Hospes.EndToEnd;

/// <summary>Debian's gdb attaches to a kernel that boots, and to one that runs on two processors.</summary>
public sealed class GdbTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hospes-gdb-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task ItStopsStepsLooksAndChanges()
    {
        // The first boot tells where things are; the second one is debugged from its first instruction on.
        Dictionary<string, string> symbols = await SymbolsAsync();
        int port = FreePort();
        await using TypedGuest guest = await TypedGuest.StartAsync(_folder, [], (kernel, initrd) =>
            ["run", "--engine", "soft", "--kernel", kernel, "--initrd", initrd, "--append", "console=ttyS0 nokaslr", "--memory", "256M", "--vcpus", "2",
                "--paused", "--gdb", $"tcp::{port}", "--timeout", "400"]);
        string said = await DebugAsync(port,
            "p/x $cr0", "stepi", "stepi", "p $pc != 0", "info threads",
            // Before paging is on, and long after.
            $"hbreak *0x{symbols["start_kernel"]}", "continue", "p/x $pc", "p/x $cr0 & 0x80000000", "p/x $efer & 0x400", "x/1i $pc", "stepi", "p/x $pc", "delete",
            $"break *0x{symbols["kernel_init"]}", "continue", "p/x $pc", "delete",
            // A variable that changes: it is seen when it does.
            $"watch *(unsigned long *)0x{symbols["jiffies"]}", "continue", "continue", "delete",
            // The same memory by its physical address.
            $"p/x *(unsigned char *)0x{symbols["linux_banner"]}", "maint packet Qqemu.PhyMemMode:1", $"p/x *(unsigned char *){Physical(symbols["linux_banner"])}", "maint packet Qqemu.PhyMemMode:0",
            $"set *(unsigned char *)0x{symbols["linux_banner"]} = 'l'", $"x/s 0x{symbols["linux_banner"]}", $"set *(unsigned char *)0x{symbols["linux_banner"]} = 'L'",
            "set $rax = 0x1122334455667788", "p/x $rax", "info registers xmm1 fs_base gs_base cr3", "detach");
        said.ShouldContain("CPU#1", customMessage: said);
        said.ShouldContain($"= 0x{symbols["start_kernel"].TrimStart('0')}", Case.Insensitive, said);
        said.ShouldContain("= 0x80000000", customMessage: said);
        said.ShouldContain("= 0x400", customMessage: said);
        said.ShouldContain($"= 0x{symbols["kernel_init"].TrimStart('0')}", Case.Insensitive, said);
        said.ShouldContain("Old value = ", customMessage: said);
        said.Split("= 0x4c").Length.ShouldBe(3, said);
        said.ShouldContain("\"linux version ", Case.Sensitive, said);
        said.ShouldContain("= 0x1122334455667788", customMessage: said);
        said.ShouldContain("v4_float", customMessage: said);

        // It boots on as if nothing had been.
        await guest.WaitUntilReadyAsync();
        (await guest.DoAsync("nproc")).ShouldBe("2");

        // Attached again, to a kernel that runs: a call is caught, with who called; an interrupt stops it anywhere.
        Task<string> caught = DebugAsync(port, $"break *0x{symbols["__x64_sys_newuname"]}", "continue", "p/x $pc", "thread", "delete", "detach");
        while (!caught.IsCompleted)
        {
            await guest.DoAsync("uname -a >/dev/null");
            await Task.Delay(200);
        }
        (await caught).ShouldContain($"= 0x{symbols["__x64_sys_newuname"].TrimStart('0')}", Case.Insensitive);
        (await guest.DoAsync("uname -s")).ShouldBe("Linux");
        await guest.PowerOffAsync();
    }

    private static string Physical(string address) =>
        string.Create(CultureInfo.InvariantCulture, $"0x{ulong.Parse(address, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture) - 0xffffffff80000000:x}");

    private async Task<Dictionary<string, string>> SymbolsAsync()
    {
        string folder = Path.Combine(_folder, "first");
        Directory.CreateDirectory(folder);
        await using TypedGuest guest = await TypedGuest.StartAsync(folder, [], (kernel, initrd) =>
            ["run", "--engine", "soft", "--kernel", kernel, "--initrd", initrd, "--append", "console=ttyS0 nokaslr", "--memory", "256M", "--timeout", "400"]);
        await guest.WaitUntilReadyAsync();
        string listed = await guest.DoAsync("grep -E ' (start_kernel|kernel_init|jiffies|linux_banner|__x64_sys_newuname)$' /proc/kallsyms");
        await guest.PowerOffAsync();
        Dictionary<string, string> symbols = listed.Split('\n').Select(static line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Where(static words => words.Length == 3)
            .DistinctBy(static words => words[2]).ToDictionary(static words => words[2], static words => words[0]);
        if (!symbols.ContainsKey("__x64_sys_newuname")) throw new InvalidOperationException(listed);
        return symbols;
    }

    private static async Task<string> DebugAsync(int port, params string[] commands)
    {
        var start = new ProcessStartInfo("gdb") { RedirectStandardOutput = true, RedirectStandardError = true };
        string[] all = ["set confirm off", "set pagination off", "set architecture i386:x86-64", "set remotetimeout 100", "set tcp auto-retry on", "set tcp connect-timeout 60", $"target remote 127.0.0.1:{port}", .. commands];
        foreach (string argument in (string[])["-nx", "-batch", .. all.SelectMany(static command => (string[])["-ex", command])]) start.ArgumentList.Add(argument);
        using Process gdb = Process.Start(start)!;
        Task<string> error = gdb.StandardError.ReadToEndAsync();
        string output = await gdb.StandardOutput.ReadToEndAsync().WaitAsync(DebianGuest.Patience);
        await gdb.WaitForExitAsync();
        return output + await error;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
