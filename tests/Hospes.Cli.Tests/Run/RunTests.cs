using System.Net.Sockets;
using System.Text;
using Hospes.Cli.CommandLine;
using Hospes.Cli.Run;
using Hospes.Vmm;

namespace Hospes.Cli.Tests.Run;

public sealed class RunTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("hospes: neither --kernel nor --disk is given; name a kernel, or a disk to boot from; see 'hospes run --help'")]
    [InlineData("hospes: --memory '0' is no memory at all; see 'hospes run --help'", "--kernel", "k", "--memory", "0")]
    [InlineData("hospes: --memory '1G,max=1G' has a max that is not more than its size by a multiple of 2M; see 'hospes run --help'", "--kernel", "k", "--memory", "1G,max=1G")]
    [InlineData("hospes: --memory '1G,max=x' has a max that is no size such as 512M or 2G; see 'hospes run --help'", "--kernel", "k", "--memory", "1G,max=x")]
    [InlineData("hospes: --memory '1G,most=2G' has something other than max=SIZE behind its size; see 'hospes run --help'", "--kernel", "k", "--memory", "1G,most=2G")]
    [InlineData("hospes: --huge-pages '4M' is neither 2M nor 1G; see 'hospes run --help'", "--kernel", "k", "--huge-pages", "4M")]
    [InlineData("hospes: --memory 'much' is no size such as 512M or 2G; see 'hospes run --help'", "--kernel", "k", "--memory", "much")]
    [InlineData("hospes: --vcpus '256' is not a whole number from 1 to 255; see 'hospes run --help'", "--kernel", "k", "--vcpus", "256")]
    [InlineData("hospes: --timeout '0' is no number of seconds above 0 and up to 4000000; see 'hospes run --help'", "--kernel", "k", "--timeout", "0")]
    [InlineData("hospes: --timeout '-1' is no number of seconds above 0 and up to 4000000; see 'hospes run --help'", "--kernel", "k", "--timeout=-1")]
    [InlineData("hospes: --timeout 'NaN' is no number of seconds above 0 and up to 4000000; see 'hospes run --help'", "--kernel", "k", "--timeout", "NaN")]
    [InlineData("hospes: --debug-exit '0xffff' is no port from 1 to 0xfffc; see 'hospes run --help'", "--kernel", "k", "--debug-exit", "0xffff")]
    [InlineData("hospes: --engine 'steam' is no engine; choose one of auto, soft, kvm; see 'hospes run --help'", "--kernel", "k", "--engine", "steam")]
    [InlineData("hospes: --machine 'x' is not NAME=VALUE; see 'hospes run --help'", "--kernel", "k", "--machine", "x")]
    [InlineData("hospes: --machine 'x=1' names no property of the machine; see 'hospes run --help'", "--kernel", "k", "--machine", "x=1")]
    [InlineData("hospes: --machine 'ram-low-size=z' has a value that is no number or size; see 'hospes run --help'", "--kernel", "k", "--machine", "ram-low-size=z")]
    [InlineData("hospes: there is no option '--kernl'; did you mean '--kernel'? see 'hospes run --help'", "--kernl", "k")]
    public async Task BadArgumentsAreNamed(string expected, params string[] arguments) =>
        (await HospesProgram.InProcessAsync(["run", .. arguments])).ShouldBe(new Ran(2, "", expected + "\n"));

    [Fact]
    public async Task ASocketThatCannotBeMadeIsNamedAndWhatStandsThereStays()
    {
        string taken = _folder.Write("taken", "text");
        foreach (string path in (string[])[taken, _folder.At("no/such/folder"), new string('x', 200)])
        {
            Outcome<QmpSocket> outcome = QmpSocket.TryListen(path);
            outcome.Succeeded(out _, out Failure? failure).ShouldBeFalse();
            failure.Cause.ShouldStartWith($"--qmp '{path}': cannot listen there (");
        }
        (await File.ReadAllTextAsync(taken)).ShouldBe("text");
    }

    [Fact]
    public void ASocketIsForItsUserAloneAndOneThatIsLeftOverIsReplaced()
    {
        string path = _folder.At("qmp");
        using (var left = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)) left.Bind(new UnixDomainSocketEndPoint(path));
        // .NET takes the file away at the end of a socket that was bound; a process that is killed does not.
        if (!File.Exists(path))
        {
            using var killed = System.Diagnostics.Process.Start("python3", ["-c", "import socket,sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])", path]);
            killed.WaitForExit();
        }
        File.Exists(path).ShouldBeTrue();
        QmpSocket.TryListen(path).Succeeded(out QmpSocket? socket, out _).ShouldBeTrue();
        using (socket)
        {
            if (!OperatingSystem.IsWindows()) File.GetUnixFileMode(path).ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite);
            QmpSocket.TryListen(path).Succeeded(out _, out _).ShouldBeFalse();
        }
        File.Exists(path).ShouldBeFalse();
    }

    [Fact]
    public async Task FilesThatCannotBeReadAreNamed()
    {
        Ran kernel = await HospesProgram.InProcessAsync("run", "--kernel", _folder.At("none"));
        kernel.Status.ShouldBe(2);
        kernel.Error.ShouldStartWith($"hospes: --kernel '{_folder.At("none")}': the kernel file cannot be read");
        Ran initrd = await HospesProgram.InProcessAsync("run", "--kernel", _folder.Write("k", "kernel"), "--initrd", _folder.At("none"));
        initrd.Status.ShouldBe(2);
        initrd.Error.ShouldStartWith($"hospes: --initrd '{_folder.At("none")}': the initrd cannot be read");
    }

    [Theory]
    [InlineData("")]
    [InlineData("#!/bin/sh\n")]
    public async Task AKernelThatIsNoneIsOneLineAndNoStackTrace(string text)
    {
        Ran ran = await HospesProgram.ProcessAsync(new Dictionary<string, string>(), "run", "--kernel", _folder.Write("k", text));
        ran.Status.ShouldBe(2);
        ran.Out.ShouldBeEmpty();
        ran.Error.ShouldStartWith("hospes: the ");
        ran.Error.Count(static letter => letter == '\n').ShouldBe(1);
        Ran inspected = await HospesProgram.InProcessAsync("image", "inspect", _folder.At("k"));
        inspected.Status.ShouldBe(1);
        inspected.Out.ShouldContain("would not boot: the ");
    }

    [Fact]
    public async Task MoreMemoryThanTheHostHasIsOneLine()
    {
        Ran ran = await HospesProgram.ProcessAsync(new Dictionary<string, string>(), "run", "--kernel", _folder.Write("k", "x"), "--memory", "200T");
        ran.Status.ShouldBe(2);
        ran.Error.ShouldStartWith("hospes: ");
        ran.Error.Count(static letter => letter == '\n').ShouldBe(1);
    }

    /// <summary>No host of a test has as many huge pages left: either there is no pool, or it is short.</summary>
    [Theory]
    [InlineData("2M")]
    [InlineData("1G")]
    public async Task TooFewHugePagesAreOneLineWithARemedy(string size)
    {
        Ran ran = await HospesProgram.ProcessAsync(new Dictionary<string, string>(), "run", "--engine", "soft", "--kernel", _folder.Write("k", "x"), "--memory", "16G", "--huge-pages", size);
        ran.Status.ShouldBe(2);
        ran.Error.ShouldContain("leave huge pages away");
        ran.Error.Count(static letter => letter == '\n').ShouldBe(1);
    }

    [Fact]
    public async Task InspectNamesAFileThatCannotBeRead()
    {
        Ran ran = await HospesProgram.InProcessAsync("image", "inspect", _folder.At("none"));
        ran.Status.ShouldBe(2);
        ran.Error.ShouldStartWith($"hospes: '{_folder.At("none")}': the kernel file cannot be read");
    }

    [Theory]
    [InlineData(0u, 1)]
    [InlineData(1u, 3)]
    [InlineData(0x7Fu, 255)]
    [InlineData(0x80u, 1)]
    [InlineData(0xFFFF_FFFFu, 255)]
    public void TheDebugExitStatusIsOddAndFitsAByte(uint value, int status) => ForegroundDomain.Status(new DomainEnd(DomainEndKind.DebugExit, value)).ShouldBe(status);

    [Theory]
    [InlineData("abc", true, "abc", false)]
    [InlineData("ab\u001dc", true, "ab", true)]
    [InlineData("\u001d", true, "", true)]
    [InlineData("ab\u001dc", false, "ab\u001dc", false)]
    public void OnlyTheLeavingKeyOfATerminalLeaves(string keys, bool terminal, string typed, bool left)
    {
        using var output = new MemoryStream();
        ConsoleKeys.Pump(new MemoryStream(Encoding.ASCII.GetBytes(keys)), terminal, bytes => output.Write(bytes.Span)).ShouldBe(left);
        Encoding.ASCII.GetString(output.ToArray()).ShouldBe(typed);
    }

    [Fact]
    public void AReaderThatWentAwayIsNoFault()
    {
        var console = new StreamConsole(new Gone());
        console.Write("a"u8);
        console.Write("b"u8);
    }

    private sealed class Gone : MemoryStream
    {
        private bool _written;

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            _written.ShouldBeFalse("nothing is written after the reader went away");
            _written = true;
            throw new IOException("Broken pipe");
        }
    }
}
