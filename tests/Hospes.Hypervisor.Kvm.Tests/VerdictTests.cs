using Hospes.Hypervisor.Kvm.Probe;

namespace Hospes.Hypervisor.Kvm.Tests;

/// <summary>The probe's verdict is kept until the next boot.</summary>
public sealed class VerdictTests : IDisposable
{
    private static readonly KvmRefusal Unreal = new(KvmRefusalKind.Unreal, "a short guest program shuts down", "use another host");

    private readonly string _folder = Directory.CreateTempSubdirectory("hospes-verdict").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void AVerdictIsFoundInItsOwnBootOnly()
    {
        var verdicts = new KvmVerdicts(_folder, "boot one");
        verdicts.TryFind(out _).ShouldBeFalse();
        verdicts.Keep(Unreal);
        verdicts.TryFind(out KvmRefusal? kept).ShouldBeTrue();
        kept.ShouldBe(Unreal);
        new KvmVerdicts(_folder, "boot two").TryFind(out _).ShouldBeFalse();
        verdicts.Keep(null);
        verdicts.TryFind(out kept).ShouldBeTrue();
        kept.ShouldBeNull();
    }

    [Fact]
    public void WithoutANameOfTheBootNothingIsFound()
    {
        var verdicts = new KvmVerdicts(_folder, "");
        verdicts.Keep(null);
        verdicts.TryFind(out _).ShouldBeFalse();
    }

    [Theory]
    [InlineData("")]
    [InlineData("hospes kvm verdict 1")]
    [InlineData("hospes kvm verdict 1\nboot\n")]
    [InlineData("hospes kvm verdict 1\nboot\na cause without a remedy\n")]
    [InlineData("something else\nboot\nreal\n")]
    [InlineData("hospes kvm verdict 2\nboot\nreal\n")]
    public void WhatIsNoVerdictIsNotFound(string text)
    {
        File.WriteAllText(Path.Combine(_folder, "kvm-verdict"), text);
        new KvmVerdicts(_folder, "boot").TryFind(out _).ShouldBeFalse();
    }

    [Fact]
    public void AFolderThatCannotBeWrittenIsNoFailure()
    {
        string file = Path.Combine(_folder, "file");
        File.WriteAllText(file, "");
        var verdicts = new KvmVerdicts(Path.Combine(file, "below"), "boot");
        verdicts.Keep(Unreal);
        verdicts.TryFind(out _).ShouldBeFalse();
    }
}
