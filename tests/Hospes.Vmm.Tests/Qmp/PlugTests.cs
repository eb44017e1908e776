using System.Text.Json;
using Hospes.Machine;

namespace Hospes.Vmm.Tests.Qmp;

/// <summary>Devices and processors that come and go over QMP. No guest looks: the slots have no power, so what is asked for goes at once.</summary>
public sealed class PlugTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("hospes-plug-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void ADiskComesAndGoesWithItsNode()
    {
        string path = System.IO.Path.Combine(_folder, "disk.img");
        using (FileStream file = File.Create(path)) file.SetLength(1 << 20);
        using var domain = new Monitored(RunningDomain.Options(new RootPortOptions { Id = "p1" }, new RootPortOptions { Id = "p2" }));
        domain.Domain.Next().ShouldBeOfType<DomainEvent.Resume>();
        domain.Refuse("device_add", """{"driver":"virtio-blk-pci","id":"d","drive":"n"}""").ShouldBe("Property 'virtio-blk-pci.drive' can't find value 'n'");
        domain.Do("blockdev-add", $$$"""{"driver":"raw","node-name":"n","file":{"driver":"file","filename":"{{{path}}}"}}""");
        domain.Do("device_add", """{"driver":"virtio-blk-pci","id":"d","drive":"n","bus":"p2","serial":"S1","num-queues":2}""");
        Behind(domain, 2).ShouldBe("d");
        JsonElement drive = domain.Do("query-block")[0];
        drive.GetProperty("qdev").GetString().ShouldBe("/machine/peripheral/d/virtio-backend");
        domain.Refuse("blockdev-del", """{"node-name":"n"}""").ShouldContain("in use");
        domain.Refuse("device_add", """{"driver":"virtio-blk-pci","id":"d2","drive":"n"}""").ShouldBe("Node 'n' is already in use by another device");
        domain.Refuse("device_add", """{"driver":"virtio-rng-pci","id":"d"}""").ShouldBe("Duplicate device ID 'd'");
        domain.Refuse("device_add", """{"driver":"virtio-rng-pci","bus":"p2"}""").ShouldContain("in use by another device");
        domain.Do("device_del", """{"id":"d"}""");
        domain.Domain.Next().ShouldBe(new DomainEvent.DeviceDeleted("d"));
        domain.Do("query-block").GetArrayLength().ShouldBe(0);
        Behind(domain, 2).ShouldBeNull();
        domain.Refuse("device_del", """{"id":"d"}""").ShouldBe("Device 'd' not found");
        // Again, and in the other place.
        domain.Do("device_add", """{"driver":"virtio-blk-pci","id":"d","drive":"n"}""");
        Behind(domain, 1).ShouldBe("d");
        domain.Ask("device_del -s d").ShouldBe("");
        domain.Do("blockdev-del", """{"node-name":"n"}""");
    }

    [Fact]
    public void ANetworkCardComesAndGoesWithItsBackend()
    {
        using var domain = new Monitored(RunningDomain.Options(new RootPortOptions { Id = "p1" }));
        domain.Do("netdev_add", $$$"""{"type":"stream","id":"n","server":true,"addr":{"type":"unix","path":"{{{System.IO.Path.Combine(_folder, "wire")}}}"}}""");
        domain.Do("device_add", """{"driver":"virtio-net-pci","id":"c","netdev":"n","mac":"52:54:00:00:00:01"}""");
        domain.Refuse("device_add", """{"driver":"virtio-net-pci","id":"c2","netdev":"n"}""").ShouldBe("Property 'virtio-net-pci.netdev' can't take value 'n', it's in use");
        domain.Do("set_link", """{"name":"c","up":false}""");
        domain.Do("device_del", """{"id":"c"}""");
        domain.Refuse("set_link", """{"name":"c","up":false}""").ShouldBe("Device 'c' not found");
        domain.Do("device_add", """{"driver":"virtio-net-pci","id":"c","netdev":"n"}""");
        domain.Do("device_del", """{"id":"c"}""");
        domain.Do("netdev_del", """{"id":"n"}""");
    }

    [Fact]
    public void WhatHasNoPlaceIsRefused()
    {
        using var domain = new Monitored(RunningDomain.Options(new EntropyOptions { Id = "cold" }));
        domain.Refuse("device_add", """{"driver":"virtio-rng-pci","id":"r"}""").ShouldBe("PCI: no slot/function available for virtio-rng-pci, all in use or reserved");
        domain.Refuse("device_add", """{"driver":"virtio-rng-pci","id":"r","bus":"pcie.0"}""").ShouldBe("Bus 'pcie.0' does not support hotplugging");
        domain.Refuse("device_add", """{"driver":"pcie-root-port","id":"r"}""").ShouldBe("Bus 'pcie.0' does not support hotplugging");
        domain.Refuse("device_add", """{"driver":"virtio-rng-pci","bus":"p9"}""").ShouldBe("Bus 'p9' not found");
        domain.Refuse("device_add", """{"driver":"nope"}""").ShouldBe("'nope' is not a valid device model name");
        domain.Refuse("device_add", """{"driver":"virtio-rng-pci","foo":1}""").ShouldBe("Property 'virtio-rng-pci.foo' not found");
        domain.Refuse("device_add", "{}").ShouldBe("Parameter 'driver' is missing");
        domain.Refuse("device_del", """{"id":"cold"}""").ShouldBe("Bus 'pcie.0' does not support hotplugging");
        domain.Ask("device_add virtio-rng-pci,id=r").ShouldBe("Error: PCI: no slot/function available for virtio-rng-pci, all in use or reserved\n");
        domain.Ask("device_del").ShouldBe("device_del: a device is missing\n");
        domain.Do("query-pci")[0].GetProperty("devices").GetArrayLength().ShouldBe(2);
    }

    [Fact]
    public void ProcessorsComeInOrder()
    {
        VmmOptions options = RunningDomain.Options();
        using var domain = new Monitored(options with { Machine = options.Machine with { Vcpus = 1, MaxVcpus = 3 } });
        JsonElement[] all = [.. domain.Do("query-hotpluggable-cpus").EnumerateArray()];
        all.Select(static at => at.GetProperty("props").GetProperty("socket-id").GetInt32()).ShouldBe([2, 1, 0]);
        all.Select(static at => at.TryGetProperty("qom-path", out _)).ShouldBe([false, false, true]);
        domain.Refuse("device_add", Cpu(2)).ShouldBe("CPUs are plugged in in order: socket-id 1 is the next");
        domain.Refuse("device_add", Cpu(0)).ShouldBe("CPU[0] with APIC ID 0 exists");
        domain.Refuse("device_add", Cpu(3)).ShouldBe("Invalid CPU socket-id: 3 must be in range 0:2");
        domain.Refuse("device_add", """{"driver":"max-x86_64-cpu","id":"c"}""").ShouldBe("CPU socket-id is not set");
        domain.Do("device_add", Cpu(1));
        domain.Do("query-cpus-fast").EnumerateArray().Select(static at => at.GetProperty("qom-path").GetString()).ShouldBe(["/machine/unattached/device[0]", "/machine/peripheral/cpu1"]);
        domain.Refuse("device_del", """{"id":"cpu1"}""").ShouldBe("CPU hot-unplug is not supported");
        domain.Do("device_add", Cpu(2));
        domain.Refuse("device_add", Cpu(3)).ShouldStartWith("Invalid CPU socket-id");
        domain.Do("query-cpus-fast").GetArrayLength().ShouldBe(3);
        domain.Ask("info registers -a").ShouldContain("CPU#2");
    }

    private static string Cpu(int socket) => $$"""{"driver":"max-x86_64-cpu","id":"cpu{{socket}}","socket-id":{{socket}},"core-id":0,"thread-id":0}""";

    private static string? Behind(Monitored domain, int slot) => domain.Domain.Control.Look(static life => life.Machine!.ReportPci())!
        .Single(at => at.Slot == slot).Bridge!.Below.FirstOrDefault()?.Name;
}
