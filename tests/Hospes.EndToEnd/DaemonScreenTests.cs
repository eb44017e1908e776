using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Hospes.Display;
using Hospes.Display.Tests;

namespace Hospes.EndToEnd;

/// <summary>A guest of Debian's generic kernel with a screen, a shared folder, a watchdog and sockets, all of them of the daemon, driven by virsh.</summary>
public sealed class DaemonScreenTests : DaemonLab
{
    [Fact]
    public async Task AGuestIsSeenSharedWithAndWatched()
    {
        string shared = Directory.CreateDirectory(Path.Combine(Folder, "shared")).FullName, kept = Directory.CreateDirectory(Path.Combine(Folder, "kept")).FullName;
        await File.WriteAllTextAsync(Path.Combine(kept, "told"), "by the host\n");
        (string kernel, string initrd) = await TypedGuest.WriteAsync(Folder, ["fuse", "virtiofs", "evdev", "virtio_input", "watchdog", "i6300esb"], await GenericKernel.ImageAsync(Folder));
        await DefineAsync("guest", $"""
            <memory unit='MiB'>256</memory><memoryBacking><source type='memfd'/><access mode='shared'/></memoryBacking>
            <os><type>hvm</type><kernel>{kernel}</kernel><initrd>{initrd}</initrd><cmdline>console=ttyS0</cmdline></os><clock offset='variable' adjustment='86400'/>
            <devices>
              <serial type='pty'/><graphics type='vnc' passwd='opensesa'/><video><model type='virtio'><resolution x='320' y='200'/></model></video><watchdog model='i6300esb' action='pause'/><vsock/>
              <filesystem type='mount'><driver type='virtiofs'/><source dir='{shared}'/><target dir='shared'/></filesystem>
              <filesystem type='mount'><driver type='virtiofs'/><source dir='{kept}'/><target dir='kept'/><readonly/></filesystem>
            </devices>
            """);
        await using Listener listener = await ListenAsync();
        await VirshAsync("start", "--paused", "guest");
        await using TypedGuest guest = TypedGuest.Behind(Console("guest"));
        await VirshAsync("resume", "guest");

        // Whoever knows the password sees the screen, and the successor of a killed daemon knows where it is.
        string place = await VirshAsync("vncdisplay", "guest");
        place.ShouldStartWith("127.0.0.1:");
        string port = $"{VncPlace.FirstPort + int.Parse(place.Split(':')[1], System.Globalization.CultureInfo.InvariantCulture)}";
        (await VirshAsync("domdisplay", "--include-password", "guest")).ShouldContain("opensesa");
        using (RfbClient client = RfbClient.Open(new VncAddress("127.0.0.1", port, AddressFamily.InterNetwork)))
        {
            client.Greet("003.008", challenge => Answer("opensesa", challenge)).ShouldBeNull();
            client.Begin();
            (client.Width, client.Height).ShouldBe((320, 200));
        }
        await listener.HearsAsync("event 'graphics' for domain 'guest': disconnect");
        listener.Heard.ShouldContain($"initialize local[IPv4 127.0.0.1 {port}]");
        string picture = Path.Combine(Folder, "picture.png");
        await VirshAsync("screenshot", "guest", picture);
        (await File.ReadAllBytesAsync(picture))[..4].ShouldBe([0x89, (byte)'P', (byte)'N', (byte)'G']);
        Directory.GetFiles(Path.Combine(Folder, "run"), "screen-*", SearchOption.AllDirectories).ShouldBeEmpty();

        await guest.WaitUntilReadyAsync();
        string devices = await guest.DoAsync("cat /proc/bus/input/devices");
        foreach (string device in (string[])["Hospes keyboard", "Hospes tablet"]) devices.ShouldContain(device);
        (await guest.DoAsync("date -u +%F")).ShouldBe(DateTime.UtcNow.AddDays(1).ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture));
        await guest.DoAsync("date -u -s '2031-01-01 00:00:00'; hwclock -w -u");
        await listener.HearsAsync("event 'rtc-change' for domain 'guest': ");
        await guest.DoAsync("mkdir /a /b; mount -t virtiofs shared /a && mount -t virtiofs kept /b");
        (await guest.DoAsync("mkdir /a/x /a/y; echo hello >/a/x/f; ln -s f /a/x/l; mv /a/x/f /a/y/g; mkfifo /a/y/p; [ -p /a/y/p ] && cat /a/y/g")).ShouldBe("hello");
        (await File.ReadAllTextAsync(Path.Combine(shared, "y", "g"))).ShouldBe("hello\n");
        (await guest.DoAsync("cat /b/told; (echo x >/b/new) 2>&1")).ShouldMatch("by the host\n.*Read-only file system");
        File.Exists(Path.Combine(Folder, "run", (await VirshAsync("domuuid", "guest")).Replace("-", "", StringComparison.Ordinal), "vsock")).ShouldBeTrue();

        // A guest that no longer tends its watchdog is held.
        (await guest.DoAsync("ls /dev/watchdog")).ShouldBe("/dev/watchdog");
        await guest.TypeAsync("watchdog -T 2 -t 1 -F /dev/watchdog & sleep 2; kill -9 $!");
        await listener.HearsAsync("event 'watchdog' for domain 'guest': pause");
        await EventuallyAsync("guest", "paused (watchdog)");
    }

    /// <summary>What proves that somebody knows a password (RFC 6143, 7.2.2): the bits of each byte of it stand the other way round.</summary>
    private static byte[] Answer(string password, byte[] challenge)
    {
#pragma warning disable CA5351 // The protocol has this cipher and no other.
        using var cipher = DES.Create();
#pragma warning restore CA5351
        cipher.Key = [.. Encoding.ASCII.GetBytes(password).Select(static at => (byte)Enumerable.Range(0, 8).Sum(bit => ((at >> bit) & 1) << (7 - bit)))];
        return cipher.EncryptEcb(challenge, PaddingMode.None);
    }
}
