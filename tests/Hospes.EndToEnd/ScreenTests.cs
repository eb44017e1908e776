using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Hospes.Display;
using Hospes.Display.Tests;

namespace Hospes.EndToEnd;

/// <summary>
/// Debian's generic kernel draws its console on the graphics adapter: a VNC client and a screenshot see its letters, and what is typed and clicked
/// there arrives in the guest.
/// </summary>
public sealed class ScreenTests : IDisposable
{
    /// <summary>A letter of the kernel's font.</summary>
    private const int LetterWidth = 8, LetterHeight = 16;

    private readonly string _folder = Directory.CreateTempSubdirectory("hospes-screen-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task APersonSeesAndTypesOnTheGuestsConsole()
    {
        string qmp = Path.Combine(_folder, "qmp");
        int display = FreeDisplay();
        string port = (VncPlace.FirstPort + display).ToString(CultureInfo.InvariantCulture);
        await using TypedGuest guest = await TypedGuest.StartAsync(
            _folder, ["evdev", "virtio_input", .. GenericKernel.GraphicsModules],
            (kernel, initrd) => ["run", "--engine", "soft", "--kernel", kernel, "--initrd", initrd, "--append", "console=tty0 console=ttyS0", "--timeout", "900", "--memory", "512M",
                "--screen", "1024x768", "--vnc", $"127.0.0.1:{display}", "--qmp", qmp],
            await GenericKernel.ImageAsync(_folder));
        await guest.WaitUntilReadyAsync();
        (await guest.DoAsync("cat /proc/fb")).ShouldContain("virtio_gpu");
        (await guest.DoAsync("cat /sys/class/graphics/fb0/virtual_size")).ShouldBe("1024,768");
        (await guest.DoAsync("head -n 1 /sys/class/drm/card0-Virtual-1/modes; wc -c </sys/class/drm/card0-Virtual-1/edid")).ShouldBe("1024x768\n128");

        // Letters that are alike look alike.
        await guest.DoAsync("printf '\\033[2J\\033[HABAB' >/dev/tty1");
        using RfbClient client = RfbClient.Open(new VncAddress("127.0.0.1", port, AddressFamily.InterNetwork));
        client.Greet("003.008").ShouldBeNull();
        client.Begin();
        client.SetEncodings(16, 5, 0, -308, -239);
        client.Ask(isIncremental: false);
        client.Update();
        client.Until(() => (client.Width, client.Height) == (1024, 768) && Letter(client, 0).SequenceEqual(Letter(client, 2)) && Letter(client, 1).SequenceEqual(Letter(client, 3))
            && !Letter(client, 0).SequenceEqual(Letter(client, 1)) && Letter(client, 0).Any(static at => at != 0) && !Letter(client, 5).Any(static at => at != 0));

        // What is typed there reaches a shell; the key for capitals is pressed where a letter needs it.
        await guest.DoAsync("setsid sh -c 'exec sh -i </dev/tty1 >/dev/tty1 2>&1' &");
        foreach (char letter in "echo Hi_THERE >/typed\r")
        {
            uint symbol = letter == '\r' ? 0xFF0Du : letter;
            foreach (byte down in (byte[])[1, 0]) client.Write([4, down, 0, 0, 0, 0, (byte)(symbol >> 8), (byte)symbol]);
        }
        await guest.UntilAsync("cat /typed 2>&1", "Hi_THERE");

        // A click arrives at its place.
        string tablet = await guest.DoAsync("grep -A 5 'Hospes tablet' /proc/bus/input/devices | sed -n 's/.*\\(event[0-9]*\\).*/\\1/p'");
        await guest.DoAsync($"(dd if=/dev/input/{tablet} bs=24 count=4 of=/clicks; echo >/clicked) 2>/dev/null &");
        await guest.UntilAsync($"ls -l /proc/[0-9]*/fd | grep -c /dev/input/{tablet}", "1");
        client.Write([5, 1, 3, 255, 0, 0]);
        await guest.UntilAsync("ls /clicked 2>&1", "/clicked");
        (await guest.DoAsync("hexdump -v -e '10/2 \" %u\" 1/4 \" %d\\n\"' /clicks | head -n 1")).ShouldEndWith(" 3 0 32767");

        // A picture in a file is what a client sees; a client of somebody else's takes one too.
        await guest.DoAsync("dmesg -n 1; sleep 1");
        string pixmap = Path.Combine(_folder, "s.ppm"), network = Path.Combine(_folder, "s.png");
        foreach (string file in (string[])[pixmap, network]) (await HospesProcess.RunAsync("", DebianGuest.Patience, "screenshot", "--qmp", qmp, "--output", file)).Status.ShouldBe(0);
        byte[] taken = await File.ReadAllBytesAsync(pixmap);
        Encoding.ASCII.GetString(taken, 0, 16).ShouldBe("P6\n1024 768\n255\n");
        taken[16..].Any(static at => at != 0).ShouldBeTrue();
        (await File.ReadAllBytesAsync(network))[..4].ShouldBe([0x89, (byte)'P', (byte)'N', (byte)'G']);
        string snapshot = Path.Combine(_folder, "s.jpg");
        await DebianGuest.RunAsync("vncsnapshot", "-quiet", "-encodings", "hextile raw", $"127.0.0.1:{display}", snapshot);
        (await File.ReadAllBytesAsync(snapshot))[..2].ShouldBe([0xFF, 0xD8]);

        // A size that a client asks for is the guest's first choice.
        client.Write([251, 0, 3, 0x20, 2, 0x58, 1, 0, .. new byte[16]]);
        await guest.UntilAsync("head -n 1 /sys/class/drm/card0-Virtual-1/modes", "800x600");
        await guest.PowerOffAsync();
    }

    private static byte[] Letter(RfbClient client, int column)
    {
        var pixels = new List<byte>();
        for (int y = 0; y < LetterHeight; y++)
        {
            for (int x = 0; x < LetterWidth; x++)
                pixels.Add((BinaryPrimitives.ReadUInt32LittleEndian(client.Pixels.AsSpan(((y * client.Width) + (column * LetterWidth) + x) * 4)) & 0xFFFFFF) != 0 ? (byte)1 : (byte)0);
        }
        return [.. pixels];
    }

    private static int FreeDisplay()
    {
        using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        probe.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)probe.LocalEndPoint!).Port - VncPlace.FirstPort;
    }
}
