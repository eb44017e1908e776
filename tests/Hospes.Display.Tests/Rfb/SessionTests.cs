using System.Security.Cryptography;
using System.Text;
using Hospes.Display.Rfb;

namespace Hospes.Display.Tests.Rfb;

/// <summary>How clients are greeted, heard and got rid of.</summary>
public sealed class SessionTests
{
    [Fact]
    public void The_cipher_is_DES()
    {
        // The example of FIPS 46's time that everybody uses, and NIST's SP 800-17 for a key of zeros.
        byte[] block = [0x01, 0x23, 0x45, 0x67, 0x89, 0xAB, 0xCD, 0xEF];
        Des.Encrypt([0x13, 0x34, 0x57, 0x79, 0x9B, 0xBC, 0xDF, 0xF1], block);
        block.ShouldBe([0x85, 0xE8, 0x13, 0x54, 0x0F, 0x0A, 0xB4, 0x05]);
        block = new byte[8];
        Des.Encrypt(new byte[8], block);
        block.ShouldBe([0x8C, 0xA6, 0x4D, 0xE9, 0xC1, 0xB1, 0x23, 0xA7]);
    }

    [Theory]
    [InlineData("003.003")]
    [InlineData("003.005")]
    [InlineData("003.007")]
    [InlineData("003.008")]
    [InlineData("003.889")]
    public void Old_and_new_versions_are_let_in(string version)
    {
        using var shown = new Shown();
        using RfbClient client = RfbClient.Connect(shown.Server, version);
        client.Ask();
        client.Update();
        shown.Server.Clients.Count.ShouldBe(1);
        using var secured = new Shown(change: static settings => settings with { WantsPassword = true, Password = "secret" });
        using RfbClient known = RfbClient.Connect(secured.Server, version, static challenge => Answer("secret", challenge));
        known.Ask();
        known.Update();
        using RfbClient stranger = RfbClient.Open(secured.Server.Address);
        stranger.Greet(version, static challenge => Answer("secreT", challenge)).ShouldBe(version is "003.008" or "003.889" ? "authentication failed" : "");
        stranger.Drain();
    }

    [Fact]
    public void Without_a_password_that_is_wanted_nobody_is_let_in()
    {
        using var shown = new Shown(change: static settings => settings with { WantsPassword = true });
        using (RfbClient stranger = RfbClient.Open(shown.Server.Address)) stranger.Greet("003.008", static challenge => Answer("", challenge)).ShouldBe("authentication failed");
        shown.Server.Password = "12345678";
        using RfbClient known = RfbClient.Connect(shown.Server, answer: static challenge => Answer("12345678 and more", challenge));
        shown.Server.Password = null;
        using (RfbClient late = RfbClient.Open(shown.Server.Address)) late.Greet("003.008", static challenge => Answer("12345678", challenge)).ShouldNotBeNull();
        known.Ask();
        known.Update();
    }

    [Theory]
    [InlineData("RFB 004.000\n")]
    [InlineData("GET / HTTP/1.")]
    [InlineData("RFB 003.00x\n")]
    public void Others_are_turned_away(string text)
    {
        using var shown = new Shown();
        using RfbClient client = RfbClient.Open(shown.Server.Address);
        client.Read(12);
        client.Write(Encoding.ASCII.GetBytes(text));
        client.Drain();
        SpinWait.SpinUntil(() => shown.Happened.Count == 2, TimeSpan.FromSeconds(60)).ShouldBeTrue();
        shown.Happened.ShouldBe([VncHappening.Connected, VncHappening.Disconnected]);
    }

    [Fact]
    public void A_kind_of_security_that_was_not_offered_is_refused()
    {
        using var shown = new Shown();
        using RfbClient client = RfbClient.Open(shown.Server.Address);
        client.Read(12);
        client.Write("RFB 003.008\n"u8.ToArray());
        client.Read(2).ShouldBe([1, 1]);
        client.Write([2]);
        client.Read(4).ShouldBe([0, 0, 0, 1]);
        client.Drain();
    }

    [Fact]
    public void Who_wants_to_be_alone_is()
    {
        using var shown = new Shown();
        using RfbClient first = RfbClient.Connect(shown.Server), second = RfbClient.Connect(shown.Server);
        SpinWait.SpinUntil(() => shown.Server.Clients.Count == 2, TimeSpan.FromSeconds(60)).ShouldBeTrue();
        using RfbClient alone = RfbClient.Connect(shown.Server, isShared: false);
        first.Drain();
        second.Drain();
        alone.Ask();
        alone.Update();
        SpinWait.SpinUntil(() => shown.Server.Clients.Count == 1, TimeSpan.FromSeconds(60)).ShouldBeTrue();
    }

