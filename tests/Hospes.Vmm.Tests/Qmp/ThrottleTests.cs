using System.Text.Json;
using Hospes.Machine;
using Hospes.Virtio;
using Hospes.Vmm.Tests.CommandLine;

namespace Hospes.Vmm.Tests.Qmp;

/// <summary>Limits of disks as programs and command lines set them.</summary>
public sealed class ThrottleTests : IDisposable
{
    private const string None = "\"bps\":0,\"bps_rd\":0,\"bps_wr\":0,\"iops\":0,\"iops_rd\":0,\"iops_wr\":0";

    private readonly string _path = Path.Combine(Path.GetTempPath(), $"hospes-{Guid.NewGuid():N}.img");

    public ThrottleTests()
    {
        using FileStream file = File.Create(_path);
        file.SetLength(1 << 20);
    }

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void LimitsAreSetAndShown()
    {
        using var domain = new Monitored(RunningDomain.Options(new DiskOptions(_path) { Format = "raw", Id = "vd0", Drive = "d" }));
        domain.Do("block_set_io_throttle", """{"device":"d","bps":0,"bps_rd":1000,"bps_wr":2000,"iops":50,"iops_rd":0,"iops_wr":0,"iops_max":100,"iops_max_length":5,"iops_size":4096}""");
        RequestLimits limits = domain.Domain.Control.Backends!.Disks[0].Gate.Limits;
        (limits.ReadBytes.Rate, limits.WriteBytes.Rate, limits.Operations, limits.OperationSize).ShouldBe((1000ul, 2000ul, new RateLimit(50, 100, 5), 4096ul));
        JsonElement shown = domain.Do("query-block")[0].GetProperty("inserted");
        (shown.GetProperty("bps_rd").GetInt32(), shown.GetProperty("iops_max").GetInt32(), shown.GetProperty("iops_max_length").GetInt32(), shown.GetProperty("iops_size").GetInt32()).ShouldBe((1000, 100, 5, 4096));
        domain.Do("block_set_io_throttle", $$"""{"id":"vd0",{{None}}}""");
        domain.Domain.Control.Backends!.Disks[0].Gate.Limits.IsLimited.ShouldBeFalse();
        Refuse("\"device\":\"nope\"", None).ShouldBe("Device 'nope' not found");
        Refuse("\"id\":\"nope\"", None).ShouldBe("Device 'nope' not found");
        Refuse("\"id\":\"vd0\",\"device\":\"d\"", None).ShouldBe("Need exactly one of 'device' and 'id'");
        Refuse("\"id\":\"vd0\"", None.Replace("\"iops\":0", "\"iops\":-1")).ShouldBe("bps/iops/max values must be within [0, 1000000000000000]");
        Refuse("\"id\":\"vd0\"", None.Replace("\"iops\":0", "\"iops\":1000000000000001")).ShouldBe("bps/iops/max values must be within [0, 1000000000000000]");
        Refuse("\"id\":\"vd0\"", None.Replace("\"bps\":0,\"bps_rd\":0", "\"bps\":1,\"bps_rd\":1")).ShouldBe("bps/iops/max total values and read/write values cannot be used at the same time");
        Refuse("\"id\":\"vd0\"", None + ",\"iops_size\":1").ShouldBe("iops size requires an iops value to be set");
        Refuse("\"id\":\"vd0\"", None + ",\"iops_max\":1").ShouldBe("bps_max/iops_max require corresponding bps/iops values");
        Refuse("\"id\":\"vd0\"", None.Replace("\"iops\":0", "\"iops\":9") + ",\"iops_max\":8").ShouldBe("bps_max/iops_max cannot be lower than bps/iops");
        Refuse("\"id\":\"vd0\"", None + ",\"iops_max_length\":8").ShouldBe("burst length set without burst rate");
        Refuse("\"id\":\"vd0\"", None + ",\"iops_max_length\":0").ShouldBe("the burst length cannot be 0");

        string Refuse(string which, string limits) => domain.Refuse("block_set_io_throttle", "{" + which + "," + limits + "}");
    }

