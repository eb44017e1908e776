namespace Hospes.Hypervisor.Kvm.Tests;

/// <summary>What is said where KVM cannot be used.</summary>
public sealed class RefusalTests
{
    [Fact]
    public void NoDeviceIsAbsence()
    {
        KvmEngine.TryOpen(out KvmEngine? engine, out KvmRefusal? refusal, "/dev/no-such-device").ShouldBeFalse();
        engine.ShouldBeNull();
        refusal.ShouldNotBeNull().Kind.ShouldBe(KvmRefusalKind.Absent);
        refusal.Cause.ShouldBe("there is no /dev/no-such-device");
    }

    [Fact]
    public void AnotherDeviceIsNotKvm()
    {
        KvmEngine.TryOpen(out _, out KvmRefusal? refusal, "/dev/null").ShouldBeFalse();
        refusal.ShouldNotBeNull().Kind.ShouldBe(KvmRefusalKind.Foreign);
    }

    [Fact]
    public void AFolderCannotBeOpened()
    {
        KvmEngine.TryOpen(out _, out KvmRefusal? refusal, "/dev").ShouldBeFalse();
        refusal.ShouldNotBeNull().Kind.ShouldBe(KvmRefusalKind.Denied);
        refusal.Remedy.ShouldContain("group kvm");
    }
}