    [Fact]
    public void Keys_and_pointers_go_to_the_guests_devices()
    {
        using var shown = new Shown(201, 101);
        using (RfbClient client = RfbClient.Connect(shown.Server))
        {
            // A symbol with the key for capitals that nobody pressed, one without, the numbers of keys.
            Key(client, 'A', true);
            shown.Keyboard.Take(3).ShouldBe("1:42:1 1:30:1 1:42:0");
            Key(client, 'A', false);
            Key(client, 0xFFE1, true);
            Key(client, '!', true);
            Key(client, '!', false);
            Key(client, '/', true);
            shown.Keyboard.Take(7).ShouldBe("1:30:0 1:42:1 1:2:1 1:2:0 1:42:0 1:53:1 1:42:1");
            client.Write([255, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0x9D]);
            client.Write([255, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0xE0, 0x48]);
            shown.Keyboard.Take(2).ShouldBe("1:97:1 1:103:1");
            client.Write([5, 1, 0, 200, 0, 100]);
            client.Write([5, 0x08, 0, 0, 0, 50]);
            client.Write([5, 0x10, 3, 232, 0, 0]);
            client.Write([5, 0x04, 0, 0, 0, 0]);
            shown.Tablet.Take(4).ShouldBe("3:0:32767,3:1:32767,1:272:1 3:0:0,3:1:16383,1:272:0,2:8:1 3:0:32767,3:1:0,2:8:-1 3:0:0,3:1:0,1:273:1");
        }
        // What was held is let go when the client is gone.
        string released = shown.Keyboard.Take(4);
        foreach (string key in (string[])["1:42:0", "1:53:0", "1:97:0", "1:103:0"]) released.ShouldContain(key);
        shown.Tablet.Take(1).ShouldBe("1:273:0");
    }

    [Fact]
    public void Caps_Lock_of_the_guest_is_minded()
    {
        using var shown = new Shown();
        using RfbClient client = RfbClient.Connect(shown.Server);
        shown.Keyboard.Lights = 2;
        Key(client, 'A', true);
        Key(client, 'A', false);
        Key(client, 'b', true);
        shown.Keyboard.Take(5).ShouldBe("1:30:1 1:30:0 1:42:1 1:48:1 1:42:0");
        Key(client, 0x1234567, true);
        Key(client, 'b', false);
        shown.Keyboard.Take(1).ShouldBe("1:48:0");
    }

    [Fact]
    public void Text_for_the_clipboard_is_passed_over()
    {
        using var shown = new Shown();
        using RfbClient client = RfbClient.Connect(shown.Server);
        client.Write([6, 0, 0, 0, 0, 0, 0x20, 0, .. new byte[0x2000]]);
        client.Write([6, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFC, 1, 2, 3, 4]);
        client.Ask();
        client.Update();
        client.Write([6, 0, 0, 0, 0x7F, 0xFF, 0xFF, 0xFF]);
        client.Drain();
    }

    [Fact]
    public void A_client_that_does_not_read_holds_up_nobody()
    {
        using var shown = new Shown(2000, 1000);
        using RfbClient slow = RfbClient.Connect(shown.Server), quick = RfbClient.Connect(shown.Server);
        var random = new Random(11);
        for (int i = 0; i < 6; i++)
        {
            shown.Draw(0, 0, 2000, 1000, random, 500);
            slow.Ask(isIncremental: false);
            quick.Ask(isIncremental: false);
            quick.Update();
        }
        shown.Server.Clients.Count.ShouldBe(2);
    }

    [Fact]
    public void There_is_an_end_to_clients()
    {
        using var shown = new Shown();
        var clients = new List<RfbClient>();
        for (int i = 0; i < VncServer.MostClients; i++) clients.Add(RfbClient.Connect(shown.Server));
        using (RfbClient late = RfbClient.Open(shown.Server.Address)) late.Drain();
        clients[0].Dispose();
        clients[0].Dispose();
        SpinWait.SpinUntil(() => shown.Server.Clients.Count < VncServer.MostClients, TimeSpan.FromSeconds(60)).ShouldBeTrue();
        foreach (RfbClient client in clients) client.Dispose();
    }

