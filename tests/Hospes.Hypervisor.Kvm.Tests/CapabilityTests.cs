using Hospes.Hypervisor.Kvm.Native;

namespace Hospes.Hypervisor.Kvm.Tests;

/// <summary>What happens where the kernel's KVM lacks something: the rows of the table in docs/kvm.md. Bells and messages are in <see cref="NotifyTests"/>.</summary>
public sealed class CapabilityTests
{
    [Theory]
    [InlineData("UserMemory", "KVM_CAP_USER_MEMORY")]
    [InlineData("ExtendedCpuId", "KVM_CAP_EXT_CPUID")]
    [InlineData("MpState", "KVM_CAP_MP_STATE")]
    [InlineData("VcpuEvents", "KVM_CAP_VCPU_EVENTS")]
    [InlineData("DebugRegisters", "KVM_CAP_DEBUGREGS")]
    [InlineData("ExtendedArea", "KVM_CAP_XSAVE")]
    [InlineData("ExtendedControl", "KVM_CAP_XCRS")]
    [InlineData("IrqRouting", "KVM_CAP_IRQ_ROUTING")]
    [InlineData("SplitIrqChip", "KVM_CAP_SPLIT_IRQCHIP")]
    [InlineData("SignalMessage", "KVM_CAP_SIGNAL_MSI")]
    [InlineData("ImmediateExit", "KVM_CAP_IMMEDIATE_EXIT")]
    public void AMissingNecessityIsNamed(string extension, string name)
    {
        if (HostKvm.TryOpen() is not { } there) return;
        there.Dispose();
        KvmEngine.TryOpen(KvmEngine.DevicePath, lacking => lacking == Enum.Parse<KvmExtension>(extension), out _, out KvmRefusal? refusal).ShouldBeFalse();
        refusal.ShouldNotBeNull().Kind.ShouldBe(KvmRefusalKind.Incomplete);
        refusal.Cause.ShouldBe($"the kernel's KVM lacks {name}");
    }

    [Theory]
    [InlineData("IoEventFd")]
    [InlineData("IoEventFdAnyLength")]
    [InlineData("IrqFd")]
    [InlineData("X2ApicApi")]
    [InlineData("TscDeadline")]
    [InlineData("TscControl")]
    public void WithoutAConvenienceGuestsRun(string extension)
    {
        using FlatGuest? machine = FlatGuest.TryCreate(lacking => lacking == Enum.Parse<KvmExtension>(extension));
        if (machine is null) return;
        // out 0x80, al
        machine.Load([0xE6, 0x80]);
        machine.Next().Kind.ShouldBe(PacketKind.Io);
    }

    [Fact]
    public void WithoutTscControlNoFrequencyCanBeChosen()
    {
        if (HostKvm.TryOpen(static lacking => lacking == KvmExtension.TscControl) is not { } engine) return;
        using (engine) engine.Supports(Capability.TscScaling).ShouldBeFalse();
    }

    [Fact]
    public void WithoutTheDeadlineTimerCpuIdDoesNotOfferIt()
    {
        using FlatGuest? machine = FlatGuest.TryCreate(static lacking => lacking == KvmExtension.TscDeadline);
        if (machine is null) return;
        // mov eax, 1 / cpuid / mov eax, ecx / out 0x80, eax
        machine.Load([0xB8, 0x01, 0x00, 0x00, 0x00, 0x0F, 0xA2, 0x89, 0xC8, 0xE7, 0x80]);
        (machine.Next().Data >> 24 & 1).ShouldBe(0UL);
    }

    [Fact]
    public void WithoutDirtyRingsTheSettingIsRefused()
    {
        if (HostKvm.TryOpen(static lacking => lacking is KvmExtension.DirtyRing or KvmExtension.DirtyRingOrdered) is not { } engine) return;
        using (engine)
        using (var resource = new HypervisorResource(engine))
        {
            var options = new GuestOptions { EngineSettings = new Dictionary<string, string> { [KvmEngine.DirtyRingSetting] = "1024" } };
            Guest.Create(resource, options, out Guest? guest).ShouldBe(Status.NotSupported);
            guest.ShouldBeNull();
        }
    }
}
