using System.Net;
using System.Net.Sockets;
using System.Text;
using Hospes.Hypervisor.Soft;
using Hospes.Vmm.Gdb;

namespace Hospes.Vmm.Tests.Gdb;

/// <summary>GDB's protocol, spoken by hand to a domain on the software engine that halts.</summary>
public sealed class GdbSessionTests : IDisposable
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"hospes-gdb-{Guid.NewGuid():N}");
    private readonly RunningDomain _domain;
    private readonly GdbServer _server;
    private readonly Socket _peer = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    public GdbSessionTests()
    {
        GdbServer? server = null;
        VmmOptions options = RunningDomain.Options();
        _domain = new RunningDomain(
            options with { Machine = options.Machine with { Vcpus = 2 }, StartPaused = true }, new SoftEngine(), runner => server = GdbServer.TryListen(runner, $"unix:{_path}", out _));
        _server = server.ShouldNotBeNull();
        _peer.Connect(new UnixDomainSocketEndPoint(_path));
        _peer.ReceiveTimeout = 60_000;
    }

    public void Dispose()
    {
        _peer.Dispose();
        _server.Dispose();
        _domain.Dispose();
        File.Exists(_path).ShouldBeFalse();
    }

    [Fact]
    public void AnEngineWithoutSupportIsRefused()
    {
        var runner = new DomainRunner(RunningDomain.Options(), new FakeEngine(_ => []), new TextConsole());
        GdbServer.TryListen(runner, "tcp::1", out string? error).ShouldBeNull();
        error.ShouldNotBeNull().ShouldContain("no support for debuggers");
    }

    [Theory]
    [InlineData("tcp::1234", true)]
    [InlineData("tcp:127.0.0.1:1234", true)]
    [InlineData("tcp:[::1]:1234", true)]
    [InlineData("tcp:localhost:1", true)]
    [InlineData("unix:/x", true)]
    [InlineData("tcp::0", false)]
    [InlineData("tcp::99999", false)]
    [InlineData("tcp:nowhere.example:1", false)]
    [InlineData("unix:", false)]
    [InlineData("stdio", false)]
    [InlineData("", false)]
    public void PlacesAreNamed(string place, bool isGood) => GdbServer.IsPlace(place).ShouldBe(isGood);

    [Fact]
    public void TheTargetDescribesItself()
    {
        Ask("qSupported:multiprocess+").ShouldContain("qXfer:features:read+");
        string description = "";
        for (int offset = 0; ; offset = description.Length)
        {
            string part = Ask($"qXfer:features:read:target.xml:{offset:x},800");
            description += part[1..];
            if (part[0] == 'l') break;
        }
        description.ShouldBe(GdbRegisters.Description);
        System.Xml.Linq.XDocument.Parse(description[description.IndexOf("<target>", StringComparison.Ordinal)..]).Descendants("reg").Count().ShouldBe(GdbRegisters.All.Count);
        Ask("qXfer:features:read:target.xml:fffff,10").ShouldBe("l");
        Ask("qfThreadInfo").ShouldBe("m1,2");
        Ask("qsThreadInfo").ShouldBe("l");
        Ask("qAttached").ShouldBe("1");
        Encoding.ASCII.GetString(Convert.FromHexString(Ask("qThreadExtraInfo,2"))).ShouldBe("CPU#1 [waiting for its start]");
        Ask("T2").ShouldBe("OK");
        Ask("T3").ShouldBe("E16");
        Ask("Hg2").ShouldBe("OK");
        Ask("qC").ShouldBe("QC2");
        Ask("vCont?").ShouldBe("vCont;c;C;s;S");
        Ask("?").ShouldBe("T05thread:2;");
    }

    [Fact]
    public void RegistersAndMemoryAreReadAndWritten()
    {
        string all = Ask("g");
        all.Length.ShouldBe(GdbRegisters.All.Sum(static register => register.Size) * 2);
        Ask("P3=8877665544332211").ShouldBe("OK");
        Ask("p3").ShouldBe("8877665544332211");
        for (int number = 0; number < GdbRegisters.All.Count; number++) Ask($"p{number:x}").Length.ShouldBe(GdbRegisters.All[number].Size * 2);
        Ask($"p{GdbRegisters.All.Count:x}").ShouldBe("E16");
        string changed = Ask("g");
        Ask("G" + all).ShouldBe("OK");
        changed.ShouldNotBe(all);
        Ask("g").ShouldBe(all);
        Ask("G00").ShouldBe("OK");
        Ask("P3=88").ShouldBe("E16");
        Ask("P3").ShouldBe("E16");
        Ask("Pzz=00").ShouldBe("E16");
        // Paging is off, so both kinds of addresses are the same.
        Ask("M200000,4:01020304").ShouldBe("OK");
        Ask("m200000,4").ShouldBe("01020304");
        Ask("X200004,3:}\u0003\u0004\u0005").ShouldBe("OK");
        Ask("m200000,7").ShouldBe("01020304230405");
        Ask("Qqemu.PhyMemMode:1").ShouldBe("OK");
        Ask("qqemu.PhyMemMode").ShouldBe("1");
        Ask("m200000,4").ShouldBe("01020304");
        // What reaches over the end of memory comes as far as there is some.
        Ask("mffffff,10").Length.ShouldBe(2);
        Ask("m1000000,4").ShouldBe("E0e");
        Ask("mffffffffffffffff,4").ShouldBe("E0e");
        Ask("m1000000").ShouldBe("E16");
        Ask("M200000,4:0102").ShouldBe("E16");
        Ask("M200000,1:zz").ShouldBe("E16");
    }

    [Fact]
    public void ItStepsStopsAtPointsAndIsInterrupted()
    {
        // mov eax, [0x300000]; inc eax; mov [0x300000], eax; jmp back
        Ask("M200000,f:a100003000" + "ffc0" + "a300003000" + "ebf2" + "90").ShouldBe("OK");
        int pc = Number("rip");
        Ask($"P{pc:x}=0000200000000000").ShouldBe("OK");
        Ask("vCont;s:1").ShouldBe("T05thread:1;");
        Ask($"p{pc:x}").ShouldBe("0500200000000000");
        Ask("s").ShouldBe("T05thread:1;");
        Ask($"p{pc:x}").ShouldBe("0700200000000000");
        Ask("Z0,200000,1").ShouldBe("OK");
        Ask("vCont;c").ShouldBe("T05thread:1;");
        Ask($"p{pc:x}").ShouldBe("0000200000000000");
        Ask("m300000,4").ShouldBe("01000000");
        Ask("z0,200000,1").ShouldBe("OK");
        Ask("Z2,300002,2").ShouldBe("OK");
        Ask("c").ShouldBe("T05thread:1;watch:300002;");
        Ask($"p{pc:x}").ShouldBe("0c00200000000000");
        Ask("m300000,4").ShouldBe("02000000");
        Ask("z2,300002,2").ShouldBe("OK");
        Ask("Z3,300000,4").ShouldBe("OK");
        Ask("c").ShouldBe("T05thread:1;watch:300000;");
        Ask($"p{pc:x}").ShouldBe("0500200000000000");
        Ask("z3,300000,4").ShouldBe("OK");
        Ask("Z5,0,1").ShouldBe("");
        Ask("Z2,0,0").ShouldBe("");
        Ask("Z0").ShouldBe("E16");
        Send("vCont;c");
        Thread.Sleep(20);
        _peer.Send([3]);
        Receive().ShouldBe("T02thread:1;");
        _domain.Control.State.ShouldBe(RunState.Paused);
        Ask("vCont;x:1").ShouldBe("E16");
        Ask("vCont;s:9").ShouldBe("E16");
        Ask("D").ShouldBe("OK");
        long end = Environment.TickCount64 + 60_000;
        while (_domain.Control.State != RunState.Running) (Environment.TickCount64 < end).ShouldBeTrue();
    }

    [Fact]
    public void ADebuggerThatGoesLeavesNoBreakpointBehind()
    {
        Ask("M200000,2:ebfe").ShouldBe("OK");
        Ask($"P{Number("rip"):x}=0000200000000000").ShouldBe("OK");
        Ask("Z1,200000,1").ShouldBe("OK");
        Ask("c").ShouldBe("T05thread:1;");
        Send("vCont;c");
        _peer.Dispose();
        long end = Environment.TickCount64 + 60_000;
        while (_domain.Control.State != RunState.Running) (Environment.TickCount64 < end).ShouldBeTrue();
        using var next = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        next.Connect(new UnixDomainSocketEndPoint(_path));
        end = Environment.TickCount64 + 60_000;
        while (_domain.Control.State != RunState.Paused) (Environment.TickCount64 < end).ShouldBeTrue();
    }

    [Fact]
    public void TheEndOfTheDomainIsTold()
    {
        Send("c");
        Thread.Sleep(20);
        _domain.Runner.Stop(DomainEndKind.Stopped);
        Receive().ShouldBe("W00");
    }

    [Fact]
    public void WhateverIsSentGetsAnAnswerOrNone()
    {
        var random = new Random(4);
        const string Letters = "qQvHTmMXgGpPzZ?0123456789abcdef,:;=#$}x";
        for (int i = 0; i < 2000; i++)
        {
            string text = new([.. Enumerable.Range(0, random.Next(30)).Select(_ => Letters[random.Next(Letters.Length)])]);
            text = text.Replace("#", "", StringComparison.Ordinal).Replace("$", "", StringComparison.Ordinal);
            if (text.StartsWith("vCont;", StringComparison.Ordinal) || text is "c") continue;
            Ask(text);
        }
        _peer.Send(Encoding.Latin1.GetBytes("$" + new string('m', 100_000) + "#00"));
        ReceiveByte().ShouldBe('-');
        Ask("qAttached").ShouldBe("1");
    }

    private static int Number(string name) => GdbRegisters.All.Select(static (register, number) => (register, number)).First(at => at.register.Name == name).number;

    private string Ask(string packet)
    {
        Send(packet);
        return Receive();
    }

    private void Send(string packet)
    {
        _peer.Send(Encoding.Latin1.GetBytes($"${packet}#{GdbWire.Sum(packet):x2}"));
        ReceiveByte().ShouldBe('+');
    }

    private string Receive()
    {
        ReceiveByte().ShouldBe('$');
        var text = new StringBuilder();
        for (char at; (at = ReceiveByte()) != '#';) text.Append(at);
        string sum = $"{ReceiveByte()}{ReceiveByte()}";
        sum.ShouldBe($"{GdbWire.Sum(text.ToString()):x2}");
        try
        {
            _peer.Send("+"u8);
        }
        catch (SocketException)
        {
            // A session that is over hears no more.
        }
        return GdbWire.Unescape(text.ToString());
    }

    private char ReceiveByte()
    {
        byte[] one = new byte[1];
        _peer.Receive(one).ShouldBe(1);
        return (char)one[0];
    }
}
