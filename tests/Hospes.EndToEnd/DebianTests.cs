namespace Hospes.EndToEnd;

/// <summary>Debian's cloud kernel from the host's own archive, booted to its shell and back on the software processor.</summary>
public sealed class DebianTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(8);

    /// <summary>What Linux writes when something is wrong with its machine or with itself.</summary>
    private static readonly string[] Alarms = ["Call Trace:", "WARNING:", "BUG:", "Kernel panic", "Oops", "unchecked MSR access", "soft lockup", "rcu_sched self-detected", "Firmware Bug"];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task TheDemoBootsToAShellAndPowersOff(int vcpus)
    {
        string script = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(script, "echo $((6 * 7)) answered\nnproc\ndmesg -r | grep -c '^<[0-3]>'\n");
            Ran ran = await HospesProcess.RunAsync("", Patience, "demo", "--vcpus", $"{vcpus}", "--script", script);
            ran.Status.ShouldBe(0, ran.Out + ran.Error);
            ran.Out.ShouldContain("Run /init as init process");
            ran.Out.ShouldContain("\n42 answered\r\n");
            ran.Out.ShouldMatch($@"# nproc\r\n{vcpus}\r\n");
            ran.Out.ShouldContain("reboot: Power down");
            foreach (string alarm in Alarms) ran.Out.ShouldNotContain(alarm);
            ran.Out.ShouldMatch(@"boot to a shell\s+\|\s+\d+\.\d{3} s");
            ran.Out.ShouldMatch(@"in all\s+\|\s+\d+\.\d{3} s");
            ran.Out.ShouldNotContain("\e");
        }
        finally
        {
            File.Delete(script);
        }
    }
}
