using System.Net;
using System.Net.Sockets;

namespace Hospes.Network.Tests;

/// <summary>UDP links, tap devices, passt, and port forwards.</summary>
public sealed class OtherLinksTests
{
    private readonly byte[] _buffer = new byte[INetworkLink.LongestFrame + 12];

    [Fact]
    public void Datagrams_carry_frames_and_a_missing_peer_is_no_end()
    {
        (IPEndPoint one, IPEndPoint two) = (Free(), Free());
        DatagramLink.TryOpen(one, two, out DatagramLink? first).ShouldBeNull();
        first!.Send(new byte[60]);
        first.Send(new byte[60]);
        DatagramLink.TryOpen(two, one, out DatagramLink? second).ShouldBeNull();
        second!.Send([1, 2, 3]);
        first.Receive(_buffer).ShouldBe(3);
        first.Send(new byte[1514]);
        second.Receive(_buffer).ShouldBe(1514);
        first.Send(new byte[INetworkLink.LongestFrame]);
        var waits = new Thread(() => first.Receive(_buffer).ShouldBe(0));
        waits.Start();
        first.Dispose();
        waits.Join();
        second.Dispose();
        DatagramLink.TryOpen(new IPEndPoint(IPAddress.Parse("203.0.113.77"), 1), two, out _).ShouldNotBeNull();
    }

    [Theory]
    [InlineData("tcp:127.0.0.1:2222-:22", false, "127.0.0.1/2222:22")]
    [InlineData("udp::53-:5353", true, "53:5353")]
    [InlineData(":127.0.0.1:1-:2", false, "127.0.0.1/1:2")]
    public void Forwards_are_read(string text, bool udp, string passt)
    {
        PortForward forward = PortForward.TryParse(text).ShouldNotBeNull();
        forward.IsUdp.ShouldBe(udp);
        forward.ToPasst().ShouldBe(passt);
    }

    [Theory]
    [InlineData("")]
    [InlineData("tcp:1-:2")]
    [InlineData("tcp:127.0.0.1:0-:22")]
    [InlineData("tcp:127.0.0.1:65536-:22")]
    [InlineData("tcp:localhost:1-:22")]
    [InlineData("sctp:127.0.0.1:1-:22")]
    [InlineData("tcp:127.0.0.1:1-10.0.0.1:22")]
    [InlineData("tcp:127.0.0.1:1-:22-")]
    public void What_is_no_forward_is_refused(string text) => PortForward.TryParse(text).ShouldBeNull();

    [Fact]
    public void Passt_answers_a_guest_that_asks_for_an_address()
    {
        IPEndPoint host = Free();
        PasstLink.TryStart([new PortForward(false, IPAddress.Loopback, host.Port, 22)], out PasstLink? link).ShouldBeNull();
        using (link)
        {
            link!.Send(DhcpDiscover());
            // Router advertisements may come first; the answer goes to port 68.
            for (int length = link.Receive(_buffer); ; length = link.Receive(_buffer))
            {
                length.ShouldBeGreaterThan(0);
                if (length > 42 && _buffer[12] == 8 && _buffer[23] == 17 && _buffer[36] == 0 && _buffer[37] == 68) break;
            }
            _buffer[42].ShouldBe((byte)2, "a reply");
            // The port is forwarded: someone listens there, and a second passt can't.
            PasstLink.TryStart([new PortForward(false, IPAddress.Loopback, host.Port, 22)], out PasstLink? second)?.Cause.ShouldContain("passt");
            second?.Dispose();
        }
        new Action(() => link.Receive(_buffer).ShouldBe(0)).ShouldNotThrow();
    }

    [Fact]
    public void Tap_devices_need_a_name_and_the_host()
    {
        TapLink.TryOpen("", out _)!.Cause.ShouldContain("no name");
        TapLink.TryOpen("sixteen-letters-", out _)!.Cause.ShouldContain("no name");
        NetworkFailure? failure = TapLink.TryOpen("hspstest%d", out TapLink? link);
        if (failure is not null)
        {
            // This host or user has no tap devices: then it says so, and what to do.
            failure.Cause.ShouldContain("tap");
            failure.Remedy.ShouldContain("user-mode");
            return;
        }
        link!.Name.ShouldStartWith("hspstest");
        link.SetOffloads(true, true, true);
        link.Send(new byte[12 + 60]);
        var waits = new Thread(() => link.Receive(_buffer).ShouldBe(0));
        waits.Start();
        link.Dispose();
        waits.Join();
        link.Send(new byte[12 + 60]);
    }

    private static IPEndPoint Free()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return (IPEndPoint)socket.LocalEndPoint!;
    }

    /// <summary>A DHCPDISCOVER (RFC 2131) in UDP, IPv4 and Ethernet.</summary>
    private static byte[] DhcpDiscover()
    {
        byte[] frame = new byte[14 + 20 + 8 + 244 + 64];
        frame.AsSpan(0, 6).Fill(0xFF);
        byte[] mac = [0x52, 0x54, 0, 1, 2, 3];
        mac.CopyTo(frame, 6);
        frame[12] = 8;
        Span<byte> ip = frame.AsSpan(14);
        (ip[0], ip[8], ip[9]) = (0x45, 64, 17);
        Big(ip[2..], frame.Length - 14);
        ip[16..20].Fill(0xFF);
        int sum = 0;
        for (int i = 0; i < 20; i += 2) sum += ip[i] << 8 | ip[i + 1];
        Big(ip[10..], ~((sum & 0xFFFF) + (sum >> 16)));
        Span<byte> udp = ip[20..];
        Big(udp, 68);
        Big(udp[2..], 67);
        Big(udp[4..], frame.Length - 34);
        Span<byte> dhcp = udp[8..];
        (dhcp[0], dhcp[1], dhcp[2], dhcp[7]) = (1, 1, 6, 9);
        mac.CopyTo(dhcp[28..]);
        byte[] options = [0x63, 0x82, 0x53, 0x63, 53, 1, 1, 255];
        options.CopyTo(dhcp[236..]);
        return frame;

        static void Big(Span<byte> at, int value) => (at[0], at[1]) = ((byte)(value >> 8), (byte)value);
    }
}
