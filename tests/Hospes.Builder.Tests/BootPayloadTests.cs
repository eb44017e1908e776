using Hospes.Builder.Tests.Kit;

namespace Hospes.Builder.Tests;

/// <summary>Files that guests are built of: open from when they are named on, read each time.</summary>
public sealed class BootPayloadTests : IDisposable
{
    private readonly string _path = Path.GetTempFileName();

    public void Dispose() => File.Delete(_path);

    [Fact]
    public void AFileIsReadEachTimeAndStaysWhatItWasWhenItsNameIsGone()
    {
        BootPayload kernel = Open(Samples.Code(5000));
        File.Delete(_path);
        for (int life = 0; life < 2; life++)
        {
            kernel.TryRead(out byte[] bytes, out BuildFailure? failure).ShouldBeTrue();
            failure.ShouldBeNull();
            bytes.ShouldBe(Samples.Code(5000));
        }
    }

    [Fact]
    public void AKernelThatShrankSaysWhereItEnded()
    {
        BootPayload kernel = Open(Samples.Code(5000));
        using (var file = new FileStream(_path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite)) file.SetLength(700);
        kernel.TryRead(out byte[] bytes, out BuildFailure? failure).ShouldBeFalse();
        bytes.ShouldBeEmpty();
        failure.ShouldBe(new BuildFailure(BuildError.KernelUnreadable, "it ended after 700 of 5000 bytes"));
    }

    [Fact]
    public void BytesAreReadAsTheyAre()
    {
        BootPayload.FromBytes([1, 2, 3]).TryRead(out byte[] bytes, out _).ShouldBeTrue();
        bytes.ShouldBe([1, 2, 3]);
        BootPayload.FromBytes([]).TryRead(out bytes, out _).ShouldBeTrue();
        bytes.ShouldBeEmpty();
    }

    private BootPayload Open(byte[] content)
    {
        File.WriteAllBytes(_path, content);
        BootPayload.TryOpenKernel(_path, out BootPayload? kernel, out BuildFailure? failure).ShouldBeTrue();
        failure.ShouldBeNull();
        kernel!.Length.ShouldBe(content.Length);
        return kernel;
    }
}
