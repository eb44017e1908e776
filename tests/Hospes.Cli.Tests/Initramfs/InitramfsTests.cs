using System.Text;
using Hospes.Cli.Initramfs;

namespace Hospes.Cli.Tests.Initramfs;

public sealed class InitramfsTests
{
    [Fact]
    public async Task TheAppletsAreThoseThatBusyboxLists()
    {
        Ran ran = await HospesProgram.HostAsync("busybox", ["--list"]);
        string[] listed = ran.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        listed.Length.ShouldBeGreaterThan(100);
        string program = (await HospesProgram.HostAsync("sh", ["-c", "readlink -f \"$(command -v busybox)\""])).Out.Trim();
        BusyboxApplets.Find(File.ReadAllBytes(program)).ShouldBe(listed, ignoreOrder: true);
    }

    [Fact]
    public void AProgramWithoutAListHasTheCommonApplets() => BusyboxApplets.Find("\0[\0[[\0short\0"u8).ShouldContain("poweroff");

    [Fact]
    public void AListThatNeverEndsIsHarmless()
    {
        byte[] endless = new byte[4096];
        Array.Fill(endless, (byte)'a');
        "\0[\0[[\0"u8.CopyTo(endless);
        BusyboxApplets.Find(endless).ShouldContain("sh");
    }

    [Fact]
    public async Task TheRootHasWhatAKernelNeeds()
    {
        using var output = new MemoryStream();
        InitramfsBuilder.Write(output, "box"u8, InitScript.Shell);
        string names = (await HospesProgram.HostAsync("cpio", ["--list", "--quiet"], input: output.ToArray())).Out;
        foreach (string name in (string[])["init", "bin/busybox", "bin/sh", "bin/poweroff", "dev/console", "dev/ttyS0", "proc", "sys"]) names.ShouldContain(name + "\n");
    }

    [Fact]
    public void TheSameInputMakesTheSameBytes()
    {
        using var first = new MemoryStream();
        using var second = new MemoryStream();
        InitramfsBuilder.Write(first, "box"u8, InitScript.Run("true"));
        InitramfsBuilder.Write(second, "box"u8, InitScript.Run("true"));
        first.ToArray().ShouldBe(second.ToArray());
    }

    [Fact]
    public async Task TheScriptsAreShell()
    {
        foreach (string script in (string[])[InitScript.Shell, InitScript.Run("uname -a")])
        {
            script.ShouldStartWith("#!/bin/sh\n");
            (await HospesProgram.HostAsync("sh", ["-n"], input: Encoding.UTF8.GetBytes(script))).ShouldBe(new Ran(0, "", ""));
        }
    }
}
