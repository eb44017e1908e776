using System.Diagnostics;
using Hospes.Domains.Events;

namespace Hospes.Libvirt.Tests;

/// <summary>Screens of domains, by Debian's virsh, on a simulated host.</summary>
public sealed class ScreenTests : IDisposable
{
    private readonly SimulatedServer _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public void PeopleAreToldWhereAScreenIs()
    {
        _lab.Virsh("create", _lab.File("one", "<graphics type='vnc' passwd='opensesa'/>"));
        _lab.Virsh("create", _lab.File("two", "<graphics type='vnc' listen='0.0.0.0'/>"));
        _lab.Virsh("vncdisplay", "one").ShouldBe("127.0.0.1:0");
        _lab.Virsh("domdisplay", "one").ShouldBe("vnc://127.0.0.1:0");
        _lab.Virsh("vncdisplay", "two").ShouldBe(":1");
        _lab.Virsh("destroy", "one");
        _lab.Virsh("create", _lab.File("three", "<graphics type='vnc'><listen type='socket' socket='/s/v'/></graphics>"));
        _lab.Virsh("domdisplay", "three").ShouldBe("vnc+unix:///s/v");
        _lab.Virsh("create", _lab.File("four", "<graphics type='vnc'/>"));
        _lab.Virsh("vncdisplay", "four").ShouldBe("127.0.0.1:0");
        _lab.Virsh("domcapabilities").ShouldContain("<value>vnc</value>");
    }

    [Fact]
    public void PasswordsAreForWhoMaySeeThem()
    {
        _lab.Virsh("define", _lab.File("one", "<graphics type='vnc' passwd='opensesa'/>"));
        _lab.Virsh("dumpxml", "one").ShouldNotContain("opensesa");
        _lab.Virsh("dumpxml", "--security-info", "one").ShouldContain("passwd=\"opensesa\"");
        SimulatedServer.Run("virsh", null, ["-q", "-r", "-c", _lab.Uri, "dumpxml", "--security-info", "one"]).Error.ShouldContain("forbidden");
        // Who edits a definition keeps them.
        SimulatedServer.Run("sh", null, ["-c", $"EDITOR=\"sed -i s/65536/131072/\" virsh -q -c '{_lab.Uri}' edit one"]).Status.ShouldBe(0);
        _lab.Virsh("dumpxml", "--security-info", "one").ShouldContain("passwd=\"opensesa\"");
    }

    [Fact]
    public void APictureIsAFile()
    {
        string picture = Path.Combine(_lab.Folder, "picture");
        _lab.Virsh("define", _lab.File("one", "<video><model type='virtio' heads='2'><resolution x='320' y='200'/></model></video>"));
        _lab.VirshFails("screenshot", "one", picture).ShouldContain("domain is not running");
        _lab.Virsh("start", "one");
        SimulatedServer.Run("virsh", null, ["-c", _lab.Uri, "screenshot", "one", picture]).Output.ShouldContain($"Screenshot saved to {picture}, with type of image/x-portable-pixmap");
        byte[] taken = File.ReadAllBytes(picture);
        taken.AsSpan(0, 15).SequenceEqual("P6\n320 200\n255\n"u8).ShouldBeTrue();
        taken.Length.ShouldBe(15 + (3 * 320 * 200));
        _lab.Virsh("screenshot", "one", picture, "--screen", "1");
        _lab.VirshFails("screenshot", "one", picture, "--screen", "2").ShouldContain("no such screen");
        _lab.Virsh("create", _lab.File("blind"));
        _lab.VirshFails("screenshot", "blind", picture).ShouldContain("no screens to take screenshot from");
    }

    [Fact]
    public async Task WhoLooksIsToldOf()
    {
        _lab.Virsh("create", _lab.File("one", "<graphics type='vnc'/>"));
        using Process listener = SimulatedServer.Start("virsh", ["-q", "-c", _lab.Uri, "event", "--loop", "--event", "graphics"]);
        Task<string?> line = listener.StandardOutput.ReadLineAsync();
        // virsh tells nobody when it listens.
        for (int i = 0; await Task.WhenAny(line, Task.Delay(200)) != line; i++)
        {
            i.ShouldBeLessThan(300, "it never listens");
            _lab.Driver.Machine(_lab.Host.Find("one").Value.Uuid)!.Look(GraphicsPhase.Initialize, ["ipv4", "127.0.0.1", "5900", "ipv4", "127.0.0.1", "40000", "none"]);
        }
        listener.Kill();
        await listener.WaitForExitAsync();
        (await line).ShouldBe("event 'graphics' for domain 'one': initialize local[IPv4 127.0.0.1 5900] remote[IPv4 127.0.0.1 40000] none");
    }
}
