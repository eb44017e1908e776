namespace Hospes.Hypervisor.Kvm.Tests;

/// <summary>What the engine refuses, and what it says of itself.</summary>
public sealed class EngineTests
{
    [Theory]
    [InlineData("steam", null, null, Status.InvalidArgs)]
    [InlineData("max,-steam", null, null, Status.InvalidArgs)]
    [InlineData("max,x2apic", null, null, Status.InvalidArgs)]
    [InlineData("max", "steam", "1", Status.InvalidArgs)]
    [InlineData("max", "dirty-ring", "1000", Status.InvalidArgs)]
    [InlineData("max", "dirty-ring", "512", Status.InvalidArgs)]
    [InlineData("max", "dirty-ring", "131072", Status.InvalidArgs)]
    [InlineData("max,-x2apic,-pcid,+pcid", null, null, Status.Ok)]
    [InlineData("host", null, null, Status.Ok)]
    [InlineData("hospes-v3,-avx2", null, null, Status.Ok)]
    public void ModelsAndSettingsAreChecked(string model, string? setting, string? value, Status expected)
    {
        if (HostKvm.TryOpen() is not { } engine) return;
        using (engine)
        using (var resource = new HypervisorResource(engine))
        {
            var settings = new Dictionary<string, string>();
            if (setting is not null) settings[setting] = value!;
            Guest.Create(resource, new GuestOptions { CpuModel = model, EngineSettings = settings }, out Guest? guest).ShouldBe(expected);
            if (guest is null) return;
            guest.CreateVcpu(out Vcpu? vcpu).ShouldBe(Status.Ok);
            vcpu!.Dispose();
            guest.Dispose();
        }
    }
}
