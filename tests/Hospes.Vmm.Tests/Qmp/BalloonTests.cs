using System.Text.Json;
using Hospes.Machine;

namespace Hospes.Vmm.Tests.Qmp;

/// <summary>The memory balloon as programs drive it. The guest's side is played by the backend.</summary>
public sealed class BalloonTests
{
    private const string Path = "\"path\":\"/machine/peripheral/b\"";

    [Fact]
    public void WithoutABalloonThereIsNothingToAskFor()
    {
        using var domain = new Monitored(RunningDomain.Options());
        domain.Refuse("query-balloon").ShouldBe("No balloon device has been activated");
        domain.Refuse("balloon", """{"value":1048576}""").ShouldBe("No balloon device has been activated");
        domain.Ask("info balloon").ShouldBe("Error: No balloon device has been activated\n");
        domain.Do("qom-list", """{"path":"/machine/peripheral"}""").GetArrayLength().ShouldBe(0);
        domain.Refuse("qom-get", $$"""{{{Path}},"property":"guest-stats"}""").ShouldBe("Device '/machine/peripheral/b' not found");
    }

    [Fact]
    public void WhatTheGuestHasLeftIsNeverBelowZero()
    {
        using var domain = new Monitored(RunningDomain.Options(new BalloonOptions { Id = "b" }));
        Actual(domain).ShouldBe(16 << 20);
        domain.Domain.Next().ShouldBeOfType<DomainEvent.Resume>();
        Balloon balloon = domain.Domain.Control.Backends!.Balloon!;
        balloon.Changed!(4 << 20);
        domain.Domain.Next().ShouldBe(new DomainEvent.BalloonChange(4 << 20));
        new Vmm.Qmp.BalloonCommands(domain.Domain.Control).Describe((ulong)uint.MaxValue << 12)["actual"]!.GetValue<ulong>().ShouldBe(0u);
        domain.Do("balloon", """{"value":8388608}""");
        domain.Do("balloon", """{"value":9223372036854775807}""");
        domain.Refuse("balloon", """{"value":0}""").ShouldBe("Parameter 'target' expects a size");
        domain.Refuse("balloon", """{"value":-5}""").ShouldBe("Parameter 'target' expects a size");
        domain.Ask("balloon 8").ShouldBe("");
        domain.Ask("balloon x").ShouldStartWith("balloon: a number of MiB is missing");
        domain.Ask("info balloon").ShouldBe("balloon: actual=16\n");
    }

    [Fact]
    public void TheBalloonIsAnObjectWithProperties()
    {
        using var domain = new Monitored(RunningDomain.Options(new EntropyOptions(), new EntropyOptions { Id = "r" }, new BalloonOptions { Id = "b", PollingInterval = TimeSpan.FromSeconds(3) }));
        domain.Do("qom-list", """{"path":"/machine/peripheral"}""").EnumerateArray().Select(static at => $"{at.GetProperty("name")} {at.GetProperty("type")}")
            .ShouldBe(["r child<virtio-rng-pci>", "b child<virtio-balloon-pci>"]);
        domain.Do("qom-list", $$"""{{{Path}}}""").GetArrayLength().ShouldBe(3);
        domain.Do("qom-get", $$"""{{{Path}},"property":"type"}""").GetString().ShouldBe("virtio-balloon-pci");
        Get("guest-stats-polling-interval").GetInt64().ShouldBe(3);
        domain.Do("qom-set", $$"""{{{Path}},"property":"guest-stats-polling-interval","value":7}""");
        Get("guest-stats-polling-interval").GetInt64().ShouldBe(7);
        JsonElement stats = Get("guest-stats");
        stats.GetProperty("last-update").GetInt64().ShouldBe(0);
        stats.GetProperty("stats").GetProperty("stat-free-memory").GetUInt64().ShouldBe(ulong.MaxValue);
        domain.Refuse("qom-set", $$"""{{{Path}},"property":"guest-stats-polling-interval","value":"x"}""").ShouldContain("expected: integer");
        domain.Refuse("qom-set", $$"""{{{Path}},"property":"guest-stats-polling-interval","value":-1}""").ShouldBe("timer value must be greater than zero");
        domain.Refuse("qom-set", $$"""{{{Path}},"property":"guest-stats-polling-interval","value":99999999999}""").ShouldBe("timer value is too big");
        domain.Refuse("qom-set", $$"""{{{Path}},"property":"nope","value":1}""").ShouldBe("Property 'virtio-balloon-pci.nope' not found");
        domain.Refuse("qom-set", $$"""{{{Path}},"property":"type","value":1}""").ShouldBe("Insufficient permission to perform this operation");
        domain.Refuse("qom-get", """{"path":"/machine/peripheral/r","property":"guest-stats"}""").ShouldBe("Property 'virtio-rng-pci.guest-stats' not found");

        JsonElement Get(string property) => domain.Do("qom-get", $$"""{{{Path}},"property":"{{property}}"}""");
    }

    private static long Actual(Monitored domain) => domain.Do("query-balloon").GetProperty("actual").GetInt64();
}
