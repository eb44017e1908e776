using System.Net.Sockets;
using System.Text.Json;
using Hospes.Display;
using Hospes.Machine;

namespace Hospes.Vmm.Tests.Qmp;

/// <summary>Screens, keys and watchdogs as programs drive them. No guest listens; the devices are there.</summary>
public sealed class DisplayTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hospes-display-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Without_devices_there_is_nobody_to_type_to()
    {
        using var domain = new Monitored(RunningDomain.Options());
        domain.Do("query-mice").GetArrayLength().ShouldBe(0);
        domain.Do("query-vnc").GetProperty("enabled").GetBoolean().ShouldBeFalse();
        domain.Do("query-vnc-servers").GetArrayLength().ShouldBe(0);
        domain.Refuse("change-vnc-password", """{"password":"x"}""").ShouldBe("Could not set password");
        domain.Refuse("screendump", """{"filename":"/nowhere"}""").ShouldBe("There is no console to take a screendump from");
        foreach ((string type, string data) in ((string, string)[])
            [("key", """{"key":{"type":"qcode","data":"a"},"down":true}"""), ("btn", """{"button":"left","down":true}"""), ("btn", """{"button":"wheel-up","down":true}"""),
                ("rel", """{"axis":"x","value":1}"""), ("abs", """{"axis":"y","value":1}""")])
            domain.Refuse("input-send-event", $$"""{"events":[{"type":"{{type}}","data":{{data}}}]}""").ShouldBe($"Input handler not found for event type {type}");
        // QEMU presses keys whether somebody listens or not.
        domain.Do("send-key", """{"keys":[{"type":"qcode","data":"a"}],"hold-time":0}""");
    }

    [Fact]
    public void Keys_and_places_go_to_the_devices()
    {
        var target = new Listener();
        using var domain = new Monitored(RunningDomain.Options(new InputOptions(IsTablet: false) { Id = "k" }, new InputOptions(IsTablet: true) { Id = "t" }));
        domain.Domain.Control.Seat.Inputs.Attach(target);
        domain.Do("query-mice").GetArrayLength().ShouldBe(2);
        domain.Do("input-send-event", """
            {"device":"t","events":[
              {"type":"key","data":{"key":{"type":"number","data":57},"down":true}},{"type":"key","data":{"key":{"type":"qcode","data":"ctrl_r"},"down":false}},
              {"type":"btn","data":{"button":"right","down":true}},{"type":"btn","data":{"button":"wheel-down","down":true}},{"type":"btn","data":{"button":"wheel-down","down":false}},
              {"type":"abs","data":{"axis":"x","value":99999}},{"type":"abs","data":{"axis":"y","value":-5}}]}
            """);
        target.Take().ShouldBe(
        [
            new(InputKind.Key, 57, 1), new(InputKind.Key, 97, 0), new(InputKind.Key, PointerCodes.Right, 1), new(InputKind.Relative, PointerCodes.Wheel, -1),
            new(InputKind.Absolute, 0, 0x7FFF), new(InputKind.Absolute, 1, 0),
        ]);
        domain.Refuse("input-send-event", """{"device":"zz","events":[]}""").ShouldBe("Device 'zz' not found");
        domain.Refuse("input-send-event", """{"events":[{"type":"key","data":{"key":{"type":"number","data":4711},"down":true}}]}""").ShouldBe("Parameter 'data' expects the number of a key");
        domain.Refuse("send-key", """{"keys":[{"type":"number","data":-1}]}""").ShouldBe("Parameter 'data' expects the number of a key");
        domain.Refuse("send-key", """{"keys":[],"hold-time":-1}""").ShouldBe("Parameter 'hold-time' expects a number of milliseconds");
        domain.Ask("sendkey ctrl-alt-0x1e 1").ShouldBe("");
        target.Await(6).ShouldBe([Key(29, 1), Key(56, 1), Key(30, 1), Key(30, 0), Key(56, 0), Key(29, 0)]);
        domain.Ask("sendkey nokey").ShouldBe("Error: invalid parameter: nokey\n");
        domain.Ask("sendkey").ShouldStartWith("sendkey: keys are missing");
        domain.Do("stop");
        domain.Refuse("input-send-event", """{"events":[]}""").ShouldBe("VM not running");
    }

    [Fact]
    public void Screens_are_written_to_files()
    {
        using var domain = new Monitored(RunningDomain.Options(new GpuOptions { Id = "v", Screens = 2, Width = 64, Height = 48 }, new EntropyOptions { Id = "r" }));
        domain.Domain.Control.Seat.Screens[1].Show(3, 2);
        string file = Path.Combine(_folder, "s");
        domain.Do("screendump", $$"""{"filename":"{{file}}"}""");
        File.ReadAllBytes(file).Length.ShouldBe("P6\n64 48\n255\n".Length + (64 * 48 * 3));
        domain.Do("screendump", $$"""{"filename":"{{file}}","device":"v","head":1}""");
        File.ReadAllBytes(file).Length.ShouldBe("P6\n3 2\n255\n".Length + 18);
        domain.Do("screendump", $$"""{"filename":"{{file}}","device":"v","format":"png"}""");
        File.ReadAllBytes(file)[1..4].ShouldBe("PNG"u8.ToArray());
        domain.Ask($"screendump {file} -f png").ShouldBe("");
        domain.Ask($"screendump {file}").ShouldBe("");
        domain.Ask("screendump").ShouldStartWith("screendump: a filename is missing");
        domain.Refuse("screendump", $$"""{"filename":"{{file}}","head":1}""").ShouldContain("together with 'device'");
        domain.Refuse("screendump", $$"""{"filename":"{{file}}","device":"v","head":2}""").ShouldBe("Device 'v' (head 2) is not bound to a console");
        domain.Refuse("screendump", $$"""{"filename":"{{file}}","device":"r"}""").ShouldBe("Device 'r' (head 0) is not bound to a console");
        domain.Refuse("screendump", $$"""{"filename":"{{file}}","device":"zz"}""").ShouldBe("Device 'zz' not found");
        domain.Refuse("screendump", """{"filename":"/nowhere/s"}""").ShouldStartWith("failed to open file '/nowhere/s'");
    }

    [Fact]
    public void Programs_learn_who_looks()
    {
        VncServer? server = null;
        string path = Path.Combine(_folder, "vnc");
        using var domain = new Monitored(RunningDomain.Options(new GpuOptions()), prepare: runner => server = VncDisplay.TryListen(runner, new VncSettings($"unix:{path}", WantsPassword: true), out _));
        using VncServer closing = server.ShouldNotBeNull();
        domain.Domain.Next().ShouldBeOfType<DomainEvent.Resume>();
        JsonElement vnc = domain.Do("query-vnc");
        (vnc.GetProperty("enabled").GetBoolean(), vnc.GetProperty("host").GetString(), vnc.GetProperty("family").GetString(), vnc.GetProperty("auth").GetString()).ShouldBe((true, path, "unix", "vnc"));
        domain.Do("query-vnc-servers")[0].GetProperty("server")[0].GetProperty("auth").GetString().ShouldBe("vnc");
        domain.Do("change-vnc-password", """{"password":"secret"}""");
        domain.Do("set_password", """{"protocol":"vnc","password":"secret"}""");
        using (var peer = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            peer.Connect(new UnixDomainSocketEndPoint(path));
            domain.Domain.Next().ShouldBeOfType<DomainEvent.VncClient>().What.ShouldBe(VncHappening.Connected);
        }
        domain.Domain.Next().ShouldBeOfType<DomainEvent.VncClient>().What.ShouldBe(VncHappening.Disconnected);
    }

    [Theory]
    [InlineData("reset")]
    [InlineData("shutdown")]
    [InlineData("poweroff")]
    [InlineData("pause")]
    [InlineData("debug")]
    [InlineData("none")]
    [InlineData("inject-nmi")]
    public void A_watchdog_that_expires_does_what_was_asked_for(string action)
    {
        VmmOptions options = RunningDomain.Options();
        using var domain = new Monitored(options with { Machine = options.Machine with { HasWatchdog = true } });
        domain.Domain.Next().ShouldBeOfType<DomainEvent.Resume>();
        domain.Do("watchdog-set-action", $$"""{"action":"{{action}}"}""");
        domain.Domain.Control.Look(static life => life.Machine!.WatchdogExpired.ShouldNotBeNull())!();
        domain.Domain.Next().ShouldBe(new DomainEvent.Watchdog(WatchdogActions.Find(action)!.Value));
        switch (action)
        {
            case "reset":
                domain.Domain.Next().ShouldBe(new DomainEvent.Reset(ShutdownCause.GuestReset));
                break;
            case "shutdown":
                domain.Domain.Next().ShouldBeOfType<DomainEvent.Powerdown>();
                break;
            case "poweroff":
                domain.Domain.Next().ShouldBe(new DomainEvent.Shutdown(ShutdownCause.GuestShutdown));
                domain.Domain.End().Kind.ShouldBe(DomainEndKind.PowerOff);
                break;
            case "pause":
                domain.Domain.Next().ShouldBeOfType<DomainEvent.Stop>();
                domain.Do("query-status").GetProperty("status").GetString().ShouldBe("watchdog");
                domain.Do("cont");
                domain.Domain.Next().ShouldBeOfType<DomainEvent.Resume>();
                break;
            default:
                domain.Do("query-status").GetProperty("status").GetString().ShouldBe("running");
                domain.Domain.IsQuiet.ShouldBeTrue();
                break;
        }
    }

    private static InputAction Key(ushort code, int value) => new(InputKind.Key, code, value);

    /// <summary>A device that takes everything.</summary>
    private sealed class Listener : IInputTarget
    {
        private readonly List<InputAction> _heard = [];

        public string Name => "listener";

        public bool IsAbsolute => true;

        public int Lights => 0;

        public bool Takes(InputAction action) => true;

        public void Send(ReadOnlySpan<InputAction> group)
        {
            lock (_heard) _heard.AddRange(group);
        }

        public InputAction[] Await(int count)
        {
            SpinWait.SpinUntil(() => { lock (_heard) return _heard.Count >= count; }, TimeSpan.FromSeconds(60)).ShouldBeTrue();
            return Take();
        }

        public InputAction[] Take()
        {
            lock (_heard)
            {
                InputAction[] taken = [.. _heard];
                _heard.Clear();
                return taken;
            }
        }
    }
}