    [Fact]
    public void Whatever_clients_send_the_server_stays()
    {
        using var shown = new Shown(64, 64);
        var random = new Random(5900);
        byte[] kinds = [0, 2, 3, 3, 4, 5, 6, 251, 255, 255, 7];
        for (int i = 0; i < 400; i++)
        {
            using RfbClient client = RfbClient.Connect(shown.Server);
            byte[] noise = RandomNumberGenerator.GetBytes(200);
            random.NextBytes(noise);
            var sent = new List<byte>();
            for (int at = 0; at < 20; at++) sent.AddRange([kinds[random.Next(kinds.Length)], 0, .. noise[(at * 9)..((at * 9) + random.Next(1, 19))]]);
            try
            {
                client.Write([.. sent]);
            }
            catch (IOException)
            {
                // It was shown the door.
            }
        }
        using (RfbClient noisy = RfbClient.Open(shown.Server.Address)) noisy.Write(RandomNumberGenerator.GetBytes(4096));
        using RfbClient last = RfbClient.Connect(shown.Server);
        last.Ask(isIncremental: false);
        last.Update();
    }

    [Theory]
    [InlineData(":1", "127.0.0.1:5901")]
    [InlineData("localhost:0", "127.0.0.1:5900")]
    [InlineData("0.0.0.0:99", "0.0.0.0:5999")]
    [InlineData("[::1]:2", "[::1]:5902")]
    [InlineData("unix:/tmp/x", "/tmp/x")]
    [InlineData("unix:", null)]
    [InlineData("127.0.0.1", null)]
    [InlineData("127.0.0.1:x", null)]
    [InlineData("127.0.0.1:65000", null)]
    [InlineData("host.example:1", null)]
    [InlineData("", null)]
    public void Places_are_named_as_QEMU_names_them(string text, string? place) => (VncPlace.Parse(text)?.ToString()).ShouldBe(place);

    [Fact]
    public void A_port_is_one_servers_only()
    {
        using var probe = new System.Net.Sockets.Socket(System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
        probe.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        string place = $"127.0.0.1:{((System.Net.IPEndPoint)probe.LocalEndPoint!).Port - VncPlace.FirstPort}";
        probe.Dispose();
        for (int turn = 0; turn < 2; turn++)
        {
            RfbClient client;
            using (VncServer first = Listen(place, out _).ShouldNotBeNull())
            {
                Listen(place, out string? taken).ShouldBeNull();
                taken.ShouldNotBeNull().ShouldContain("cannot connect");
                client = RfbClient.Open(first.Address);
                client.Greet("003.008").ShouldBeNull();
            }
            // The connection ended at the server's side first, which leaves the port to the next one all the same.
            client.Dispose();
        }
    }

    [Fact]
    public void A_socket_that_is_left_over_is_replaced_and_another_file_is_not()
    {
        string folder = Directory.CreateTempSubdirectory("hospes-vnc-").FullName;
        try
        {
            string path = Path.Combine(folder, "s");
            using (var gone = new System.Net.Sockets.Socket(System.Net.Sockets.AddressFamily.Unix, System.Net.Sockets.SocketType.Stream, 0))
                gone.Bind(new System.Net.Sockets.UnixDomainSocketEndPoint(path));
            using (VncServer server = Listen($"unix:{path}", out _).ShouldNotBeNull())
            {
                Listen($"unix:{path}", out string? taken).ShouldBeNull();
                taken.ShouldNotBeNull().ShouldContain("cannot connect");
            }
            File.Exists(path).ShouldBeFalse();
            File.WriteAllText(path, "mine");
            Listen($"unix:{path}", out _).ShouldBeNull();
            File.ReadAllText(path).ShouldBe("mine");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static VncServer? Listen(string place, out string? error) => VncServer.TryListen(new VncSettings(place), new Seat(), "x", TimeProvider.System, out error);

    private static byte[] Answer(string password, byte[] challenge)
    {
        Des.Answer(Encoding.ASCII.GetBytes(password), challenge);
        return challenge;
    }

    private static void Key(RfbClient client, uint symbol, bool isDown) =>
        client.Write([4, isDown ? (byte)1 : (byte)0, 0, 0, (byte)(symbol >> 24), (byte)(symbol >> 16), (byte)(symbol >> 8), (byte)symbol]);
}
