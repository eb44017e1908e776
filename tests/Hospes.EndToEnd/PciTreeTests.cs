using System.Text.RegularExpressions;

namespace Hospes.EndToEnd;

/// <summary>What Debian's <c>lspci -vv</c> says of the machine, inside a guest that drives its devices.</summary>
public sealed partial class PciTreeTests : IDisposable
{
    private static readonly string[] s_functions = ["0600: 1b36:0008", "0100: 1af4:1042", "0200: 1af4:1041", "00ff: 1af4:1044", "00ff: 1af4:1045", "0604: 1b36:000c", "0604: 1b36:000c"];

    private readonly string _folder = Directory.CreateTempSubdirectory("hospes-pci-").FullName;

    [Fact]
    public async Task LspciShowsACleanTree()
    {
        string initrd = Path.Combine(_folder, "root.cpio"), disk = Path.Combine(_folder, "disk");
        using (FileStream file = File.Create(disk)) file.SetLength(16 << 20);
        (string kernel, string package) = await DebianGuest.ImageAsync();
        await DebianGuest.WriteRootAsync(initrd, package, DebianGuest.VirtioModules, $"{DebianGuest.LoadVirtio}\necho '[lspci'; /usr/bin/lspci -nvv 2>/dev/null; echo 'lspci]'");
        await DebianGuest.RunAsync("sh", "-c", $$"""
            mkdir -p '{{_folder}}/tool/usr/bin' && cd '{{_folder}}/tool' && cp /usr/bin/lspci usr/bin/
            for library in $(ldd /usr/bin/lspci | grep -oE '/[^ ]+'); do mkdir -p ".$(dirname $library)" && cp -L $library ".$library"; done
            find . | cpio --quiet -o -H newc >>'{{initrd}}'
            """);
        Ran ran = await HospesProcess.RunAsync("", DebianGuest.Patience, "run", "--engine", "soft", "--kernel", kernel, "--initrd", initrd, "--append", "console=ttyS0 quiet", "--timeout", "400",
            "--memory", "256M", "--disk", $"{disk},format=raw", "--net", "user", "--rng", "--balloon", "--hotplug", "2");
        ran.Status.ShouldBe(0, ran.Error);
        string said = ran.Out.ReplaceLineEndings("\n");
        said = said[(said.IndexOf("[lspci\n", StringComparison.Ordinal) + 7)..said.IndexOf("lspci]", StringComparison.Ordinal)];

        FunctionLine().Matches(said).Select(static match => match.Groups[1].Value).ShouldBe(s_functions, said);
        // What lspci says where it cannot make sense of registers, where memory was given to nobody, or where something went wrong on the bus.
        foreach (string fault in (ReadOnlySpan<string>)["!!!", "<ignored>", "<unassigned>", "[virtual]", "<access denied>", ">TAbort+", "<TAbort+", "<MAbort+", ">SERR+", "<PERR+", "ParErr+", "FatalErr+", "UnsupReq+", "AuxPwr+", "Unknown header"])
            said.ShouldNotContain(fault);
        Regex.Count(said, "Kernel driver in use: virtio-pci").ShouldBe(4, said);
        Regex.Count(said, "Kernel driver in use: pcieport").ShouldBe(2, said);
        Regex.Count(said, @"Region 0: Memory at [0-9a-f]{8,} \(64-bit, prefetchable\) \[size=32K\]").ShouldBe(4, said);
        // Disk and network card have a driver that asks for messages.
        Regex.Count(said, "MSI-X: Enable\\+").ShouldBeGreaterThanOrEqualTo(2, said);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [GeneratedRegex("^[0-9a-f]{2}:[0-9a-f]{2}\\.[0-9a-f] ([0-9a-f]{4}: [0-9a-f]{4}:[0-9a-f]{4})", RegexOptions.Multiline)]
    private static partial Regex FunctionLine();
}