    [Fact]
    public void ACardsLimitsAreAPropertyOfIt()
    {
        const string Path = "\"path\":\"/machine/peripheral/n\",\"property\":\"limits\"";
        var card = new DatagramNetworkOptions(new(System.Net.IPAddress.Loopback, 0), new(System.Net.IPAddress.Loopback, 9)) { Id = "n", Limits = new RequestLimits { Operations = new RateLimit(9) } };
        using var domain = new Monitored(RunningDomain.Options(card, new DiskOptions(_path) { Format = "raw", Id = "vd0" }));
        domain.Do("qom-list", """{"path":"/machine/peripheral/n"}""").EnumerateArray().Select(static at => $"{at.GetProperty("name")} {at.GetProperty("type")}").ShouldBe(["type string", "limits ThrottleLimits"]);
        JsonElement told = Get();
        told.EnumerateObject().Count().ShouldBe(19);
        (told.GetProperty("iops-total").GetInt32(), told.GetProperty("bps-read").GetInt32(), told.GetProperty("bps-read-max-length").GetInt32()).ShouldBe((9, 0, 1));

        Set("""{"bps-read":1000,"bps-write":2000,"bps-write-max":4000,"bps-write-max-length":5,"iops-size":1500}""");
        RequestLimits limits = domain.Domain.Control.Backends!.Cards[0].Gate.Limits;
        (limits.ReadBytes.Rate, limits.WriteBytes, limits.Operations.Rate, limits.OperationSize).ShouldBe((1000ul, new RateLimit(2000, 4000, 5), 9ul, 1500ul), "what is not named stays");
        (Get().GetProperty("bps-write-max").GetInt32(), Get().GetProperty("bps-write-max-length").GetInt32()).ShouldBe((4000, 5));

        Refuse("""{"bps-total":1}""").ShouldBe("bps/iops/max total values and read/write values cannot be used at the same time");
        Refuse("""{"bps-read":-1}""").ShouldBe("bps/iops/max values must be within [0, 1000000000000000]");
        Refuse("""{"bps-read-max-length":0}""").ShouldBe("the burst length cannot be 0");
        Refuse("""{"bps-read":"1"}""").ShouldBe("Invalid parameter type for 'limits.bps-read', expected: integer");
        Refuse("""{"bps-read":1.5}""").ShouldBe("Invalid parameter type for 'limits.bps-read', expected: integer");
        Refuse("""{"bps":1}""").ShouldBe("Parameter 'limits.bps' is unexpected");
        Refuse("1").ShouldBe("Invalid parameter type for 'limits', expected: object");
        domain.Refuse("qom-get", """{"path":"/machine/peripheral/vd0","property":"limits"}""").ShouldBe("Property 'virtio-blk-pci.limits' not found");
        domain.Domain.Control.Backends!.Cards[0].Gate.Limits.ShouldBe(limits);
        Set("""{"bps-read":0,"bps-write":0,"bps-write-max":0,"bps-write-max-length":1,"iops-total":0,"iops-size":0}""");
        domain.Domain.Control.Backends!.Cards[0].Gate.Limits.IsLimited.ShouldBeFalse();

        JsonElement Get() => domain.Do("qom-get", "{" + Path + "}");
        void Set(string value) => domain.Do("qom-set", "{" + Path + ",\"value\":" + value + "}");
        string Refuse(string value) => domain.Refuse("qom-set", "{" + Path + ",\"value\":" + value + "}");
    }

    [Fact]
    public void ACardHasLimitsFromTheStart()
    {
        var card = (NetworkOptions)Parsing.Good(Parsing.Split("-netdev user,id=a -device virtio-net-pci,netdev=a,throttling.bps-read=1000,throttling.iops-total=5,throttling.iops-total-max=50")).Devices[0];
        (card.Limits.ReadBytes, card.Limits.Operations).ShouldBe((new RateLimit(1000), new RateLimit(5, 50)));
    }

    [Fact]
    public void ADriveHasLimitsFromTheStart()
    {
        var disk = (DiskOptions)Parsing.Good(Parsing.Split("-drive if=virtio,file=a.raw,throttling.bps-total=1000,throttling.iops-read=5,throttling.iops-read-max=50,throttling.iops-read-max-length=2")).Devices[0];
        (disk.Limits.Bytes, disk.Limits.ReadOperations).ShouldBe((new RateLimit(1000), new RateLimit(5, 50, 2)));
    }
}
