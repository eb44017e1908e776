using System.Net.Sockets;
using Hospes.Machine;
using Hospes.Virtio;

namespace Hospes.Vmm.Tests.Qmp;

public sealed class NetworkTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hospes-qmp-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void BackendsComeAndGo()
    {
        using var domain = new Monitored(RunningDomain.Options());
        string path = Path.Combine(_folder, "s");
        string stream = $$$"""{"type":"stream","id":"n0","server":true,"addr":{"type":"unix","path":"{{{path}}}"}}""";
        domain.Do("netdev_add", stream);
        using (var peer = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified)) peer.Connect(new UnixDomainSocketEndPoint(path));
        domain.Refuse("netdev_add", stream).ShouldBe("Duplicate ID 'n0'");
        domain.Do("set_link", """{"name":"n0","up":false}""");
        domain.Do("netdev_del", """{"id":"n0"}""");
        File.Exists(path).ShouldBeFalse();
        domain.Do("netdev_add", stream);
        domain.Refuse("netdev_del", """{"id":"n1"}""").ShouldBe("Device 'n1' not found");
        domain.Refuse("set_link", """{"name":"n1","up":true}""").ShouldBe("Device 'n1' not found");
    }

    [Theory]
    [InlineData("{}", "Parameter 'id' is missing")]
    [InlineData("""{"type":5,"id":"x"}""", "Invalid parameter type for 'type', expected: string")]
    [InlineData("""{"type":"user","id":5}""", "Invalid parameter type for 'id', expected: string")]
    [InlineData("""{"type":"bogus","id":"a"}""", "Parameter 'type' does not accept value 'bogus'")]
    [InlineData("""{"type":"tap","id":"a","bogus":1}""", "Parameter 'bogus' is unexpected")]
    [InlineData("""{"type":"user","id":"a","hostfwd":"x"}""", "Invalid parameter type for 'hostfwd', expected: array")]
    [InlineData("""{"type":"user","id":"a","hostfwd":["x"]}""", "Invalid parameter type for 'hostfwd[0]', expected: object")]
    [InlineData("""{"type":"user","id":"a","hostfwd":[{"str":"x,y"}]}""", "Invalid host forwarding rule 'x,y'")]
    [InlineData("""{"type":"user","id":"1a"}""", "Parameter 'id' expects an identifier")]
    [InlineData("""{"type":"stream","id":"a","addr":{"type":"unix"}}""", "Parameter 'addr.path' is missing")]
    [InlineData("""{"type":"stream","id":"a","addr":{"type":"unix","path":"p","foo":1}}""", "Parameter 'addr.foo' is unexpected")]
    public void MistakesAreToldInQemusWords(string arguments, string words)
    {
        using var domain = new Monitored(RunningDomain.Options());
        domain.Refuse("netdev_add", arguments).ShouldBe(words);
    }

    [Fact]
    public void ALinkGoesDownAndUpAndStaysSoOverAReset()
    {
        var engine = new FakeEngine(_ => []);
        using var domain = new Monitored(RunningDomain.Options(new StreamNetworkOptions(Path.Combine(_folder, "s"), Listens: true) { Id = "nic0", Backend = "net0" }), engine);
        IsUp(domain).ShouldBe(true);
        domain.Do("set_link", """{"name":"nic0","up":false}""");
        IsUp(domain).ShouldBe(false);
        domain.Do("system_reset");
        SpinWait.SpinUntil(() => engine.Guests.Count == 2 && IsUp(domain) == false, TimeSpan.FromSeconds(60)).ShouldBeTrue();
        domain.Do("set_link", """{"name":"net0","up":true}""");
        SpinWait.SpinUntil(() => IsUp(domain) == true, TimeSpan.FromSeconds(60)).ShouldBeTrue();
        domain.Do("netdev_del", """{"id":"net0"}""");
        IsUp(domain).ShouldBe(false);
        domain.Refuse("netdev_del", """{"id":"net0"}""").ShouldBe("Device 'net0' not found");
    }

    private static bool? IsUp(Monitored domain) => domain.Domain.Control.Look<object>(static life => ((NetDevice)life.Devices!.All[0].Device!).IsLinkUp) as bool?;
}
