using System.Diagnostics;

namespace Hospes.EndToEnd;

/// <summary><c>hospes run</c> on the software processor: how each end of a guest shows in the status of the process.</summary>
public sealed class RunTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);

    private readonly string _kernel = Path.GetTempFileName();

    public void Dispose() => File.Delete(_kernel);

    [Fact]
    public async Task APowerOffIsZero() => (await RunAsync(TestKernels.PowerOff)).ShouldBe(new Ran(0, "", ""));

    [Fact]
    public async Task WhatTheGuestUsedAndDidIsToldWhenThatIsWanted()
    {
        Ran ran = await RunAsync(TestKernels.PowerOff, "--stats", "--rng");
        ran.Status.ShouldBe(0);
        ran.Error.ShouldMatch(@"^hospes: vCPU 0: \d+\.\d{3} s, exits [1-9]\d* \(.*port [1-9]\d*.*\)\nhospes: Entropy: operations 0, bytes from the guest 0, to the guest 0, in hand 0\nhospes: memory: \d+ MiB given, [1-9]\d* MiB held by the host for the process\n$");
    }

    [Fact]
    public async Task AResetIsThreeWithoutReboot() =>
        (await RunAsync(TestKernels.Reset, "--no-reboot")).ShouldBe(new Ran(3, "", "hospes: the guest asked for a reset and --no-reboot was given\n"));

    [Fact]
    public async Task ATripleFaultIsFour() =>
        (await RunAsync(TestKernels.TripleFault)).ShouldBe(new Ran(4, "", "hospes: a processor of the guest shut down after a triple fault\n"));

    [Fact]
    public async Task APanicNoticeIsFour() =>
        (await RunAsync(TestKernels.Panic)).ShouldBe(new Ran(4, "", "hospes: the guest's kernel panicked; its last words are above\n"));

    [Fact]
    public async Task ASpinningGuestIsFiveWhenItsTimeIsOver() =>
        (await RunAsync(TestKernels.Spin, "--timeout", "0.5")).ShouldBe(new Ran(5, "", "hospes: the guest was still running after 0.5 seconds and was stopped\n"));

    [Fact]
    public async Task AHaltedGuestIsFiveWhenItsTimeIsOver() => (await RunAsync(TestKernels.Halt, "--timeout", "0.5")).Status.ShouldBe(5);

    [Fact]
    public async Task AGuestThatResetsForEverIsFiveWhenItsTimeIsOver() => (await RunAsync(TestKernels.Reset, "--timeout", "1")).Status.ShouldBe(5);

    [Fact]
    public async Task TheDebugExitPortGivesTheGuestsNumber() => (await RunAsync(TestKernels.DebugExit, "--debug-exit", "0xf4")).Status.ShouldBe((0x21 << 1) | 1);

    [Fact]
    public async Task WithoutTheOptionThereIsNoDebugExitPort() => (await RunAsync(TestKernels.DebugExit, "--timeout", "0.5")).Status.ShouldBe(5);

    [Fact]
    public async Task AProfileIsWrittenWhenTheGuestHasEnded()
    {
        string file = _kernel + ",profile";
        (await RunAsync(TestKernels.PowerOff, "--profile", file)).ShouldBe(new Ran(0, "", ""));
        (await File.ReadAllTextAsync(file)).ShouldStartWith("processor 0: ");
        File.Delete(file);
    }

    [Fact]
    public async Task AProfileThatCannotBeWrittenIsRefused()
    {
        Ran ran = await RunAsync(TestKernels.PowerOff, "--profile", "/none/such/file");
        ran.Status.ShouldBe(2);
        ran.Error.ShouldStartWith("hospes: --profile '/none/such/file': ");
    }

    [Fact]
    public async Task StandardInputIsTypedIntoTheGuest()
    {
        await File.WriteAllBytesAsync(_kernel, TestKernels.Echo);
        Ran ran = await HospesProcess.RunAsync("hello, guest\nq", Patience, "run", "--engine", "soft", "--kernel", _kernel);
        ran.ShouldBe(new Ran(0, "hello, guest\nq", ""));
    }

    [Theory]
    [InlineData("INT", 130)]
    [InlineData("TERM", 143)]
    [InlineData("HUP", 143)]
    public async Task ASignalStopsTheGuestInOrder(string signal, int status)
    {
        // The guest says that it runs before the signal is sent.
        await File.WriteAllBytesAsync(_kernel, TestKernels.Echo);
        using Process process = HospesProcess.Start("run", "--engine", "soft", "--kernel", _kernel);
        await process.StandardInput.WriteAsync("x");
        await process.StandardInput.FlushAsync();
        process.StandardOutput.Read().ShouldBe('x');
        using Process kill = Process.Start("kill", [$"-{signal}", process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)]);
        await process.WaitForExitAsync(new CancellationTokenSource(Patience).Token);
        process.ExitCode.ShouldBe(status);
        (await process.StandardError.ReadToEndAsync()).ShouldBe("hospes: the guest was stopped\n");
    }

    [Fact]
    public async Task AFileThatOutputGoesToKeepsItsOrder()
    {
        await File.WriteAllBytesAsync(_kernel, TestKernels.Echo);
        string output = Path.GetTempFileName();
        string hospes = $"dotnet {Path.Combine(AppContext.BaseDirectory, "hospes.dll")}";
        using Process shell = Process.Start("sh", ["-c", $"{{ echo before; echo guestq | {hospes} run --engine soft --kernel {_kernel}; {hospes} --version; echo after; }} >{output} 2>&1"]);
        await shell.WaitForExitAsync(new CancellationTokenSource(Patience).Token);
        string text = await File.ReadAllTextAsync(output);
        File.Delete(output);
        text.ShouldMatch(@"\Abefore\nguestqhospes \d+\.\d+\.\d+\nafter\n\z");
    }

    [Fact]
    public async Task ClosedStreamsAreNoFault()
    {
        await File.WriteAllBytesAsync(_kernel, TestKernels.PowerOff);
        using Process shell = Process.Start("sh", ["-c", $"exec dotnet {Path.Combine(AppContext.BaseDirectory, "hospes.dll")} run --engine soft --kernel {_kernel} <&- >&- 2>&-"]);
        await shell.WaitForExitAsync(new CancellationTokenSource(Patience).Token);
        shell.ExitCode.ShouldBe(0);
    }

    [Fact]
    public async Task TheLargestNumberOfProcessorsStarts() => (await RunAsync(TestKernels.PowerOff, "--vcpus", "255", "--memory", "64M")).Status.ShouldBe(0);

    private async Task<Ran> RunAsync(byte[] kernel, params string[] options)
    {
        await File.WriteAllBytesAsync(_kernel, kernel);
        return await HospesProcess.RunAsync("", Patience, ["run", "--engine", "soft", "--kernel", _kernel, .. options]);
    }
}
