using System.Diagnostics;
using System.Text.Json;
using Hospes.Hypervisor;

namespace Hospes.Vmm.Tests.Qmp;

/// <summary>Dumps of guests' memory, as Debian's programs for core files read them.</summary>
public sealed class DumpTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"hospes-{Guid.NewGuid():N}.core");

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void ADumpHasMemoryAndRegisters()
    {
        using var domain = new Monitored(RunningDomain.Options());
        domain.Do("query-dump").GetProperty("status").GetString().ShouldBe("none");
        domain.Do("query-dump-guest-memory-capability").GetProperty("formats").EnumerateArray().Select(static at => at.GetString()).ShouldBe(["elf"]);
        GuestMemory memory = domain.Domain.Control.Look(static life => life.Memory)!;
        memory.TryWrite(0x5000, "the quick brown fox"u8).ShouldBeTrue();
        domain.Do("dump-guest-memory", $$"""{"paging":false,"protocol":"file:{{_path}}"}""");
        JsonElement told = domain.Do("query-dump");
        (told.GetProperty("status").GetString(), told.GetProperty("completed").GetUInt64(), told.GetProperty("total").GetUInt64()).ShouldBe(("completed", memory.TotalSize, memory.TotalSize));

        string read = Run("readelf", "-W", "-h", "-l", "-n", _path);
        foreach (string part in (string[])["CORE (Core file)", "X86-64", "NT_PRSTATUS", "QEMU"]) read.ShouldContain(part);
        string[] load = read.Split('\n').First(static line => line.TrimStart().StartsWith("LOAD", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        load[3].ShouldBe("0x0000000000000000");
        using (FileStream file = File.OpenRead(_path))
        {
            file.Seek(Convert.ToInt64(load[1], 16) + 0x5000, SeekOrigin.Begin);
            byte[] found = new byte[19];
            file.ReadExactly(found);
            found.ShouldBe("the quick brown fox"u8.ToArray());
        }
        long.Parse(Run("stat", "-c", "%b", _path)).ShouldBeLessThan(new FileInfo(_path).Length / 512 / 2, "pages of zeros are holes");
        Run("gdb", "-nx", "-batch", "-c", _path, "-ex", "info registers rip").ShouldContain("rip ");
    }

    [Fact]
    public async Task APartGoesIntoAPipeWhileNobodyWaits()
    {
        using var domain = new Monitored(RunningDomain.Options());
        domain.Domain.Control.Look(static life => life.Memory)!.TryWrite(0x7000, "part"u8).ShouldBeTrue();
        Run("mkfifo", _path);
        Task<byte[]> reading = Task.Run(() => ReadAll(_path));
        domain.Do("dump-guest-memory", $$"""{"paging":false,"protocol":"file:{{_path}}","detach":true,"begin":28672,"length":8192,"format":"elf"}""");
        byte[] dump = await reading.WaitAsync(TimeSpan.FromSeconds(60));
        dump[^8192..^8188].ShouldBe("part"u8.ToArray());
        for (int i = 0; i < 600 && domain.Do("query-dump").GetProperty("status").GetString() == "active"; i++) await Task.Delay(50);
        domain.Do("query-dump").GetProperty("status").GetString().ShouldBe("completed");
    }

    [Theory]
    [InlineData("\"protocol\":\"file:/nowhere/at/all\"", "Could not open '/nowhere/at/all'")]
    [InlineData("\"protocol\":\"fd:3\"", "descriptors cannot be passed")]
    [InlineData("\"protocol\":\"ftp:x\"", "Invalid parameter 'protocol'")]
    [InlineData("\"protocol\":\"file:/x\",\"format\":\"kdump-zlib\"", "this format is not supported")]
    [InlineData("\"protocol\":\"file:/x\",\"begin\":1", "Parameter 'length' is missing")]
    [InlineData("\"protocol\":\"file:/x\",\"length\":1", "Parameter 'begin' is missing")]
    [InlineData("\"protocol\":\"file:/x\",\"begin\":0,\"length\":0", "Invalid parameter 'length'")]
    [InlineData("\"protocol\":\"file:/dev/null\",\"begin\":4000000000000,\"length\":1", "Invalid parameter 'begin'")]
    [InlineData("\"protocol\":\"file:/dev/full\"", "failed to save memory")]
    public void WhatCannotBeDumpedIsRefused(string wish, string words)
    {
        using var domain = new Monitored(RunningDomain.Options());
        domain.Refuse("dump-guest-memory", $$"""{"paging":false,{{wish}}}""").ShouldContain(words);
        domain.Refuse("dump-guest-memory", """{"paging":true,"protocol":"file:/x"}""").ShouldContain("physical ones");
        domain.Do("query-dump").GetProperty("status").GetString().ShouldBeOneOf("none", "failed");
    }

    private static byte[] ReadAll(string path)
    {
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        using var all = new MemoryStream();
        file.CopyTo(all);
        return all.ToArray();
    }

    private static string Run(string program, params string[] arguments)
    {
        using Process process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        process.ExitCode.ShouldBe(0, error.Result);
        return output;
    }
}
