using Hospes.Domains.Events;
using Hospes.Domains.Lifecycle;

namespace Hospes.Domains.Tests.Lifecycle;

public sealed class DeviceTests
{
    private const string Disk = "<disk><source file='/x'/><target dev='vdb'/></disk>";

    [Fact]
    public async Task AGuestThatKeepsADeviceKeepsItUntilItLetsItGo()
    {
        using var lab = new Lab();
        ManagedDomain domain = await lab.RunAsync("a");
        (await lab.Host.AttachDeviceAsync(domain, Disk, live: true, config: false)).Failure.ShouldBeNull();
        lab.Machine(domain).LetsDevicesGo = false;
        Task<Outcome<Done>> detaching = lab.Host.DetachDeviceAsync(domain, Disk, live: true, config: false).AsTask();
        detaching.IsCompleted.ShouldBeFalse();
        lab.Time.Turn(TimeSpan.FromMinutes(1));
        (await detaching).Failure.ShouldBeNull("it was asked, and may do so later");
        domain.Now.Live!.Devices.Disks.Count.ShouldBe(1);
        lab.Machine(domain).LetsDevicesGo = true;
        (await lab.Host.DetachDeviceAsync(domain, Disk, live: true, config: false)).Failure.ShouldBeNull();
        domain.Now.Live!.Devices.Disks.ShouldBeEmpty();
        lab.Listener.Events.Select(static told => (told.Kind, told.Text)).Where(static told => told.Text is not null)
            .ShouldBe([(DomainEventKind.DeviceAdded, "virtio-disk0"), (DomainEventKind.DeviceRemoved, "virtio-disk0")]);
    }

    [Fact]
    public async Task NothingChangesIfEitherSideRefuses()
    {
        using var lab = new Lab();
        ManagedDomain domain = await lab.RunAsync("a");
        (await lab.Host.AttachDeviceAsync(domain, Disk, live: false, config: true)).Failure.ShouldBeNull();
        (await lab.Host.AttachDeviceAsync(domain, Disk, live: true, config: true)).Failure!.Error.ShouldBe(DomainError.OperationFailed);
        domain.Now.Live!.Devices.Disks.ShouldBeEmpty();
        (await lab.Host.AttachDeviceAsync(domain, "<disk><target dev='vdc'/></disk>", live: true, config: false)).Failure!.Error.ShouldBe(DomainError.InvalidXml);
        (await lab.Host.SetVcpusAsync(domain, 0, live: false, config: true, maximum: false)).Failure!.Error.ShouldBe(DomainError.InvalidArgument);
        (await lab.Host.SetVcpusAsync(domain, 9999, live: false, config: true, maximum: true)).Failure!.Error.ShouldBe(DomainError.UnsupportedConfiguration);
        domain.Now.Definition!.Vcpus.Maximum.ShouldBe(1);
    }

    [Fact]
    public async Task NamesOfDevicesThatWentAreGivenAgain()
    {
        using var lab = new Lab();
        ManagedDomain domain = await lab.RunAsync("a", "<devices><disk><source file='/a'/><target dev='vda'/></disk></devices>");
        await lab.Host.AttachDeviceAsync(domain, Disk, live: true, config: false);
        await lab.Host.DetachDeviceAsync(domain, "<disk><source file='/a'/><target dev='vda'/></disk>", live: true, config: false);
        await lab.Host.AttachDeviceAsync(domain, "<disk><source file='/c'/><target dev='vdc'/></disk>", live: true, config: false);
        domain.Now.Live!.Devices.Disks.Select(static disk => (disk.Target, disk.Alias)).ShouldBe([("vdb", "virtio-disk1"), ("vdc", "virtio-disk0")]);
    }
}
