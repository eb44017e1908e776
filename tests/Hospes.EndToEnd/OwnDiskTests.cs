using System.Diagnostics;

namespace Hospes.EndToEnd;

/// <summary>A Debian disk where mmdebstrap is not installed: Hospes fetches the packages, and dpkg installs them in a guest.</summary>
public sealed class OwnDiskTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(60);

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("hospes-own-disk-");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task PackagesAreInstalledInAGuestAndTheirDiskBootsToItsPrompt()
    {
        string programs = _folder.CreateSubdirectory("programs").FullName, disk = Path.Combine(_folder.FullName, "own.qcow2");
        // All that this needs, so that what is not here is hidden.
        foreach (string program in (string[])["/usr/bin/env", "/usr/bin/gpgv", "/usr/sbin/mke2fs", "/usr/sbin/debugfs", Environment.ProcessPath!]) File.CreateSymbolicLink(Path.Combine(programs, Path.GetFileName(program)), program);
        string dotnet = Path.Combine(programs, "dotnet");
        if (!File.Exists(dotnet)) File.CreateSymbolicLink(dotnet, (await DebianGuest.RunAsync("sh", "-c", "readlink -f \"$(command -v dotnet)\"")).Trim());
        using Process pull = HospesProcess.StartUnder(
            ["env", $"PATH={programs}", $"XDG_CACHE_HOME={Path.Combine(_folder.FullName, "cache")}"], ["image", "pull", "debian:12", "--rootfs", "--output", disk]);
        using var end = new CancellationTokenSource(Patience);
        try
        {
            Task<string> output = pull.StandardOutput.ReadToEndAsync(end.Token);
            string error = await pull.StandardError.ReadToEndAsync(end.Token);
            await pull.WaitForExitAsync(end.Token);
            pull.ExitCode.ShouldBe(0, error);
            (await output).ShouldStartWith("debian:12 (kernel 6.1.");
            error.ShouldContain("configure them");
        }
        finally
        {
            if (!pull.HasExited) pull.Kill(entireProcessTree: true);
        }

        using Process guest = HospesProcess.Start("run", "--engine", "soft", "--disk", disk, "--memory", "1G", "--vcpus", "2", "--timeout", "1200", "--rng", "--net", "none");
        try
        {
            var console = new ConsoleText(guest.StandardOutput);
            await console.UntilAsync("debian login: ", end.Token);
            await guest.StandardInput.WriteAsync("root\n");
            await guest.StandardInput.FlushAsync(end.Token);
            await console.UntilAsync("root@debian:~# ", end.Token);
            // What dpkg says of itself: nothing is left half done, and apt could go on from here.
            await guest.StandardInput.WriteAsync("dpkg --audit; echo $((6 * 7)) odd $(dpkg -l | grep -c -v -e ^ii -e ^[^a-z]) failed $(systemctl --failed --no-legend | wc -l); poweroff\n");
            await guest.StandardInput.FlushAsync(end.Token);
            await console.UntilAsync("42 odd 0 failed 0", end.Token);
            await guest.WaitForExitAsync(end.Token);
            guest.ExitCode.ShouldBe(0, console + await guest.StandardError.ReadToEndAsync(end.Token));
        }
        finally
        {
            if (!guest.HasExited) guest.Kill(entireProcessTree: true);
        }
    }
}
