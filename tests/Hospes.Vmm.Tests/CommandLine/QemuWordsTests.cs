using System.Diagnostics;

namespace Hospes.Vmm.Tests.CommandLine;

/// <summary>Mistakes are told in the words of QEMU itself, which is asked with the same arguments.</summary>
public sealed class QemuWordsTests
{
    [Theory]
    [InlineData("-foo")]
    [InlineData("-m")]
    [InlineData("-device")]
    [InlineData("-machine foo")]
    [InlineData("-m 5x")]
    [InlineData("-smp 4,maxcpus=2")]
    [InlineData("-smp 4,sockets=3")]
    [InlineData("-smp 4,foo=1")]
    [InlineData("-device foo")]
    [InlineData("-device virtio-net-pci,x=1")]
    [InlineData("-device virtio-net-pci,mq=maybe")]
    [InlineData("-device virtio-net-pci,id=1x")]
    [InlineData("-device virtio-blk-pci")]
    [InlineData("-device virtio-rng-pci,rng=zz")]
    [InlineData("-device virtconsole")]
    [InlineData("-device virtserialport,chardev=zz")]
    [InlineData("-netdev user")]
    [InlineData("-netdev user,id=a,foo=1")]
    [InlineData("-netdev user,id=1x")]
    [InlineData("-netdev id=a")]
    [InlineData("-netdev stream,id=x")]
    [InlineData("-chardev foo,id=a")]
    [InlineData("-chardev null")]
    [InlineData("-chardev null,id=a -chardev null,id=a")]
    [InlineData("-chardev socket,id=a,path=x,foo=1")]
    [InlineData("-chardev socket,id=a,path=x,server=maybe")]
    [InlineData("-chardev file,id=a")]
    [InlineData("-chardev ringbuf,id=a,size=3")]
    [InlineData("-mon chardev=zz")]
    [InlineData("-mon mode=control")]
    [InlineData("-chardev null,id=a -mon chardev=a,mode=foo")]
    [InlineData("-chardev null,id=a -mon chardev=a -mon chardev=a")]
    [InlineData("-drive foo=1")]
    [InlineData("-drive if=foo,file=x")]
    [InlineData("-blockdev foo")]
    [InlineData("-blockdev driver=foo,node-name=a")]
    [InlineData("-blockdev driver=raw,node-name=a")]
    [InlineData("-blockdev driver=raw,node-name=a,file=zz")]
    [InlineData("-object rng-random")]
    [InlineData("-object foo,id=a")]
    [InlineData("-object memory-backend-ram,id=a")]
    [InlineData("-object memory-backend-ram,id=a,size=0")]
    [InlineData("-object memory-backend-ram,id=a,size=64M -object memory-backend-ram,id=a,size=64M")]
    [InlineData("-m 4G,slots=2")]
    [InlineData("-m 4G,maxmem=2G")]
    [InlineData("-m 4G,slots=2,maxmem=4G")]
    [InlineData("-machine memory-backend=zz")]
    [InlineData("-object memory-backend-ram,id=a,size=64M -device virtio-mem-pci,memdev=a")]
    [InlineData("-m 128M,maxmem=1G -device virtio-mem-pci")]
    [InlineData("-m 128M,maxmem=1G -device virtio-mem-pci,memdev=zz")]
    [InlineData("-m 128M,maxmem=1G -object rng-builtin,id=a -device virtio-mem-pci,memdev=a")]
    [InlineData("-m 128M,maxmem=256M -object memory-backend-ram,id=a,size=512M -device virtio-mem-pci,memdev=a")]
    [InlineData("-m 128M,maxmem=1G -object memory-backend-ram,id=a,size=64M -device virtio-mem-pci,memdev=a,block-size=4096")]
    [InlineData("-m 128M,maxmem=1G -object memory-backend-ram,id=a,size=64M -device virtio-mem-pci,memdev=a,block-size=3M")]
    [InlineData("-m 128M,maxmem=1G -object memory-backend-ram,id=a,size=65M -device virtio-mem-pci,memdev=a")]
    [InlineData("-m 128M,maxmem=1G -object memory-backend-ram,id=a,size=64M -device virtio-mem-pci,memdev=a,requested-size=1M")]
    [InlineData("-m 128M,maxmem=1G -object memory-backend-ram,id=a,size=64M -device virtio-mem-pci,memdev=a -device virtio-mem-pci,memdev=a")]
    [InlineData("-uuid xx")]
    [InlineData("-name a,foo=1")]
    [InlineData("-action foo=bar")]
    [InlineData("-action shutdown=bar")]
    [InlineData("-msg foo=1")]
    [InlineData("-display foo")]
    public async Task TheyAreTheSame(string line)
    {
        string theirs = await AskAsync(Parsing.Split(line)), ours = Parsing.Bad(Parsing.Split(line));
        // QEMU has no option in front of what it finds late.
        ours.EndsWith(theirs, StringComparison.Ordinal).ShouldBeTrue($"theirs: {theirs}\nours: {ours}");
    }

    /// <summary>The first message of QEMU's for these arguments, with all its lines, without the program's name.</summary>
    private static async Task<string> AskAsync(string[] arguments)
    {
        const string Program = "qemu-system-x86_64";
        var start = new ProcessStartInfo(Program, ["-nodefaults", "-display", "none", "-S", "-accel", "tcg", .. arguments]) { RedirectStandardError = true, RedirectStandardInput = true, RedirectStandardOutput = true };
        using Process process = Process.Start(start)!;
        process.StandardInput.Close();
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        string said = await process.StandardError.ReadToEndAsync(patience.Token);
        await process.WaitForExitAsync(patience.Token);
        process.ExitCode.ShouldBe(1, said);
        return said.Split($"{Program}: ", StringSplitOptions.RemoveEmptyEntries)[0].TrimEnd('\n');
    }
}
